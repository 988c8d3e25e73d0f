"""The rule of 客户流失 in templates."""

from __future__ import annotations

from django import template

from customers.churn.rule import describe_period, usual_period

register = template.Library()
register.simple_tag(describe_period, name="churn_period")
register.simple_tag(usual_period, name="usual_churn_period")
