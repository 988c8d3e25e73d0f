"""Dates of a column: one pattern, asked where two fit, with proposals for what is no date."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.exchange.dates import InvalidDay
from kit.imports.date_patterns import LABELS, guess, is_date, parse


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05",
        "2024/3/5",
        "2024.3.5",
        "20240305",
        "2024年3月5日",
        "2024年3月5号",
        "２０２４－０３－０５",
        "45356",
        "24/3/5",
        "24年3月5日",
        "二〇二四年三月五日",
        "5-Mar-24",
        "Mar 5, 2024",
        "5 March 2024",
        "2024-03-05 星期二",
        "2024-03-05（周二）",
        "'2024-03-05",
        "2024 年 3 月 5 日",
    ],
)
def test_the_fifth_of_march_is_read_however_it_is_written(text):
    assert parse(text).at == datetime(2024, 3, 5)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-03-05 14:30", (14, 30, 0)),
        ("2024/3/5 下午 2:30", (14, 30, 0)),
        ("2024/3/5 上午 9:05:07", (9, 5, 7)),
        ("2024/3/5 2:30 PM", (14, 30, 0)),
        ("2024/3/5 12:00 AM", (0, 0, 0)),
        ("2024年3月5日 14时30分", (14, 30, 0)),
        ("2024-03-05 14:30:15.250", (14, 30, 15)),
    ],
)
def test_the_time_of_day_is_kept(text, at):
    assert parse(text).at.replace(microsecond=0) == datetime(2024, 3, 5, *at)


def test_month_and_two_digit_years_are_told():
    assert parse("2024年3月").is_month
    assert parse("202403").is_month
    assert parse("24/3/5").is_short
    assert parse("3/5/24", "mdy").is_short


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("3/5/2024", "ymd"),
        ("13/5/2024", "mdy"),
        ("3/25/2024", "dmy"),
        ("2024-02-30", "ymd"),
        ("3/5/224", "mdy"),
        ("1/2/1900", "dmy"),
        ("2024", "ymd"),
        ("无", "ymd"),
        ("2024-03-05 25:00", "ymd"),
        ("", "ymd"),
    ],
)
def test_what_does_not_fit_the_pattern_is_refused_in_words(text, pattern):
    with pytest.raises(InvalidDay, match=r"[\u4e00-\u9fff]"):
        parse(text, pattern)


def test_days_from_1904_are_read():
    assert parse("43894", is_1904=True).at == datetime(2024, 3, 5)
    assert guess({"43894": 2}, is_1904=True).fits == 2


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["2024.3.5", "20240305", "45356", "2024年3月5日"], "ymd"),
        (["3/5/2024", "3/25/2024"], "mdy"),
        (["3/5/2024", "25/3/2024"], "dmy"),
        (["24/3/5", "24/3/6"], "ymd"),
        (["3/5/2024", "25/3/2024", "2024-03-05"], "dmy"),
        (["4/4/2024"], "mdy"),
    ],
)
def test_a_column_that_fits_one_pattern_is_not_asked(values, pattern):
    found = guess(values)
    assert (found.pattern, found.question, found.fits, found.misfits) == (pattern, "", len(values), ())
    assert f"{len(values)} 行都通" in found.why


def test_month_and_day_that_may_be_either_are_asked_with_an_example():
    found = guess({"3/5/2024": 187, "4/6/2024": 2, "5/5/2024": 1})
    assert found.question == "「3/5/2024」看不出哪个是月、哪个是日，请选一种。"
    assert dict(found.choices) == {
        "mdy": "3/5/2024 是 2024年3月5日（月/日/年）",
        "dmy": "3/5/2024 是 2024年5月3日（日/月/年）",
    }


def test_two_digit_years_that_may_stand_anywhere_are_asked():
    assert {pattern for pattern, _ in guess(["3-5-24", "4-6-24"]).choices} == {"ymd", "mdy", "dmy"}


def test_the_pattern_of_most_rows_holds_and_the_others_are_named():
    found = guess({"3/25/2024": 50, "4/26/2024": 3, "26/4/2024": 2, "2024-05-01": 4})
    assert (found.pattern, found.question, found.fits, found.rows) == ("mdy", "", 57, 59)
    (misfit,) = found.misfits
    assert (misfit.value, misfit.rows, misfit.day) == ("26/4/2024", 2, date(2024, 4, 26))
    assert "只能是 2024-04-26" in misfit.why


@pytest.mark.parametrize(
    ("value", "day", "why"),
    [
        ("2O24-03-05", date(2024, 3, 5), "去掉多余的符号"),
        ("2024--3-5", date(2024, 3, 5), "去掉多余的符号"),
        ("2024。3。5", date(2024, 3, 5), ""),
        ("2024 3 5", date(2024, 3, 5), "空格"),
        ("2024-3-5.", date(2024, 3, 5), ""),
        ("约2024年3月5日左右", date(2024, 3, 5), "只有这一个日期"),
        ("2204-03-05", date(2024, 3, 5), "不在"),
        ("1024-03-05", date(2024, 3, 5), "不在"),
        ("2024年", date(2024, 1, 1), "只有年份"),
        ("2024-02-30", None, ""),
        ("3月5日", None, ""),
        ("2024-13-01", None, ""),
        ("去年", None, ""),
    ],
)
def test_values_that_are_no_dates_have_a_proposal_where_one_is_meant(value, day, why):
    found = guess({"2024-03-05": 10, value: 1})
    (misfit,) = found.misfits
    assert (misfit.value, misfit.day, misfit.empty) == (value, day, False)
    assert why in misfit.why


@pytest.mark.parametrize("value", ["无", "-", "——", "/", "待定", "N/A", "长期", "0000-00-00"])
def test_words_for_no_date_are_better_left_empty(value):
    (misfit,) = guess({"2024-03-05": 10, value: 1}).misfits
    assert misfit.empty
    assert misfit.day is None


def test_a_column_without_any_date_says_so():
    found = guess({"甲": 1, "乙": 2, " ": 5})
    assert (found.why, found.fits, found.rows, len(found.misfits)) == ("没有认出日期", 0, 3, 2)
    assert guess([]).why == "没有认出日期"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024/3/5", True),
        ("20240305", True),
        ("5/3/2024", True),
        ("13800001234", False),
        ("45356", False),
        ("500", False),
        ("0532-88881234", False),
        ("王芳", False),
        ("2024-13-40", False),
    ],
)
def test_dates_are_told_from_other_numbers(text, expected):
    assert is_date(text) is expected


DAYS = st.dates(date(1950, 1, 1), date(2026, 11, 30))
FORMS = {"ymd": "{0.year}/{0.month}/{0.day}", "mdy": "{0.month}/{0.day}/{0.year}", "dmy": "{0.day}/{0.month}/{0.year}"}


@given(st.lists(DAYS, min_size=1, max_size=30), st.sampled_from(sorted(LABELS)))
def test_a_column_written_in_one_pattern_is_read_back_or_asked_for(days, pattern):
    texts = [FORMS[pattern].format(day) for day in days]
    found = guess(texts)
    assert found.fits == len(days)
    chosen = pattern if found.question else found.pattern
    assert not found.question or pattern in dict(found.choices)
    assert [parse(text, chosen).at.date() for text in texts] == days
