"""Evidence of a loss: usual interval between orders, days of silence, recent purchases."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Count, QuerySet
from django.utils import timezone

from basedata.calendar.counted_days import current_counted_days
from customers.orders.as_of import orders_as_of
from customers.orders.models import Order
from customers.orders.rhythm import Rhythm, rhythm
from customers.orders.rhythm_base import base_for
from customers.orders.trend import Bar, build_bars, totals_by_month
from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum

from .models import ChurnCase
from .rule import churn_cutoff, months_for, silence_start, spell_months

RECENT_ORDERS = 200  # enough for a rhythm


class Evidence(NamedTuple):
    habit: Rhythm | None  # up to the purchase the case was opened on
    sentence: str  # why there is a case


def evidence_of(case: ChurnCase, orders: QuerySet[Order]) -> Evidence:
    """Return how unusual the silence is for this customer. orders: the purchases that the user sees."""
    if case.last_purchase_on is None:
        customer = case.customer
        since = silence_start(None, None, timezone.localdate(customer.created_at), customer.cooperation_since)
        return Evidence(None, f"该客户从未下单；自 {since:%Y-%m-%d} 起已 {(case.silent_until - since).days} 天。")
    times = orders.order_by("-ordered_at").values_list("ordered_at", flat=True)[:RECENT_ORDERS]
    days = [day for at in times if (day := timezone.localdate(at)) <= case.last_purchase_on]
    calendar = current_counted_days()
    habit = rhythm(days, base_for(case.silent_until), calendar)
    if habit is None:
        text = f"已 {case.silent_days} 天未下单{_describe_excess(case)}；下单不足 4 天，没有惯常间隔可比。"
        return Evidence(None, text)
    until = min(case.silent_until, orders_as_of()) if case.is_open else case.silent_until
    return Evidence(habit, habit.describe(calendar.between(case.last_purchase_on, until)))


def _describe_excess(case: ChurnCase) -> str:
    """Name the months of the rule, unless the customer has become one of those with more of them since."""
    months = months_for(str(case.customer.level or ""))
    is_over = case.last_purchase_on is not None and case.last_purchase_on <= churn_cutoff(case.silent_until, months)
    return f"，超过{spell_months(months)}" if is_over else ""


def bought_lately(case: ChurnCase, orders: QuerySet[Order]) -> dict[str, Any]:
    """Return {"n": orders, "total": amount} of the twelve months before the day the case speaks of."""
    year_before = add_months(case.silent_until, -12)
    return orders.filter(ordered_at__gte=midnight(year_before)).aggregate(n=Count("pk"), total=ExactSum("total"))


def monthly_trend(case: ChurnCase, orders: QuerySet[Order]) -> list[Bar]:
    """Return the monthly bars up to the month the case speaks of; empty when nothing was bought in them."""
    totals = totals_by_month(orders, case.silent_until)
    return build_bars(totals, case.silent_until) if any(total > 0 for total in totals.values()) else []
