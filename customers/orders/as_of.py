"""The day as of which everything about orders is said: a feed that stops makes nobody late."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from basedata.models import FeedPosition

from .models import Order


def orders_as_of(*, syncing: bool = False) -> date:
    """Return the earliest of today, the last sync of orders and the newest change that any order carries.

    syncing: the caller writes orders of a sync that goes on. Two reads of one row each, by indexes.
    """
    days = [timezone.localdate()]
    changes = Order.objects.filter(changed_at__isnull=False).order_by("-changed_at")
    if newest := changes.values_list("changed_at", flat=True).first():
        days.append(timezone.localdate(newest))
    if not syncing:
        synced = FeedPosition.objects.filter(table="orders", synced_at__isnull=False)
        days += [timezone.localdate(at) for at in synced.values_list("synced_at", flat=True)]
    return min(days)
