"""Periods of reports, in Shanghai days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from kit.domain.days import add_months, format_day, midnight


class Period(NamedTuple):
    """From the first day to the last, both included."""

    first: date
    last: date

    @property
    def begins(self) -> datetime:
        return midnight(self.first)

    @property
    def ends(self) -> datetime:
        """Return the start of the day after it."""
        return midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def months(self) -> list[date]:
        """Return the first days of its months."""
        start = self.first.replace(day=1)
        count = (self.last.year - start.year) * 12 + self.last.month - start.month + 1
        return [add_months(start, ahead) for ahead in range(count)]


def month_period(first: date) -> Period:
    """Return the month that begins on this day."""
    return Period(first, add_months(first, 1) - timedelta(days=1))


def year_period(year: int) -> Period:
    return Period(date(year, 1, 1), date(year, 12, 31))


def until_this_month(period: Period, today: date) -> Period:
    """Return the period without the months that have not begun."""
    return Period(period.first, max(period.first, min(period.last, month_period(today.replace(day=1)).last)))


def years_between(datetimes: Iterable[datetime | None], today: date) -> list[int]:
    """Return the years from the first to the last of these datetimes, and this one; newest first."""
    years = [timezone.localtime(value).year for value in datetimes if value is not None]
    return list(range(max([*years, today.year]), min([*years, today.year]) - 1, -1))


def name_months(months: Sequence[date]) -> list[str]:
    """Name months on an axis: 11 月 where they are of one year, which the page names, else 2025-11."""
    if len({month.year for month in months}) == 1:
        return [f"{month.month} 月" for month in months]
    return [f"{month:%Y-%m}" for month in months]


def describe_days(period: Period) -> str:
    """Return the period's first day and its last, or today before that, as text."""
    return f"{format_day(period.first, 'long')}至{format_day(min(period.last, timezone.localdate()), 'long')}"
