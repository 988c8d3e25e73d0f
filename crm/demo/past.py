"""The demo company's past: working days before today, and the events of those days."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User
from kit.audit.log import build_entry
from kit.audit.models import AuditEntry

SATURDAY = 5


def workday(offset: int) -> date:
    """Return the day so many days from today (negative: before); at a weekend the Friday before or the Monday after."""
    day = timezone.localdate() + timedelta(days=offset)
    while offset and day.weekday() >= SATURDAY:
        day += timedelta(days=1 if offset > 0 else -1)
    return day


def past_datetime(days_ago: int, hour: int, minute: int = 0) -> datetime:
    """Return a datetime on the working day so many days ago, in Shanghai; at least 1, so that it is past."""
    return timezone.make_aware(datetime.combine(workday(-max(days_ago, 1)), time(hour, minute)))


class Journal:
    """Events as the product itself logs them, dated in the past and inserted in the order of their times."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def note(
        self, at: datetime, by: User | None, verb: str, obj: models.Model | None, text: str = "", **facts: Any
    ) -> None:
        """Log an event. obj: saved already; facts as in kit.audit.log.log_event."""
        entry = build_entry(by, verb, obj, text=text, changes=facts)
        entry.at = at
        self.entries.append(entry)

    def write(self) -> None:
        self.entries.sort(key=lambda entry: entry.at)
        AuditEntry.objects.bulk_create(self.entries, batch_size=500)
