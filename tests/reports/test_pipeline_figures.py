"""销售漏斗 in figures: the anchors of the specification, and an independent count over random data."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from statistics import median

import pytest

from customers.models import Customer
from kit.domain.days import add_months
from marketing.models import ForecastChange, Opportunity
from reports.periods import year_period
from reports.queries import pipeline
from tests.reports.rows import SHANGHAI, local, opportunity_row

pytestmark = pytest.mark.django_db
YEAR = year_period(2026)
SOURCES = ("展会", "网上询价", "")


def test_three_won_and_five_lost_are_37_and_a_half_percent_however_many_are_open(sales):
    for status, count in (("won", 3), ("lost", 5), ("assigned", 9)):
        for number in range(count):
            opportunity_row(sales, status, number=number)
    group = pipeline.groups(Opportunity.objects.visible_to(sales.executive), YEAR)[None]
    assert (group.won, group.lost, group.open, group.rate) == (3, 5, 9, Decimal("37.5"))
    assert not group.is_small_sample


def test_the_weighted_pipeline(sales):
    opportunity_row(sales, "assigned", expected_amount=100_000, success_rate=30)
    opportunity_row(sales, "unassigned", expected_amount=50_000, success_rate=80)
    opportunity_row(sales, "assigned", expected_amount=None, success_rate=90)
    opportunity_row(sales, "won", expected_amount=700_000, success_rate=90)
    group = pipeline.groups(Opportunity.objects.all(), YEAR)[None]
    assert (group.weighted, group.amount, group.without_amount) == (Decimal(70_000), Decimal(150_000), 1)


def test_a_rate_of_four_says_that_four_are_few(sales):
    for number in range(4):
        opportunity_row(sales, "won", number=number)
    group = pipeline.groups(Opportunity.objects.all(), YEAR)[None]
    assert (group.rate, group.is_small_sample) == (Decimal(100), True)
    opportunity_row(sales, "lost")
    assert not pipeline.groups(Opportunity.objects.all(), YEAR)[None].is_small_sample


def test_nothing_closed_has_no_rate(sales):
    assert pipeline.win_rate(0, 0) is None
    assert pipeline.groups(Opportunity.objects.all(), YEAR) == {}
    assert pipeline.days_to_close(Opportunity.objects.all(), YEAR, "won", 0) is None
    assert pipeline.past_forecasts(Opportunity.objects.all(), []) == []


@pytest.mark.parametrize("who", ["executive", "supervisor", "manager"])
@pytest.mark.parametrize("by", ["source", "introduced_by", "keeper"])
def test_groups_equal_a_count_by_hand(dice, who, by):
    rows = Opportunity.objects.visible_to(getattr(dice, who))
    expected: dict = {}
    for one in rows:
        key = {"source": one.source, "introduced_by": one.introduced_by_id, "keeper": one.keeper_id}[by]
        group = expected.setdefault(key, Counter(open=0, won=0, lost=0, amount=Decimal(0), weighted=Decimal(0)))
        if one.status in ("unassigned", "assigned"):
            group["open"] += 1
            group["amount"] += one.expected_amount or 0
            group["weighted"] += (one.expected_amount or 0) * Decimal(one.success_rate) / 100
        elif local(one.closed_at).year == 2026:
            group[one.status] += 1
    expected = {key: group for key, group in expected.items() if group["open"] or group["won"] or group["lost"]}
    field = {"keeper": pipeline.OWNER}.get(by, pipeline.F(by))
    group_by_value = pipeline.groups(rows, YEAR, field)
    assert {key: Counter(open=g.open, won=g.won, lost=g.lost, amount=g.amount, weighted=g.weighted)
            for key, g in group_by_value.items()} == expected  # fmt: skip
    total, added = pipeline.groups(rows, YEAR)[None], pipeline.total(group_by_value.values())
    for name in ("open", "amount", "weighted", "without_amount", "won", "lost"):
        assert getattr(total, name) == getattr(added, name)
    assert total.won
    assert total.lost


def test_months_hold_what_was_created_and_closed_in_them(dice):
    rows = list(Opportunity.objects.all())
    for line in pipeline.by_month(Opportunity.objects.all(), YEAR):
        until = add_months(line.first, 1)
        born = Counter(one.status for one in rows if line.first <= local(one.created_at) < until)
        ended = Counter(one.status for one in rows if one.closed_at and line.first <= local(one.closed_at) < until)
        states = (line.unassigned, line.assigned, line.became_won, line.became_lost)
        assert states == tuple(born[status] for status in ("unassigned", "assigned", "won", "lost"))
        assert (line.won, line.lost, line.created) == (ended["won"], ended["lost"], sum(born.values()))


@pytest.mark.parametrize("status", ["won", "lost"])
def test_the_median_time_to_close(dice, status):
    took = [
        (one.closed_at - one.created_at).total_seconds() / 86400
        for one in Opportunity.objects.filter(status=status)
        if local(one.closed_at).year == 2026
    ]
    got = pipeline.days_to_close(Opportunity.objects.all(), YEAR, status, len(took))
    assert abs(float(got) - median(took)) <= 0.05 + 1e-9


def stood(record, at):
    """Return (rate, amount, day) at a datetime, replayed from the first to the last change."""
    changes = list(record.forecast_changes.order_by("at", "pk"))
    first = changes[0] if changes else None
    now = (
        (first.former_success_rate, first.former_expected_amount, first.former_expected_on)
        if first
        else (record.success_rate, record.expected_amount, record.expected_on)
    )
    for change in changes:
        if change.at < at:
            now = (change.success_rate, change.expected_amount, change.expected_on)
    return now


def test_past_forecasts_against_what_came(dice):
    months = [add_months(date(2025, 6, 1), ahead) for ahead in range(15)]
    for forecast in pipeline.past_forecasts(Opportunity.objects.all(), months):
        begins, until = (
            datetime(forecast.first.year, forecast.first.month, 1, tzinfo=SHANGHAI),
            add_months(forecast.first, 1),
        )
        count, amount, weighted, won, came = 0, Decimal(0), Decimal(0), 0, Decimal(0)
        for one in Opportunity.objects.all():
            rate, promised, on = stood(one, begins)
            there = one.created_at < begins and (one.closed_at is None or one.closed_at >= begins)
            if there and on and forecast.first <= on < until:
                count, amount = count + 1, amount + (promised or 0)
                weighted += (promised or 0) * Decimal(rate) / 100
            if one.status == "won" and forecast.first <= local(one.closed_at) < until:
                won, came = won + 1, came + (one.expected_amount or 0)
        assert (forecast.count, forecast.amount, forecast.weighted, forecast.won, forecast.came) == (
            count, amount, weighted, won, came
        )  # fmt: skip
    assert ForecastChange.objects.count() > 20


@pytest.mark.parametrize(("at", "year"), [("2025-12-31T15:59:59+00:00", 2025), ("2025-12-31T16:00:00+00:00", 2026)])
def test_closing_counts_in_its_shanghai_year(sales, at, year):
    opportunity_row(sales, "won", closed_at=datetime.fromisoformat(at))
    rows = Opportunity.objects.all()
    won = {period_year: pipeline.closed_in(rows, year_period(period_year)).count() for period_year in (2025, 2026)}
    assert won == {period_year: int(period_year == year) for period_year in (2025, 2026)}
    line = next(line for line in pipeline.by_month(rows, year_period(year)) if line.won)
    assert line.first.month == (12 if year == 2025 else 1)
    assert year in pipeline.years_of(rows)


def test_the_number_of_queries_does_not_grow(dice, django_assert_num_queries):
    rows = Opportunity.objects.all()
    months = [add_months(date(2025, 6, 1), ahead) for ahead in range(12)]
    with django_assert_num_queries(1):
        pipeline.groups(rows, YEAR, pipeline.OWNER)
    with django_assert_num_queries(2):
        pipeline.by_month(rows, YEAR)
    with django_assert_num_queries(4):
        pipeline.past_forecasts(rows, months)
    assert Customer.objects.exists()
