"""Working time by the company's calendar: between two datetimes, and from a datetime on.

Datetimes count from their whole minute, in Shanghai. A year without entered holidays counts by weekdays alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from uuid import UUID

from django.utils import timezone

from .models import SpecialDay, WorkCalendar

LAST_DAY = date.max.toordinal() - 1


class Schedule:
    """The calendar as pure arithmetic: no query, cheap for any distance, safe to share."""

    def __init__(self, weekdays: frozenset[int], hours: tuple[tuple[int, int], ...], special: Mapping[date, bool]):
        """weekdays: ISO numbers. hours: (from, to) in minutes of the day. special: {day: is it a working day}."""
        if not weekdays or not hours:
            raise ValueError("a calendar without working time has no working minutes")
        self.weekdays, self.hours, self.special = weekdays, hours, dict(special)
        self.minutes_a_day = sum(end - start for start, end in hours)

    def is_working_day(self, day: date) -> bool:
        return self.special.get(day, day.isoweekday() in self.weekdays)

    def working_days(self, first: date, last: date) -> int:
        """Return the number of working days from first to last, both included."""
        return self._days_before(last.toordinal() + 1) - self._days_before(first.toordinal())

    def later(self, day: date, days: int) -> date:
        """Return the working day so many working days after a day; days: at least 1, which is the next one."""
        target = self._days_before(day.toordinal() + 1) + days
        ordinals = range(day.toordinal() + 1, LAST_DAY)
        return date.fromordinal(ordinals[bisect_left(ordinals, target, key=lambda one: self._days_before(one + 1))])

    def working_minutes(self, start: datetime, end: datetime) -> int:
        """Return the working minutes between two aware datetimes; 0 when end is not after start."""
        return max(0, self._elapsed(_local(end)) - self._elapsed(_local(start)))

    def add_working_minutes(self, start: datetime, minutes: int) -> datetime:
        """Return the first datetime, in Shanghai, at which so many working minutes have passed since start."""
        if minutes < 0:
            raise ValueError("working time runs forwards only")
        local = _local(start)
        if minutes == 0:
            return local
        target = self._elapsed(local) + minutes
        days = range(local.toordinal(), LAST_DAY)
        position = bisect_left(days, target, key=lambda day: self._days_before(day + 1) * self.minutes_a_day)
        day = days[position]
        return self._datetime_at(date.fromordinal(day), target - self._days_before(day) * self.minutes_a_day)

    def _elapsed(self, local: datetime) -> int:
        """Return the working minutes since day 1: the difference of two is the time between."""
        day = local.date()
        minutes = self._days_before(day.toordinal()) * self.minutes_a_day
        if self.is_working_day(day):
            now = local.hour * 60 + local.minute
            minutes += sum(max(0, min(now, end) - start) for start, end in self.hours)
        return minutes

    def _days_before(self, ordinal: int) -> int:
        """Count working days before this ordinal day: whole weeks, the rest of one, and the change by special days."""
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

    def _datetime_at(self, day: date, minutes: int) -> datetime:
        """Return when on this working day so many working minutes have passed."""
        for start, end in self.hours:
            if minutes <= end - start:
                at = datetime.combine(day, time()) + timedelta(minutes=start + minutes)
                return timezone.make_aware(at, timezone.get_default_timezone())
            minutes -= end - start
        raise ValueError("a day has no more minutes than its hours")


def _local(value: datetime) -> datetime:
    """Return the whole minute in Shanghai; a naive datetime could mean any place's time and is refused."""
    return timezone.localtime(value, timezone.get_default_timezone()).replace(second=0, microsecond=0)


_schedules: dict[UUID, Schedule] = {}  # by the calendar's stamp


def current_schedule() -> Schedule:
    """Return the company's schedule: one small query says whether the cached one is still valid.

    Loops call this once; the functions below call it each time.
    """
    calendar = WorkCalendar.load()
    schedule = _schedules.get(calendar.stamp)
    if schedule is None:
        schedule = _read_schedule(calendar)
        _schedules.clear()
        _schedules[calendar.stamp] = schedule
    return schedule


def _read_schedule(calendar: WorkCalendar) -> Schedule:
    """Read days and hours. Days newer than the stamp may come along; the next call sees a new stamp and reads again."""
    times = (calendar.morning_from, calendar.morning_to, calendar.afternoon_from, calendar.afternoon_to)
    opening, lunch, back, closing = (at.hour * 60 + at.minute for at in times)
    special = {day: kind == SpecialDay.Kind.WORK for day, kind in SpecialDay.objects.values_list("day", "kind")}
    return Schedule(frozenset(map(int, calendar.weekdays)), ((opening, lunch), (back, closing)), special)


def working_minutes(start: datetime, end: datetime) -> int:
    """Return the working minutes from start to end, aware datetimes, by the company's calendar; at least 0."""
    return current_schedule().working_minutes(start, end)


def add_working_minutes(start: datetime, minutes: int) -> datetime:
    """Return when so many working minutes have passed since start, by the company's calendar."""
    return current_schedule().add_working_minutes(start, minutes)
