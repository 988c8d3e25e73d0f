"""The 客户经理 of a customer at a given time, from the ownership history."""

from __future__ import annotations

from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from .models import Ownership


def owner_at(customer: str, when: str | datetime) -> Coalesce:
    """Return an expression for that customer's 客户经理 at that time; before the history begins, the first known one.

    customer, when: names of fields of the outer query; when may be a datetime.
    """
    history = Ownership.objects.filter(customer=OuterRef(customer))
    at = OuterRef(when) if isinstance(when, str) else when
    owner_then = history.filter(since__lte=at).order_by("-since", "-pk").values("manager")[:1]
    first_owner = history.order_by("since", "pk").values("manager")[:1]
    return Coalesce(Subquery(owner_then), Subquery(first_owner))
