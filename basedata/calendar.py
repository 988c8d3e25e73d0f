"""Working time by the company's calendar: how much of it lies between two moments, and when so much has passed.

Moments count from their whole minute, in Shanghai. A year whose holidays are not entered counts by weekdays alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any

from django.utils import timezone

from .models import SpecialDay, WorkCalendar

LAST_DAY = date.max.toordinal() - 1


class Schedule:
    """The calendar as pure arithmetic: no query, cheap for any distance, safe to share."""

    def __init__(self, weekdays: frozenset[int], hours: tuple[tuple[int, int], ...], special: Mapping[date, bool]):
        """weekdays: ISO numbers. hours: (from, to) in minutes of the day. special: day → is it worked?"""
        if not weekdays or not hours:
            raise ValueError("a calendar without working time has no working minutes")
        self.weekdays, self.hours, self.special = weekdays, hours, dict(special)
        self.minutes_a_day = sum(end - start for start, end in hours)

    def is_working_day(self, day: date) -> bool:
        return self.special.get(day, day.isoweekday() in self.weekdays)

    def working_days(self, first: date, last: date) -> int:
        """Working days from first to last, both included."""
        return self._days_before(last.toordinal() + 1) - self._days_before(first.toordinal())

    def working_minutes(self, start: datetime, end: datetime) -> int:
        """Working minutes between two aware moments; 0 when end is not after start."""
        return max(0, self._elapsed(_local(end)) - self._elapsed(_local(start)))

    def add_working_minutes(self, start: datetime, minutes: int) -> datetime:
        """The first moment, in Shanghai, at which so many working minutes have passed since start."""
        if minutes < 0:
            raise ValueError("working time runs forwards only")
        local = _local(start)
        if minutes == 0:
            return local
        target = self._elapsed(local) + minutes
        days = range(local.toordinal(), LAST_DAY)
        place = bisect_left(days, target, key=lambda day: self._days_before(day + 1) * self.minutes_a_day)
        day = days[place]
        return self._moment(date.fromordinal(day), target - self._days_before(day) * self.minutes_a_day)

    def _elapsed(self, local: datetime) -> int:
        """Working minutes since the beginning of all days: a difference of two is the time between."""
        day = local.date()
        minutes = self._days_before(day.toordinal()) * self.minutes_a_day
        if self.is_working_day(day):
            now = local.hour * 60 + local.minute
            minutes += sum(max(0, min(now, end) - start) for start, end in self.hours)
        return minutes

    def _days_before(self, ordinal: int) -> int:
        """Working days before this ordinal day: whole weeks, the rest of one, and what special days change."""
        weeks, rest = divmod(ordinal - 1, 7)  # day 1 was a Monday
        plain = weeks * len(self.weekdays) + sum(day <= rest for day in self.weekdays)
        ordinals, sums = self._corrections
        return plain + sums[bisect_left(ordinals, ordinal)]

    @cached_property
    def _corrections(self) -> tuple[list[int], list[int]]:
        """The special days in order, and by how much the first n of them change the count."""
        days = sorted(self.special)
        steps = (self.special[day] - (day.isoweekday() in self.weekdays) for day in days)
        return [day.toordinal() for day in days], [0, *accumulate(steps)]

    def _moment(self, day: date, minutes: int) -> datetime:
        """When on this working day so many working minutes have passed."""
        for start, end in self.hours:
            if minutes <= end - start:
                at = datetime.combine(day, time()) + timedelta(minutes=start + minutes)
                return timezone.make_aware(at, timezone.get_default_timezone())
            minutes -= end - start
        raise ValueError("a day has no more minutes than its hours")


def _local(moment: datetime) -> datetime:
    """The moment's whole minute in Shanghai; a naive one could mean any place's time and is refused."""
    return timezone.localtime(moment, timezone.get_default_timezone()).replace(second=0, microsecond=0)


_known: dict[Any, Schedule] = {}


def current() -> Schedule:
    """The company's calendar: one small query says whether the one this process knows still holds.

    Loops take it once and ask it; the functions below ask each time.
    """
    calendar = WorkCalendar.load()
    schedule = _known.get(calendar.stamp)
    if schedule is None:
        schedule = _read(calendar)
        _known.clear()
        _known[calendar.stamp] = schedule
    return schedule


def _read(calendar: WorkCalendar) -> Schedule:
    """Days newer than the stamp may come along; the next question then finds a new stamp and reads again."""
    times = (calendar.morning_from, calendar.morning_to, calendar.afternoon_from, calendar.afternoon_to)
    opening, lunch, back, closing = (at.hour * 60 + at.minute for at in times)
    special = {day: kind == SpecialDay.Kind.WORK for day, kind in SpecialDay.objects.values_list("day", "kind")}
    return Schedule(frozenset(map(int, calendar.weekdays)), ((opening, lunch), (back, closing)), special)


def working_minutes(start: datetime, end: datetime) -> int:
    """Working minutes between two aware moments by the company's calendar; 0 when end is not after start."""
    return current().working_minutes(start, end)


def add_working_minutes(start: datetime, minutes: int) -> datetime:
    """The first moment at which so many working minutes have passed since start, by the company's calendar."""
    return current().add_working_minutes(start, minutes)
