"""The day as of which everything about orders is said: a feed that stops makes nobody late."""

from __future__ import annotations

from datetime import date

from django.db.models import Subquery
from django.utils import timezone

from basedata.models import FeedPosition

from .models import Order


def orders_as_of(*, syncing: bool = False) -> date:
    """Return the earliest of today, the last sync of orders and the newest change that any order carries.

    syncing: the caller writes orders of a sync that goes on. One read of one row each, by indexes.
    """
    position = FeedPosition.objects.filter(table="orders")
    changes = Order.objects.filter(changed_at__isnull=False).order_by("-changed_at")
    both = changes.annotate(synced_at=Subquery(position.values("synced_at")[:1]))
    row = both.values_list("changed_at", "synced_at").first()
    changed_at, synced_at = row or (None, position.values_list("synced_at", flat=True).first())
    times = (changed_at, None if syncing else synced_at)
    return min([timezone.localdate(), *(timezone.localdate(at) for at in times if at)])
