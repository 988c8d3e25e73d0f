"""The datetime by which a request should be handled."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from services.clock import add_minutes

if TYPE_CHECKING:
    from basedata.models import DictionaryEntry
    from customers.models import Customer


def due_at(kind: DictionaryEntry, customer: Customer | None, start: datetime) -> datetime | None:
    """Return the datetime by which a request begun at start should be handled; None without a target.

    customer: None for an organisation that is not a customer yet.
    """
    from .models import ServiceTarget  # the models import this module

    minutes = ServiceTarget.minutes_for(kind.pk, customer.level_id if customer else None)
    return None if minutes is None else add_minutes(start, minutes)
