"""Working time: over lunch, weekends, holidays and make-up days, years nobody announced, and its arithmetic."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basedata.calendar import working_time
from basedata.calendar.holidays import NOTICES, announced_days
from basedata.calendar.working_time import Schedule, add_working_minutes, working_minutes
from basedata.initial_data import create_initial_calendar
from basedata.models import SpecialDay, WorkCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = ((540, 720), (780, 1080))  # 9:00 to 12:00, 13:00 to 18:00
SHIPPED = {day: kind == "work" for year in NOTICES for day, kind, _ in announced_days(year)}
PLAIN = Schedule(frozenset({1, 2, 3, 4, 5}), HOURS, SHIPPED)
HOUR, DAY = 60, 480
STEADY = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])


def at(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


# Fixed dates

BETWEEN = [
    ("a morning", "2026-11-25 09:00", "2026-11-25 12:00", 3 * HOUR),
    ("over lunch", "2026-11-25 11:30", "2026-11-25 13:30", HOUR),
    ("within lunch", "2026-11-25 12:10", "2026-11-25 12:50", 0),
    ("before and after hours", "2026-11-25 06:00", "2026-11-25 23:00", DAY),
    ("a night", "2026-11-25 18:00", "2026-11-26 09:00", 0),
    ("a weekend", "2026-11-27 17:00", "2026-11-30 10:00", 2 * HOUR),
    ("a plain week", "2026-11-23 00:00", "2026-11-30 00:00", 5 * DAY),
    ("元旦 2026, of which the Sunday is worked", "2025-12-31 17:00", "2026-01-04 10:00", 2 * HOUR),
    ("the Saturday worked before 春节", "2026-02-14 09:00", "2026-02-15 00:00", DAY),
    ("春节 itself", "2026-02-15 00:00", "2026-02-24 00:00", 0),
    ("from before 春节 to after it", "2026-02-14 17:00", "2026-02-24 10:00", 2 * HOUR),
    ("the second Saturday of 春节", "2026-02-27 18:00", "2026-03-02 09:00", DAY),
    ("the Sunday worked for 国庆", "2026-09-18 18:00", "2026-09-21 09:00", DAY),
    ("中秋 on a Friday", "2026-09-24 18:00", "2026-09-28 09:00", 0),
    ("国庆 itself", "2026-10-01 00:00", "2026-10-08 00:00", 0),
    ("from before 国庆 to after it", "2026-09-30 16:00", "2026-10-08 11:00", 4 * HOUR),
    ("the Saturday worked after 国庆", "2026-10-09 18:00", "2026-10-12 09:00", DAY),
    ("国庆 and 中秋 2025", "2025-09-30 18:00", "2025-10-09 09:00", 0),
    ("a year without a notice knows weekdays only", "2027-10-01 00:00", "2027-10-08 00:00", 5 * DAY),
    ("from a known into an unknown year", "2026-12-31 17:00", "2027-01-04 10:00", DAY + 2 * HOUR),
    ("backwards nothing passes", "2026-11-26 09:00", "2026-11-25 09:00", 0),
]


@pytest.mark.parametrize(("start", "end", "minutes"), [case[1:] for case in BETWEEN], ids=[case[0] for case in BETWEEN])
def test_working_minutes_between(start, end, minutes):
    assert PLAIN.working_minutes(at(start), at(end)) == minutes


AFTER = [
    ("within the morning", "2026-11-25 09:10", 60, "2026-11-25 10:10"),
    ("to the last minute before lunch", "2026-11-25 09:00", 180, "2026-11-25 12:00"),
    ("one minute into the afternoon", "2026-11-25 09:00", 181, "2026-11-25 13:01"),
    ("to the end of the day, not the next morning", "2026-11-25 09:00", 480, "2026-11-25 18:00"),
    ("asked at night", "2026-11-25 22:00", 30, "2026-11-26 09:30"),
    ("over a weekend", "2026-11-27 17:00", 120, "2026-11-30 10:00"),
    ("over 春节: one hour left on the worked Saturday", "2026-02-14 17:00", 120, "2026-02-24 10:00"),
    ("asked in 春节", "2026-02-18 10:00", 8 * HOUR, "2026-02-24 18:00"),
    ("over 国庆", "2026-09-30 17:00", 120, "2026-10-08 10:00"),
    ("to the Saturday worked after 国庆", "2026-10-09 17:00", 120, "2026-10-10 10:00"),
    ("nothing to add", "2026-10-03 10:00", 0, "2026-10-03 10:00"),
    ("into a year without a notice", "2026-12-31 17:00", 120, "2027-01-01 10:00"),
]


@pytest.mark.parametrize(("start", "minutes", "end"), [case[1:] for case in AFTER], ids=[case[0] for case in AFTER])
def test_add_working_minutes(start, minutes, end):
    assert PLAIN.add_working_minutes(at(start), minutes) == at(end)


def test_datetimes_of_other_zones_count_in_shanghai():
    start = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)  # 9:00 in Shanghai
    assert PLAIN.working_minutes(start, start + timedelta(hours=1)) == 60
    shown = PLAIN.add_working_minutes(start, 60)
    assert (shown, shown.utcoffset()) == (at("2026-11-25 10:00"), timedelta(hours=8))


def test_seconds_do_not_count():
    start, end = at("2026-11-25 09:00").replace(second=59), at("2026-11-25 09:01").replace(second=1)
    assert PLAIN.working_minutes(start, end) == 1
    assert PLAIN.add_working_minutes(start, 1) == at("2026-11-25 09:01")


def test_what_makes_no_sense_is_refused():
    naive = datetime(2026, 11, 25, 9)
    with pytest.raises(ValueError, match="naive"):
        PLAIN.working_minutes(naive, at("2026-11-25 10:00"))
    with pytest.raises(ValueError, match="naive"):
        PLAIN.add_working_minutes(naive, 1)
    with pytest.raises(ValueError, match="forwards"):
        PLAIN.add_working_minutes(at("2026-11-25 09:00"), -1)
    with pytest.raises(ValueError, match="without working time"):
        Schedule(frozenset(), HOURS, {})


def test_the_shipped_years_have_the_working_days_of_their_notices():
    """2025 has 248 working days, 2026 too: weekdays, less holidays on weekdays, plus make-up days."""
    for year, days in ((2025, 248), (2026, 248)):
        first, last = date(year, 1, 1), date(year, 12, 31)
        counted = sum(PLAIN.is_working_day(first + timedelta(n)) for n in range(365))
        assert PLAIN.working_days(first, last) == counted == days
    assert {year: sum(day.year == year and not worked for day, worked in SHIPPED.items()) for year in NOTICES} == {
        2025: 28,
        2026: 33,
    }
    assert all(day.isoweekday() > 5 for day, worked in SHIPPED.items() if worked), "make-up days fall on weekends"


# Properties, over calendars of any shape

near = st.dates(date(2025, 12, 1), date(2026, 4, 1))
schedules = st.builds(
    Schedule,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.sampled_from([HOURS, ((0, 1440),), ((480, 720), (720, 1020)), ((540, 541),)]),
    st.dictionaries(near, st.booleans(), max_size=40),
)
moments = st.datetimes(datetime(2025, 11, 15), datetime(2026, 4, 15), timezones=st.just(SHANGHAI))


@STEADY
@given(schedules, moments, moments, moments)
def test_time_adds_up(schedule, one, two, three):
    first, middle, last = sorted((one, two, three))
    parts = schedule.working_minutes(first, middle) + schedule.working_minutes(middle, last)
    assert parts == schedule.working_minutes(first, last)


@STEADY
@given(schedules, moments, st.integers(0, 60_000))
def test_adding_and_counting_are_each_others_inverse(schedule, start, minutes):
    end = schedule.add_working_minutes(start, minutes)
    assert schedule.working_minutes(start, end) == minutes
    if minutes:
        assert schedule.working_minutes(start, end - timedelta(minutes=1)) == minutes - 1, "no earlier datetime will do"
        assert schedule.is_working_day(end.date())


@STEADY
@given(schedules, moments, moments, st.integers(0, 5_000), st.integers(0, 5_000))
def test_later_never_comes_sooner(schedule, one, two, few, more):
    early, late = sorted((one, two))
    least, most = sorted((few, more))
    assert schedule.add_working_minutes(early, least) <= schedule.add_working_minutes(late, least)
    assert schedule.add_working_minutes(early, least) <= schedule.add_working_minutes(early, most)
    assert schedule.working_minutes(early, early + timedelta(minutes=least)) <= least


@STEADY
@given(schedules, moments, moments)
def test_the_arithmetic_equals_counting_day_by_day(schedule, one, two):
    start, end = sorted((one.replace(second=0, microsecond=0), two.replace(second=0, microsecond=0)))
    counted, day = 0, start.date()
    while day <= end.date():
        for opening, closing in schedule.hours if schedule.is_working_day(day) else ():
            midnight = datetime.combine(day, time(), SHANGHAI)
            begins, ends = midnight + timedelta(minutes=opening), midnight + timedelta(minutes=closing)
            counted += max(0, int((min(ends, end) - max(begins, start)).total_seconds())) // 60
        day += timedelta(days=1)
    assert schedule.working_minutes(start, end) == counted


# The company's calendar

db = pytest.mark.django_db


@db
def test_the_shipped_calendar_counts(django_assert_num_queries):
    create_initial_calendar()
    start, end = at("2026-09-30 16:00"), at("2026-10-08 11:00")
    assert working_minutes(start, end) == 4 * HOUR
    assert add_working_minutes(start, 4 * HOUR) == end
    with django_assert_num_queries(1):
        working_minutes(start, end)
    schedule = working_time.current_schedule()
    with django_assert_num_queries(0):
        for n in range(1000):
            schedule.working_minutes(start, end + timedelta(days=n))


@db
def test_every_change_is_seen_by_a_process_that_knew_the_calendar_before(company):
    """Another process wrote; this one only finds another stamp."""
    create_initial_calendar()
    start, end = at("2026-11-25 00:00"), at("2026-11-26 00:00")
    assert working_minutes(start, end) == DAY
    day = SpecialDay.create(by=company.administrator, day=date(2026, 11, 25), kind="rest", name="厂庆")
    assert working_minutes(start, end) == 0
    day.edit(by=company.administrator, kind="work")
    assert working_minutes(start, end) == DAY
    day.edit(by=company.administrator, kind="rest")
    day.remove(by=company.administrator)
    assert working_minutes(start, end) == DAY
    WorkCalendar.load().edit(by=company.administrator, afternoon_to=time(17))
    assert working_minutes(start, end) == DAY - HOUR
    WorkCalendar.load().edit(by=company.administrator, weekdays="12347")
    assert working_minutes(at("2026-11-27 00:00"), at("2026-11-29 00:00")) == 0


@db
def test_a_change_that_was_taken_back_is_not_remembered(company):
    create_initial_calendar()
    start, end = at("2026-11-25 00:00"), at("2026-11-26 00:00")
    stamp = WorkCalendar.load().stamp
    with transaction.atomic():
        SpecialDay.create(by=company.administrator, day=date(2026, 11, 25), kind="rest", name="厂庆")
        assert working_minutes(start, end) == 0
        transaction.set_rollback(True)
    assert WorkCalendar.load().stamp == stamp
    assert working_minutes(start, end) == DAY


@db
def test_without_a_row_the_shipped_hours_hold():
    SpecialDay.objects.all().delete()
    WorkCalendar.objects.all().delete()
    assert working_minutes(at("2026-10-01 00:00"), at("2026-10-02 00:00")) == DAY


@db
def test_shipping_again_changes_nothing_and_a_known_year_stays_as_it_is():
    SpecialDay.objects.all().delete()
    create_initial_calendar()
    assert SpecialDay.objects.count() == len(SHIPPED)
    SpecialDay.objects.filter(name="元旦").delete()
    SpecialDay.objects.filter(day=date(2026, 10, 7)).update(name="改过")
    stamp = WorkCalendar.load().stamp
    create_initial_calendar()
    assert not SpecialDay.objects.filter(name="元旦").exists()
    assert SpecialDay.objects.filter(name="改过").exists()
    assert WorkCalendar.load().stamp == stamp
    SpecialDay.objects.of_year(2025).delete()
    create_initial_calendar()
    assert SpecialDay.objects.of_year(2025).count() == sum(day.year == 2025 for day in SHIPPED)
    assert WorkCalendar.load().stamp != stamp


@db
@pytest.mark.parametrize(
    "wrong",
    [
        {"weekdays": ""},
        {"morning_to": time(9)},
        {"afternoon_from": time(11)},
        {"afternoon_to": time(13)},
        {"pk": 2, "stamp": uuid.uuid4()},
    ],
)
def test_the_database_keeps_one_calendar_with_hours_that_make_sense(wrong):
    WorkCalendar.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkCalendar.objects.create(**{"pk": 1, **wrong})
