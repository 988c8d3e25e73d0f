"""The demo company's past: working days before today, and the audit rows of what happened on them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from kit.audit.log import build_entry
from kit.audit.models import AuditEntry

SATURDAY = 5


def workday(offset: int) -> date:
    """The day so many days from today (negative: before); at a weekend the Friday before or the Monday after."""
    day = timezone.localdate() + timedelta(days=offset)
    while offset and day.weekday() >= SATURDAY:
        day += timedelta(days=1 if offset > 0 else -1)
    return day


def moment(days_ago: int, hour: int, minute: int = 0) -> datetime:
    """A time on the working day so many days ago, in Shanghai; days_ago is at least 1, so it is past at any hour."""
    return timezone.make_aware(datetime.combine(workday(-max(days_ago, 1)), time(hour, minute)))


class Journal:
    """Audit rows as the product itself writes them, dated by hand and inserted in the order of their times."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def note(self, at: datetime, by: Any, verb: str, obj: models.Model | None, text: str = "", **facts: Any) -> None:
        """obj is saved already: the row keeps its key. facts as in kit.audit.log.record."""
        entry = build_entry(by, verb, obj, text=text, changes=facts)
        entry.at = at
        self.entries.append(entry)

    def write(self) -> None:
        self.entries.sort(key=lambda entry: entry.at)
        AuditEntry.objects.bulk_create(self.entries, batch_size=500)
