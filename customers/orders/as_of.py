"""The day as of which everything about orders is said: a feed that stops makes nobody late."""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from typing import Any

from django.db.models import DateField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Least, TruncDate
from django.utils import timezone

from basedata.models import FeedPosition
from kit.sql.readers import FixedQuery, as_datetime

from .models import Order


def orders_as_of(*, syncing: bool = False) -> date:
    """Return the earliest of today, the last sync of orders and the newest change that any order carries.

    syncing: the caller writes orders of a sync that goes on. One read of one row each, by indexes.
    """
    newest, position = _newest_change().read(), FeedPosition.objects.filter(table="orders")
    changed_at, synced_at = newest[0] if newest else (None, position.values_list("synced_at", flat=True).first())
    times = (as_datetime(changed_at), None if syncing else as_datetime(synced_at))
    return min([timezone.localdate(), *(timezone.localdate(at) for at in times if at)])


@cache
def _newest_change() -> FixedQuery:
    """Return the query for the newest change of an order, and the last sync beside it."""
    synced_at = FeedPosition.objects.filter(table="orders").values("synced_at")[:1]
    changes = Order.objects.filter(changed_at__isnull=False).order_by("-changed_at")
    return FixedQuery(changes.annotate(synced_at=Subquery(synced_at)).values_list("changed_at", "synced_at")[:1])


def as_of_in_sql() -> Least:
    """Return orders_as_of() as an expression, for conditions that are counted beside others in one statement."""
    return _as_of_in_sql(timezone.localdate())


@lru_cache(maxsize=2)
def _as_of_in_sql(today: date) -> Least:
    """The same object all day: counting statements are kept by their conditions."""
    changes = Order.objects.filter(changed_at__isnull=False).order_by("-changed_at")
    synced = FeedPosition.objects.filter(table="orders", synced_at__isnull=False).order_by("synced_at")
    latest = today_or(changes.values(day=TruncDate("changed_at"))[:1], today)
    return Least(Value(today, DateField()), latest, today_or(synced.values(day=TruncDate("synced_at"))[:1], today))


def today_or(days: QuerySet[Any], today: date) -> Coalesce:
    """Return the one day of a query, today without any."""
    return Coalesce(Subquery(days, output_field=DateField()), Value(today, DateField()))
