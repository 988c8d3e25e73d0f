"""Working minutes of service requests: all times taken and allowed are computed here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from basedata.calendar import add_working_minutes, working_minutes

if TYPE_CHECKING:
    from basedata.models import DictionaryEntry
    from customers.models import Customer


def minutes_between(start: datetime, end: datetime) -> int:
    """Return the working minutes from start to end, never negative."""
    return working_minutes(start, end)


def add_minutes(start: datetime, minutes: int) -> datetime:
    """Return the datetime at which so many working minutes have passed."""
    return add_working_minutes(start, minutes)


def format_minutes(minutes: int | None) -> str:
    """Return working minutes as 3 小时 20 分; empty for None."""
    if minutes is None:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (hours and f"{hours} 小时", (rest or not hours) and f"{rest} 分") if part)


def due_at(kind: DictionaryEntry, customer: Customer | None, start: datetime) -> datetime | None:
    """Return the datetime by which a request begun at start should be handled; None without a target.

    customer: None for an organisation that is not a customer yet.
    """
    from .models import ServiceTarget  # the models import this module

    minutes = ServiceTarget.minutes_for(kind.pk, customer.level_id if customer else None)
    return None if minutes is None else add_minutes(start, minutes)
