"""Figures of orders as the screen shows them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django import template

from basedata.figures import in_full
from crm.ui.templatetags.ui import DASH

register = template.Library()


@register.filter
def yuan(value: Decimal | None) -> str:
    """An exact amount, rounded half up for display only."""
    if value is None:
        return DASH
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}".replace("-", "−")


@register.filter
def price(value: Decimal | None) -> str:
    """A unit price with every place that matters, at least two."""
    return in_full(value, 2)


@register.filter
def figure(value: Decimal | None) -> str:
    """A quantity without useless zeros."""
    return in_full(value)
