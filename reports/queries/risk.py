"""风险金额: money at risk in the viewer's view, now and at the end of last month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from customers.insight.risk import Risk, money_at_risk
from customers.models import ChurnCase, Customer, Order, RiskMonth
from customers.orders.as_of import orders_as_of
from customers.records.filters import name_condition
from kit.sql.exact_sum import ExactSum

from .people import EVERYBODY, ChosenPeople

PARTS = Risk._fields


class RiskFigures(NamedTuple):
    """before: at the month's end; None before the first that was kept, and for chosen names."""

    now: Risk
    before: Risk | None
    as_of: date
    month_end: date


def risk_figures(user: User, people: ChosenPeople = EVERYBODY, name: str = "") -> RiskFigures | None:
    """Return the money at risk of the customers in view; None for users who may not see cases or orders."""
    if not user.has_perms((ChurnCase.objects.all().view_permission, Order.objects.all().view_permission)):
        return None
    customers = people.filter(Customer.objects.visible_to(user), "manager")
    if name:
        customers = customers.filter(name_condition(name))
    as_of = orders_as_of()
    month_end = timezone.localdate().replace(day=1) - timedelta(days=1)
    months = people.filter(RiskMonth.objects.visible_to(user), "manager").filter(month_end=month_end)
    return RiskFigures(money_at_risk(customers, as_of), None if name else _sum_of(months), as_of, month_end)


def _sum_of(months: QuerySet[RiskMonth]) -> Risk | None:
    sums: dict[str, Any] = months.order_by().aggregate(**{f"{name}_sum": ExactSum(name) for name in PARTS})
    values = [sums[f"{name}_sum"] for name in PARTS]
    return None if values[0] is None else Risk(*values)
