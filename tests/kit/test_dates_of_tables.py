"""Days as people and spreadsheets write them: the right day, or a refusal that says what was probably meant."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django import forms
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.domain.days import EARLIEST_DAY, explain_far_day, latest_plausible_day
from kit.exchange.dates import InvalidDay, parse_day
from kit.pages.forms import CrmForm

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=200)


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda: date(2026, 11, 30))


@pytest.mark.parametrize(
    "text",
    [
        "20240305", "2024.3.5", "2024-3-5", "2024/03/05", "2024年3月5日", "2024 年 3 月 5 日", "45356", "45356.0",
        "2024-03-05 00:00:00", "２０２４．３．５", "2024-03-05T00:00:00", "24年3月5日",
    ],
)  # fmt: skip
def test_a_day_has_its_right_value(text):
    assert parse_day(text)[:2] == (datetime(2024, 3, 5), False)


@pytest.mark.parametrize(
    "text", ["202403", "2024.3", "2024-3", "2024/03", "2024年3月", "2024.03", "24年3月", "2024年3"]
)
def test_a_month_means_its_first_day_and_is_known_as_a_month(text):
    assert parse_day(text)[:2] == (datetime(2024, 3, 1), True)


def test_times_of_day_are_kept():
    assert parse_day("2024/3/5 8:05").at == datetime(2024, 3, 5, 8, 5)
    assert parse_day("2024-03-05 08:05:07.25").at == datetime(2024, 3, 5, 8, 5, 7, 250_000)
    assert parse_day("45356.3125").at == datetime(2024, 3, 5, 7, 30)


def test_years_before_2000_may_have_two_digits():
    assert parse_day("98-3-5").at == datetime(1998, 3, 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("05-3-24", "请写成 2005-03-24"),
        ("12/3/5", "请写成 2012-03-05"),
        ("2454-02-26", "是不是 2024-03（202403 被表格软件当成了天数）"),
        ("2124-03-05", "是不是 2024-03-05"),
        ("1024-03-05", "是不是 2024-03-05"),
        ("2032-01-01", "不在 1949-10-01 至 2031-11-28 之间"),
        ("1949-09-30", "不在 1949-10-01"),
        ("18171", "不是日期"),
        ("202413", "不是日期"),
        ("99999", "不是日期"),
        ("2024", "只有年份"),
        ("31/12/2025", "请写成 2025-12-31"),
        ("2025-02-30", "不是日期"),
        ("2025-13", "不是日期"),
        ("昨天", "请写成 2024-03-05"),
    ],
)
def test_what_is_no_day_here_is_refused_with_a_proposal(text, words):
    with pytest.raises(InvalidDay, match=words.replace("（", ".").replace("）", ".")):
        parse_day(text)


def test_a_count_of_days_from_1904_is_another_day():
    assert parse_day("43894", is_1904=True).at == datetime(2024, 3, 5)
    assert parse_day("2024-03-05", is_1904=True).at == datetime(2024, 3, 5)


@STEADY
@given(st.integers(0, 999_999))
def test_no_number_becomes_a_day_out_of_reach(number):
    try:
        found = parse_day(str(number))
    except InvalidDay:
        return
    assert EARLIEST_DAY <= found.at.date() <= latest_plausible_day()


@STEADY
@given(st.dates(EARLIEST_DAY, date(2031, 11, 28)), st.sampled_from(["{0:%Y-%m-%d}", "{0.year}.{0.month}.{0.day}",
       "{0.year}年{0.month}月{0.day}日", "{0:%Y%m%d}", "{1}"]))  # fmt: skip
def test_every_day_in_reach_is_read_as_it_was_written(day, form):
    count = (day - date(1899, 12, 30)).days
    assert parse_day(form.format(day, count)).at.date() == day


def test_the_bounds_are_days_themselves():
    assert [explain_far_day(EARLIEST_DAY), explain_far_day(latest_plausible_day())] == ["", ""]
    assert explain_far_day(EARLIEST_DAY - timedelta(days=1))
    assert explain_far_day(latest_plausible_day() + timedelta(days=1))


def test_forms_of_the_screen_refuse_a_far_day_with_the_same_proposal():
    class Near(CrmForm, forms.Form):
        on = forms.DateField()
        until = forms.DateField()
        far_dates = ("until",)

    form = Near({"on": "2454-02-26", "until": "2454-02-26"})
    assert {name: list(words) for name, words in form.errors.items()} == {
        "on": ["2454-02-26 不在 1949-10-01 至 2031-11-28 之间，是不是 2024-03（202403 被表格软件当成了天数）？请改正。"]
    }


@pytest.mark.parametrize("text", ["24-3-5", "24/3/5", "24.03.05", "24年3月5日", "24-3-5 8:30"])
def test_a_year_of_two_digits_is_read_where_it_can_be_nothing_else(text):
    found = parse_day(text)
    assert found.at.date() == date(2024, 3, 5)
    assert found.is_short
    assert not parse_day("2024-03-05").is_short
