"""Evidence of a loss: usual purchase interval, days of silence, recent purchases."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from customers.orders.models import Order
from customers.orders.trend import Bar, build_bars, totals_by_month
from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum

from .models import ChurnCase
from .rule import Habit, churn_cutoff, months_for, purchase_habit, silence_start, spell_months

RECENT_ORDERS = 200  # enough for a usual interval


def usual_interval(case: ChurnCase, orders: QuerySet[Order]) -> Habit | None:
    """Return the customer's usual purchase interval up to the purchase the case was opened on."""
    if case.last_purchase_on is None:
        return None
    times = orders.order_by("-ordered_at").values_list("ordered_at", flat=True)[:RECENT_ORDERS]
    days = [timezone.localdate(at) for at in times]
    return purchase_habit(one for one in days if one <= case.last_purchase_on)


def describe_evidence(case: ChurnCase, habit: Habit | None) -> str:
    """Explain in a sentence why there is a case."""
    if case.silent_days is None:
        customer = case.customer
        since = silence_start(None, None, timezone.localdate(customer.created_at), customer.cooperation_since)
        return f"该客户从未下单；自 {since:%Y-%m-%d} 起已 {(case.silent_until - since).days} 天。"
    if habit is None:
        return f"已 {case.silent_days} 天未下单{_describe_excess(case)}；订单不足 3 次，没有惯常间隔可比。"
    times = habit.times(case.silent_days)
    return f"该客户通常约 {habit.interval} 天下单一次，已 {case.silent_days} 天未下单，为惯常的 {times} 倍。"


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
