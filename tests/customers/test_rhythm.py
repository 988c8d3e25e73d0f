"""The rhythm of a customer on fixed days, and against a computation made another way."""

from __future__ import annotations

import statistics
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil, exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basedata.calendar.counted_days import CountedDays, current_counted_days
from basedata.models import SpecialDay, WorkCalendar
from customers.orders.rhythm import DEFAULT_BASE, Base, base_of, measure_spread, rhythm, times_usual

SPRING = [date(2026, 2, 15) + timedelta(days=n) for n in range(9)]  # 春节
TOMB_SWEEPING, LABOUR = (date(2026, 4, 4), 3), (date(2026, 5, 1), 5)
HOLIDAYS = CountedDays(SPRING + [day + timedelta(days=n) for day, days in (TOMB_SWEEPING, LABOUR) for n in range(days)])
NO_HOLIDAYS = CountedDays()
LAST = date(2026, 1, 31)
FIVE_OF_THIRTY = [LAST - timedelta(days=30 * n) for n in range(6)]


def test_thirty_counted_days_pass_over_the_spring_festival():
    assert HOLIDAYS.later(LAST, 30) == date(2026, 3, 11)
    assert HOLIDAYS.between(LAST, date(2026, 3, 11)) == 30
    assert HOLIDAYS.between(LAST, date(2026, 2, 20)) == 14  # on a holiday: as on the day before all of them
    assert NO_HOLIDAYS.later(LAST, 30) == date(2026, 3, 2)
    assert HOLIDAYS.later(date(9999, 12, 1), 60) == date.max


@given(st.dates(date(2025, 12, 1), date(2026, 6, 30)), st.integers(1, 200))
def test_the_day_so_many_counted_days_later_is_the_first_of_that_distance(day, days):
    later = HOLIDAYS.later(day, days)
    assert HOLIDAYS.between(day, later) == days
    assert HOLIDAYS.between(day, later - timedelta(days=1)) == days - 1


@pytest.mark.django_db
def test_the_companys_counted_days_follow_each_change_of_the_calendar():
    SpecialDay.objects.all().delete()
    WorkCalendar.renew()
    assert current_counted_days().between(LAST, date(2026, 3, 11)) == 39
    SpecialDay.objects.create(day=date(2026, 2, 16), kind="rest", name="春节")
    SpecialDay.objects.create(day=date(2026, 2, 14), kind="work", name="春节调休")
    WorkCalendar.renew()
    assert current_counted_days().between(LAST, date(2026, 3, 11)) == 38


def test_five_intervals_of_thirty_days():
    """By the entered holidays, and by the calendar where the year has none."""
    found = rhythm(FIVE_OF_THIRTY, DEFAULT_BASE, HOLIDAYS)
    assert (found.usual, found.low, found.high) == (34, 23, 49)
    assert (found.late_from, found.alarm_from) == (date(2026, 4, 15), date(2026, 5, 8))
    assert found.expected_on == HOLIDAYS.later(LAST, 34)
    plain = rhythm(FIVE_OF_THIRTY, DEFAULT_BASE, NO_HOLIDAYS)
    assert ((plain.late_from - LAST).days, (plain.alarm_from - LAST).days) == (62, 80)
    assert (plain.late_from, plain.alarm_from) == (date(2026, 4, 3), date(2026, 4, 21))


def test_a_late_day_is_fourteen_days_away_at_least_and_three_order_days_give_no_rhythm():
    daily = [LAST - timedelta(days=n) for n in range(13)]
    found = rhythm(daily, Base(log(2), 0.01), NO_HOLIDAYS)
    assert (found.usual, (found.late_from - LAST).days, (found.alarm_from - LAST).days) == (1, 14, 14)
    assert rhythm([*FIVE_OF_THIRTY[:3], LAST, LAST], DEFAULT_BASE, NO_HOLIDAYS) is None
    assert rhythm([], DEFAULT_BASE, NO_HOLIDAYS) is None


def by_hand(order_days: set[date], base: Base) -> tuple[int, int]:
    """Return (usual, days to the alarm) by the formula of the specification, in plain Python."""
    days = sorted(order_days)
    logs = [log((later - earlier).days) for earlier, later in pairwise(days)][-12:]
    k = len(logs)
    mean = (k * statistics.fmean(logs) + 2 * base.mu) / (k + 2)
    spread = ((k * statistics.pvariance(logs) + 4 * base.sigma2) / (k + 4)) ** 0.5
    return int(exp(mean) + 0.5), max(14, ceil(exp(mean + 2.326348 * spread)))


@settings(max_examples=30)
@given(st.sets(st.dates(date(2009, 1, 1), date(2012, 1, 1)), min_size=4, max_size=30), st.randoms())
def test_the_formula_holds_whatever_the_order_of_the_days(days, random):
    shuffled = [*days, *days]
    random.shuffle(shuffled)
    found = rhythm(shuffled, DEFAULT_BASE, NO_HOLIDAYS)
    usual, alarm = by_hand(days, DEFAULT_BASE)
    assert abs(found.usual - usual) <= 1  # a last digit of the floats may fall to the other side of a half
    assert abs((found.alarm_from - max(days)).days - alarm) <= 1


def test_the_base_is_the_plain_mean_over_thirty_customers():
    tens = measure_spread([LAST - timedelta(days=10 * n) for n in range(3, -1, -1)], NO_HOLIDAYS)
    forties = measure_spread([LAST - timedelta(days=40 * n) for n in range(3, -1, -1)], NO_HOLIDAYS)
    base = base_of([tens, forties] * 15)
    assert (round(exp(base.mu), 9), base.sigma2) == (20, 0)
    assert base_of([tens] * 29) == DEFAULT_BASE


def test_the_sentence_says_how_often_and_how_late():
    days = [date(2011, 8, 31) - timedelta(days=26 * n) for n in range(8)]
    found = rhythm(days, Base(log(26), 0.3), NO_HOLIDAYS)
    assert found.describe(101) == (
        f"该客户通常约 26 天下单一次（多在 {found.low}–{found.high} 天内），已 101 天未下单，为惯常的 3.9 倍。"
    )
    assert times_usual(65, 26) == Decimal("2.5")
    assert times_usual(169, 260) == Decimal("0.7")  # 0.65, half up
