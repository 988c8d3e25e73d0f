"""Dates of past events: none may lie in the future, apart from a day of tolerance for clocks ahead of ours."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone

TOLERANCE = timedelta(days=1)
FUTURE_DATE_REFUSED = "已经发生的事，日期不能晚于今天，请核对年份。"


def latest_past_day() -> date:
    """Return the last day, in Shanghai, that is accepted as past: tomorrow."""
    return timezone.localdate() + TOLERANCE


def future_start() -> datetime:
    """Return the first datetime that is refused: the midnight after latest_day()."""
    return timezone.make_aware(datetime.combine(latest_past_day() + timedelta(days=1), time.min))


def is_in_future(when: date | datetime) -> bool:
    """Tell whether a date is later than latest_day(). A datetime without a zone is taken as Shanghai time."""
    if isinstance(when, datetime):
        return (when if timezone.is_aware(when) else timezone.make_aware(when)) >= future_start()
    return when > latest_past_day()


def refuse_ahead(when: date | datetime) -> None:
    """Validate the date of a past event, in model and form fields."""
    if is_in_future(when):
        raise ValidationError(FUTURE_DATE_REFUSED, code="ahead")
