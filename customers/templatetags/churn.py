"""The rule of 客户流失 in templates."""

from __future__ import annotations

from django import template

from customers.churn.rule import describe_period

register = template.Library()
register.simple_tag(describe_period, name="churn_period")
