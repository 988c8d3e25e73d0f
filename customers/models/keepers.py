"""Who was a customer's 客户经理 at a moment, by the ownership history."""

from __future__ import annotations

from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from .customer import Ownership


def keeper_at(customer: str, when: str | datetime) -> Coalesce:
    """The 客户经理 of that customer at that moment; before the history begins, the first one known.

    customer, moment: names of fields of the outer query; or the moment itself.
    """
    history = Ownership.objects.filter(customer=OuterRef(customer))
    at = OuterRef(when) if isinstance(when, str) else when
    owner_then = history.filter(since__lte=at).order_by("-since", "-pk").values("manager")[:1]
    first_owner = history.order_by("since", "pk").values("manager")[:1]
    return Coalesce(Subquery(owner_then), Subquery(first_owner))
