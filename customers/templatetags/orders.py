"""Template filters for amounts, prices and quantities of orders."""

from __future__ import annotations

from django import template
from django.conf import settings

from customers.insight.value import format_share
from kit.domain.money import format_price, format_quantity, format_yuan

register = template.Library()
register.filter("yuan", format_yuan)
register.filter("price", format_price)
register.filter("figure", format_quantity)
register.filter("share", format_share)


@register.simple_tag
def unpaid_days() -> str:
    """Return from how many days on an unpaid order is marked, for 帮助."""
    return f" {settings.CRM_UNPAID_DAYS}"
