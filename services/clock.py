"""Time of service requests: the only place where time taken and time allowed are counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

# Hours within which a request should be handled, by the value of its 服务类型: 咨询, 建议, 投诉.
TARGET_HOURS = {"1": 16, "2": 40, "3": 24}


def minutes_between(start: datetime, end: datetime) -> int:
    """Minutes that count from one moment to the other, never negative."""
    return max(0, int((end - start).total_seconds() // 60))


def later(start: datetime, minutes: int) -> datetime:
    """The moment at which so many counted minutes have passed."""
    return start + timedelta(minutes=minutes)


def due_at(kind: Any, customer: Any, start: datetime) -> datetime | None:
    """Until when a request of this type and customer, begun then, should be handled; None without a target."""
    hours = TARGET_HOURS.get(kind.value)
    return later(start, hours * 60) if hours else None
