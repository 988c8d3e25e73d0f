"""Working minutes of service requests: all times taken and allowed are computed here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from basedata.calendar.working_time import add_working_minutes, working_minutes

if TYPE_CHECKING:
    pass


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
