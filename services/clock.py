"""Time of service requests: the only place where time taken and time allowed are counted, in working minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from basedata.calendar import add_working_minutes, working_minutes


def minutes_between(start: datetime, end: datetime) -> int:
    """Working minutes from one moment to the other, never negative."""
    return working_minutes(start, end)


def add_minutes(start: datetime, minutes: int) -> datetime:
    """The moment at which so many working minutes have passed."""
    return add_working_minutes(start, minutes)


def format_minutes(minutes: int | None) -> str:
    """Working minutes as people say them: 3 小时 20 分; empty for None."""
    if minutes is None:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (hours and f"{hours} 小时", (rest or not hours) and f"{rest} 分") if part)


def due_at(kind: Any, customer: Any, start: datetime) -> datetime | None:
    """Until when a request of this type and customer, begun then, should be handled; None without a target.

    customer: None for an organisation that is no customer yet.
    """
    from .models import ServiceTarget  # the models count with this module

    minutes = ServiceTarget.minutes_for(kind.pk, customer.level_id if customer else None)
    return None if minutes is None else add_minutes(start, minutes)
