"""Six calendar months, in pure days: twelve fixed dates, and laws that hold for all of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.churn.rule import churn_cutoff, silence_start
from kit.domain.days import add_months

DAYS = st.dates(date(1950, 1, 1), date(2200, 1, 1))


@pytest.mark.parametrize(
    ("bought", "due"),
    [
        ("2025-08-31", "2026-02-28"),
        ("2023-08-31", "2024-02-29"),
        ("2025-08-30", "2026-02-28"),
        ("2023-08-30", "2024-02-29"),
        ("2025-08-28", "2026-02-28"),
        ("2025-08-27", "2026-02-27"),
        ("2025-02-28", "2025-08-28"),
        ("2024-02-29", "2024-08-29"),
        ("2025-03-31", "2025-09-30"),
        ("2025-05-31", "2025-11-30"),
        ("2025-07-01", "2026-01-01"),
        ("2025-12-31", "2026-06-30"),
    ],
)
def test_twelve_fixed_dates(bought, due):
    bought, due = date.fromisoformat(bought), date.fromisoformat(due)
    assert add_months(bought, 6) == due
    assert bought <= churn_cutoff(due)
    assert bought > churn_cutoff(due - timedelta(days=1))


def test_on_the_last_of_february_four_days_of_august_are_over_at_once():
    assert churn_cutoff(date(2026, 2, 27)) == date(2025, 8, 27)
    assert churn_cutoff(date(2026, 2, 28)) == date(2025, 8, 31)
    assert churn_cutoff(date(2026, 3, 1)) == date(2025, 9, 1)


@given(DAYS, DAYS)
def test_a_day_is_cut_off_exactly_when_its_six_months_are_over(day, today):
    assert (day <= churn_cutoff(today)) == (add_months(day, 6) <= today)


@given(DAYS, st.integers(-60, 60))
def test_months_keep_the_day_or_clamp_to_the_months_end(day, months):
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


@given(DAYS, DAYS)
def test_later_days_never_fall_due_earlier(one, other):
    assert (one <= other) <= (add_months(one, 6) <= add_months(other, 6))
    assert (one <= other) <= (churn_cutoff(one) <= churn_cutoff(other))


BOUGHT, BACK, MADE, SINCE = date(2025, 5, 1), date(2025, 9, 1), date(2025, 3, 1), date(2019, 1, 1)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ((BOUGHT, None, MADE, SINCE), BOUGHT),
        ((BOUGHT, BACK, MADE, SINCE), BACK),
        ((BACK, BOUGHT, MADE, SINCE), BACK),
        ((None, None, MADE, SINCE), SINCE),
        ((None, None, MADE, None), MADE),
        ((None, None, SINCE, MADE), SINCE),
        ((None, BACK, MADE, SINCE), BACK),
    ],
)
def test_what_the_six_months_run_from(known, expected):
    assert silence_start(*known) == expected
