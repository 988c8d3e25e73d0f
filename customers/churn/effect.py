"""Effect of 暂缓措施: measures that were followed by a purchase."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncDate
from django.utils import timezone

from customers.orders.models import Order

from .models import ChurnMeasure

WATCHED_DAYS = 90


def measure_effects(measures: QuerySet[ChurnMeasure], today: date) -> dict[int, bool | None]:
    """Return {key of the measure: bought within 90 days from its day on}; None while those days are not over.

    One query, however many measures.
    """
    rows = measures.order_by().annotate(day=TruncDate("at"), first=Subquery(_purchases().values("ordered_at")[:1]))
    return {pk: _effect(first, day, today) for pk, day, first in rows.values_list("pk", "day", "first")}


def case_effects(measures: QuerySet[ChurnMeasure], today: date) -> dict[int, bool | None]:
    """Return {key of the case: combined effect of its measures}."""
    effects, by_case = measure_effects(measures, today), defaultdict(set)
    for pk, case in measures.order_by().values_list("pk", "case"):
        by_case[case].add(effects.get(pk))
    return {case: combine_effects(values) for case, values in by_case.items()}


def combine_effects(effects: set[bool | None]) -> bool | None:
    """Combine effects: True when one measure worked, else None while one is open, else False."""
    return True if True in effects else None if None in effects else False


def _purchases() -> QuerySet[Order]:
    """Return purchases of the measure's customer from its Shanghai day on, earliest first.

    The condition on the time lets in a day more than that on the day: it is there for the index.
    """
    of_customer = Order.objects.purchases().filter(customer=OuterRef("case__customer"))
    candidates = of_customer.filter(ordered_at__gte=OuterRef("at") - timedelta(days=1))
    return candidates.annotate(on=TruncDate("ordered_at")).filter(on__gte=OuterRef("day")).order_by("ordered_at")


def _effect(first_purchase: datetime | None, taken_on: date, today: date) -> bool | None:
    until = taken_on + timedelta(days=WATCHED_DAYS)
    if first_purchase is not None and timezone.localdate(first_purchase) <= until:
        return True
    return None if until >= today else False
