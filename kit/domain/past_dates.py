"""Dates of what has happened: none lies ahead. A day of tolerance is for clocks that go ahead of ours."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone

TOLERANCE = timedelta(days=1)
LIES_AHEAD = "已经发生的事，日期不能晚于今天，请核对年份。"


def latest_day() -> date:
    """The last day, in Shanghai, on which something can be said to have happened."""
    return timezone.localdate() + TOLERANCE


def horizon() -> datetime:
    """The first moment after that day."""
    return timezone.make_aware(datetime.combine(latest_day() + timedelta(days=1), time.min))


def lies_ahead(when: date | datetime) -> bool:
    """Is it later than today and its day of tolerance? Moments without a zone are Shanghai's."""
    if isinstance(when, datetime):
        return (when if timezone.is_aware(when) else timezone.make_aware(when)) >= horizon()
    return when > latest_day()


def refuse_ahead(when: date | datetime) -> None:
    """A validator for the fields of models and forms."""
    if lies_ahead(when):
        raise ValidationError(LIES_AHEAD, code="ahead")
