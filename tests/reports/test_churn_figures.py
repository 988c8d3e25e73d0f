"""客户流失分析 in figures: equal to an independent count over random data, in the right year, within the view."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers.churn.scan import scan_churn
from customers.models import ChurnCase, ChurnMeasure, Customer, Order
from customers.sync.engine import sync
from kit.domain.days import add_months
from reports.periods import Period, year_period
from reports.queries import churn
from tests import factories
from tests.reports.rows import at, local

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
YEAR = year_period(2026)


def view(user):
    customers = Customer.objects.visible_to(user)
    return customers, ChurnCase.objects.visible_to(user), Order.objects.visible_to(user)


def losses(user, period=YEAR):
    _, cases, orders = view(user)
    return churn.losses(churn.load_case_lines(cases, period), orders)


@pytest.mark.parametrize("who", ["executive", "supervisor", "eastern"])
def test_losses_and_their_revenue(past, who):
    customers = view(getattr(past, who))[0]
    visible = set(customers.values_list("pk", flat=True))
    expected = []
    for case in ChurnCase.objects.all():
        if case.confirmed_at and local(case.confirmed_at).year == 2026 and case.customer_id in visible:
            until = local(case.confirmed_at)
            since = add_months(until, -12)
            total = sum(
                (
                    order.total
                    for order in Order.objects.filter(customer=case.customer_id)
                    if order.status in ("paid", "unpaid", "returned") and since < local(order.ordered_at) <= until
                ),
                Decimal(0),
            )
            expected.append((case.confirmed_at, case.pk, total))
    lost = losses(getattr(past, who))
    assert expected
    newest_first = sorted(expected, key=lambda row: (row[0], row[1]), reverse=True)
    got = [(loss.place, loss.day, loss.case, loss.revenue) for loss in lost]
    assert got == [(n, local(moment), pk, total) for n, (moment, pk, total) in enumerate(newest_first, start=1)]


def test_reasons_are_counted_and_their_shares_add_up(past):
    lost = losses(past.executive)
    cases, entry_names = churn.load_cases(lost), churn.entry_names(loss.kind for loss in lost)
    counts = Counter(cases[loss.case].lost_kind.item for loss in lost)
    reasons = churn.reasons(lost, entry_names)
    assert {reason.label: reason.count for reason in reasons} == counts
    assert [reason.count for reason in reasons] == sorted(counts.values(), reverse=True)
    assert sum(reason.share for reason in reasons) == reasons[-1].running == Decimal("100.0")
    rivals = Counter(case.competitor.item for case in cases.values() if case.competitor)
    entry_names = churn.entry_names(loss.competitor for loss in lost if loss.competitor)
    assert {one.label: one.count for one in churn.competitors(lost, entry_names)} == rivals


def test_three_equal_reasons_share_a_hundred():
    reasons = churn.pareto([(1, "a"), (2, "b"), (3, "c")])
    assert [str(reason.share) for reason in reasons] == ["33.4", "33.3", "33.3"]


@pytest.mark.parametrize("who", ["executive", "supervisor"])
def test_the_monthly_rate_is_lost_of_those_normal_at_its_start(past, who):
    customers, cases, _ = view(getattr(past, who))
    period = Period(date(2025, 3, 1), date(2026, 11, 20))
    months = churn.monthly_rates(customers, churn.load_case_lines(cases, period), period)
    assert len(months) == 21
    longer = churn.load_case_lines(cases, Period(period.first, date(2027, 12, 31)))
    assert churn.monthly_rates(customers, longer, period) == months
    for month in months:
        begins = at(month.first, 0)
        ends = at(add_months(month.first, 1), 0)
        normal = lost = 0
        for customer in customers:
            theirs = [case for case in ChurnCase.objects.filter(customer=customer) if case.confirmed_at]
            away = any(c.confirmed_at < begins and (c.closed_at is None or c.closed_at >= begins) for c in theirs)
            normal += customer.created_at < begins and not away
            lost += sum(begins <= case.confirmed_at < ends for case in theirs)
        assert (month.normal, month.lost) == (normal, lost)
        expected = (Decimal(lost) * 100 / normal) if normal else None
        assert month.rate == (expected.quantize(Decimal("0.1"), "ROUND_HALF_UP") if normal else None)
    assert any(month.lost for month in months)


def test_the_funnel_follows_the_cases_opened_in_the_year(past):
    cases = view(past.executive)[1]
    mine = [case for case in cases if local(case.opened_at).year == 2026]
    measured = {measure.case_id for measure in ChurnMeasure.objects.all()}
    status = Counter(case.status for case in mine)
    assert churn.funnel(cases, YEAR) == (
        len(mine),
        sum(case.pk in measured for case in mine),
        status["resolved"],
        status["confirmed"] + status["won_back"],
        status["won_back"],
        status["warning"] + status["deferred"],
    )
    back = [case for case in cases if case.status == "won_back" and local(case.closed_at).year == 2026]
    assert {line.key for line in churn.load_case_lines(cases, YEAR) if line.back} == {case.pk for case in back}
    assert back


def test_purchases_by_kind_of_measure(past):
    cases = view(past.executive)[1]
    expected: dict[str, dict[int, list[bool | None]]] = {}
    for measure in ChurnMeasure.objects.select_related("kind", "case"):
        day = local(measure.at)
        if day.year != 2026:
            continue
        bought = any(
            order.status in ("paid", "unpaid") and 0 <= (local(order.ordered_at) - day).days <= 90
            for order in Order.objects.filter(customer=measure.case.customer_id)
        )
        over = day + timedelta(days=90) < TODAY
        effects = expected.setdefault(measure.kind.item, {}).setdefault(measure.case_id, [])
        effects.append(True if bought else False if over else None)
    kinds = churn.measure_kinds(cases, YEAR, TODAY)
    kinds_ranked = churn.rank_measures(kinds, churn.entry_names(kind.key for kind in kinds))
    assert {kind.label: (kind.cases, kind.bought, kind.waiting) for kind in kinds_ranked} == {
        label: (
            len(by_case),
            sum(any(effects) for effects in by_case.values()),
            sum(not any(effects) and None in effects for effects in by_case.values()),
        )
        for label, by_case in expected.items()
    }
    assert sum(kind.bought for kind in kinds_ranked) > 1
    assert sum(kind.waiting for kind in kinds_ranked) > 0


@pytest.mark.parametrize(
    ("at", "year"),
    [
        ("2025-12-31T15:59:59+00:00", 2025),
        ("2025-12-31T16:00:00+00:00", 2026),
        ("2026-12-31T15:59:59+00:00", 2026),
        ("2026-12-31T16:00:00+00:00", 2027),
    ],
)
def test_a_loss_counts_in_its_shanghai_year(company, at, year):
    case = factories.churn_case(company.manager)
    case.confirm(by=company.manager, reason="停业", kind=factories.entry("流失原因", "停业"))
    ChurnCase.objects.update(confirmed_at=datetime.fromisoformat(at))
    cases = ChurnCase.objects.visible_to(company.executive)
    counted = {
        period_year: len(losses(company.executive, year_period(period_year))) for period_year in (2025, 2026, 2027)
    }
    assert counted == {period_year: int(period_year == year) for period_year in (2025, 2026, 2027)}
    assert year in churn.years_of(cases)
    assert timezone.localdate().year in churn.years_of(cases)


def test_an_empty_company_has_figures_too(company):
    customers, cases, _ = view(company.executive)
    assert losses(company.executive) == []
    assert churn.reasons([], {}) == []
    assert churn.funnel(cases, YEAR) == (0, 0, 0, 0, 0, 0)
    assert churn.measure_kinds(cases, YEAR, TODAY) == []
    assert [month.rate for month in churn.monthly_rates(customers, [], YEAR)] == [None] * 12


def test_the_number_of_queries_does_not_grow(past, django_assert_num_queries):
    customers, cases, orders = view(past.executive)
    with django_assert_num_queries(2):
        lines = churn.load_case_lines(cases, YEAR)
        lost = churn.losses(lines, orders)
    with django_assert_num_queries(1):
        assert [f"{case.customer.manager} {case.lost_kind}" for case in churn.load_cases(lost).values()]
    with django_assert_num_queries(1):
        churn.monthly_rates(customers, lines, YEAR)
    with django_assert_num_queries(2):
        churn.measure_kinds(cases, YEAR, TODAY)
    with django_assert_num_queries(1):
        churn.funnel(cases, YEAR)


# The real thing


def real(folder, name):
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


@pytest.mark.skipif(not os.environ.get("CRM_SALES_DATA"), reason="slow: set CRM_SALES_DATA to a folder")
def test_real_wholesale_losses_equal_an_addition_from_the_files(company):
    """Warnings on 2011-12-10 and revenue of lost customers, from the feed's own lines by csv and Decimal."""
    folder = Path(os.environ["CRM_SALES_DATA"])
    file = str(folder / "customers.csv.gz")
    call_command("import_customers", file, manager=company.manager.username, create_regions=True)
    sync(str(folder))
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for line in real(folder, "order_lines"):
        amounts[line["订单编号"]] += Decimal(line["数量"]) * Decimal(line["单价"])
    last, lost = {}, defaultdict(Decimal)
    for order in real(folder, "orders"):
        key, day = order["客户编号"], order["日期"][:10]
        if order["状态"] not in ("已取消", "退货"):
            last[key] = max(day, last.get(key, day))
        if order["状态"] != "已取消" and "2010-12-11" <= day <= "2011-12-10":
            lost[key] += amounts[order["订单编号"]]
    silent = {key for key, day in last.items() if day <= "2011-06-10"}
    scan_churn(date(2011, 12, 10))
    warned = dict(ChurnCase.objects.values_list("customer__external_number", "pk"))
    assert {key for key in warned if key in last} == silent
    selected = sorted(silent)[::15]
    for place, key in enumerate(selected):
        kind = factories.entry("流失原因", ("价格", "质量", "停业")[place % 3])
        ChurnCase.objects.get(pk=warned[key]).confirm(by=company.manager, reason="不再采购", kind=kind)
    confirmed = ChurnCase.objects.exclude(confirmed_at=None)
    confirmed.update(opened_at=at(date(2011, 12, 10), 2), confirmed_at=at(date(2011, 12, 10)))
    lost_customers = losses(company.executive, year_period(2011))
    cases = churn.load_cases(lost_customers)
    revenue = {cases[loss.case].customer.external_number: loss.revenue for loss in lost_customers}
    assert revenue == {key: lost[key] for key in selected}
    assert len(selected) > 50
    assert any(revenue.values())
    counts = Counter(place % 3 for place in range(len(selected)))
    reasons = churn.reasons(lost_customers, churn.entry_names(loss.kind for loss in lost_customers))
    assert sorted(reason.count for reason in reasons) == sorted(counts.values())
