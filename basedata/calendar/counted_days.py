"""Counted days: calendar days without the holidays (休) of the working calendar; weekends count.

Make-up days (班) change nothing. A year without entered days counts by the calendar.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from functools import cache
from uuid import UUID

from kit.sql.readers import FixedQuery

from .models import SpecialDay, WorkCalendar

LAST_ORDINAL = date.max.toordinal()


class CountedDays:
    """Days between two dates as pure arithmetic: no query, cheap for any distance, safe to share."""

    def __init__(self, holidays: Iterable[date] = ()) -> None:
        self._holidays = sorted({day.toordinal() for day in holidays})

    def between(self, first: date, last: date) -> int:
        """Return the counted days after first up to last."""
        return self._position(last.toordinal()) - self._position(first.toordinal())

    def later(self, day: date, days: int) -> date:
        """Return the first date so many counted days after another, at most the last one there is; days: at least 1."""
        target = self._position(day.toordinal()) + days
        ordinal = target
        while (later := target + bisect_right(self._holidays, ordinal)) != ordinal:
            ordinal = later
        return date.fromordinal(min(ordinal, LAST_ORDINAL))

    def _position(self, ordinal: int) -> int:
        return ordinal - bisect_right(self._holidays, ordinal)


_calendars: dict[UUID | str, CountedDays] = {}  # by the calendar's stamp, a text on SQLite


@cache
def _stamp() -> FixedQuery:
    return FixedQuery(WorkCalendar.objects.filter(pk=WorkCalendar.ONLY).values_list("stamp"))


def current_counted_days() -> CountedDays:
    """Return the company's counted days: one small query says whether those read before are still valid."""
    stored = _stamp().read()
    stamp = stored[0][0] if stored else WorkCalendar.load().stamp
    calendar = _calendars.get(stamp)
    if calendar is None:
        calendar = CountedDays(SpecialDay.objects.filter(kind=SpecialDay.Kind.REST).values_list("day", flat=True))
        _calendars.clear()
        _calendars[stamp] = calendar
    return calendar
