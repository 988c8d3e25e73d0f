"""Which 暂缓措施 were followed by a purchase."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from crm.ui.filters import midnight

from .models import ChurnMeasure, Order

WATCHED_DAYS = 90


def effect_of(measures: QuerySet[ChurnMeasure], today: date) -> dict[int, bool | None]:
    """{key of the measure: True when the customer bought from its day on within 90 days, False when he did not, None
    while those days are not over}. Two queries, however many measures."""
    taken = {
        pk: (customer, timezone.localdate(at))
        for pk, customer, at in measures.order_by().values_list("pk", "case__customer", "at")
    }
    if not taken:
        return {}
    days = purchase_days(measures.order_by().values("case__customer"), [day for _, day in taken.values()])
    return {pk: _effect(days[customer], day, today) for pk, (customer, day) in taken.items()}


def effects_by_case(measures: QuerySet[ChurnMeasure], today: date) -> dict[int, bool | None]:
    """{key of the case: the effect of its measures taken together}."""
    effects, seen = effect_of(measures, today), defaultdict(set)
    for pk, case in measures.order_by().values_list("pk", "case"):
        seen[case].add(effects.get(pk))
    return {case: together(found) for case, found in seen.items()}


def together(effects: set[bool | None]) -> bool | None:
    """One that worked is enough; without it, it is open as long as one is."""
    return True if True in effects else None if None in effects else False


def purchase_days(customers: Any, taken: list[date]) -> dict[int, list[date]]:
    """{customer: Shanghai days of purchase} in the time the measures may have had an effect."""
    orders = Order.objects.purchases().filter(
        customer__in=customers,
        ordered_at__gte=midnight(min(taken)),
        ordered_at__lt=midnight(max(taken) + timedelta(days=WATCHED_DAYS + 1)),
    )
    days: dict[int, list[date]] = defaultdict(list)
    for customer, at in orders.order_by().values_list("customer", "ordered_at"):
        days[customer].append(timezone.localdate(at))
    return days


def _effect(days: list[date], taken: date, today: date) -> bool | None:
    until = taken + timedelta(days=WATCHED_DAYS)
    if any(taken <= day <= until for day in days):
        return True
    return None if until >= today else False
