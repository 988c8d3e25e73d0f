"""预警回测: a month's end knows the orders up to it, and is judged by the 90 days after it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from basedata.calendar.counted_days import CountedDays
from basedata.models import SpecialDay
from customers.insight.backtest import backtest, due_month_ends, refresh_backtest
from customers.insight.tasks import BACKTEST, PAIRS, start_monthly
from customers.models import BacktestMonth, BacktestRow, Order, Ownership, merge_customers
from customers.orders.rhythm import DEFAULT_BASE
from kit.domain.days import add_months, midnight
from kit.jobs.models import Job
from kit.jobs.tasks import execute_job
from tests import factories
from tests.customers.shop import AS_OF, draw_rhythms, make_customers

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(company):
    return draw_rhythms(make_customers(company.manager, 70))


# D3 once more, step by step and without the code that is tested


def counted(first, last, holidays):
    return sum(first + timedelta(days=n) not in holidays for n in range(1, (last - first).days + 1))


def logs_of(days, holidays):
    gaps = [max(1, counted(a, b, holidays)) for a, b in pairwise(days)][-12:]
    return [math.log(gap) for gap in gaps]


def mean(values):
    return sum(values) / len(values)


def variance(values):
    return mean([value**2 for value in values]) - mean(values) ** 2


def expected_of(order_days, month_end, holidays):
    """Return {customer: (light, six, gone)} of the customers that could be judged."""
    known = {key: [day for day in days if day <= month_end] for key, days in order_days.items()}
    logs = {key: logs_of(days, holidays) for key, days in known.items() if len(days) >= 4}
    mu, sigma2 = math.log(45), 0.3025
    if len(logs) >= 30:
        mu, sigma2 = mean([mean(own) for own in logs.values()]), mean([variance(own) for own in logs.values()])
    outcomes = {}
    for key, own in logs.items():
        k = len(own)
        centre = (k * mean(own) + 2 * mu) / (k + 2)
        sigma = math.sqrt((k * variance(own) + 4 * sigma2) / (k + 4))
        silent = counted(known[key][-1], month_end, holidays)
        late, alarm = (max(14, math.ceil(math.exp(centre + z * sigma))) for z in (1.644854, 2.326348))
        light = "red" if silent >= alarm else "amber" if silent >= late else ""
        six = add_months(known[key][-1], 6) <= month_end
        gone = not any(0 < (day - month_end).days <= 90 for day in order_days[key])
        outcomes[key] = (light, six, gone)
    return outcomes


def days_of(orders):
    days = defaultdict(set)
    for order in orders:
        if order.status in ("paid", "unpaid"):
            days[order.customer_id].add(timezone.localdate(order.ordered_at))
    return {key: sorted(own) for key, own in days.items()}


def test_every_month_end_is_judged_as_the_rule_says(orders, company):
    done = refresh_backtest(AS_OF)
    holidays = set(SpecialDay.objects.filter(kind="rest").values_list("day", flat=True))
    assert holidays
    seen = Counter()
    for month_end in done:
        outcomes = expected_of(days_of(orders), month_end, holidays)
        rows = BacktestRow.objects.filter(month_end=month_end).values_list("customer", "light", "six", "gone")
        flagged = {key: outcome for key, outcome in outcomes.items() if any(outcome)}
        assert {key: tuple(rest) for key, *rest in rows} == flagged
        (month,) = BacktestMonth.objects.filter(month_end=month_end)
        assert (month.eligible, month.manager) == (len(outcomes), company.manager)
        seen.update(outcomes.values())
    assert len(done) > 8
    assert {light for light, _, gone in seen if gone} == {light for light, _, gone in seen if not gone}  # each of both
    assert any(six for _, six, _ in seen)
    assert len({light for light, *_ in seen}) == 3


def test_the_last_twelve_months_whose_ninety_days_are_over_are_judged():
    assert due_month_ends(date(2026, 11, 29))[0] == date(2026, 8, 31)
    assert due_month_ends(date(2026, 11, 28))[:2] == [date(2026, 7, 31), date(2026, 6, 30)]
    assert due_month_ends(date(2011, 12, 9))[-1] == date(2010, 9, 30)


def test_orders_after_the_month_change_the_outcome_and_never_the_alert():
    month_end, calendar = date(2026, 3, 31), CountedDays()
    days = [date(2026, 1, 1) + timedelta(days=5 * n) for n in range(8)]  # until 02-05
    cases = {(): True, (90,): False, (91,): True, (1, 200): False}
    histories = [(place, [*days, *(month_end + timedelta(days=n) for n in later)]) for place, later in enumerate(cases)]
    outcomes = list(backtest(month_end, histories, DEFAULT_BASE, calendar))
    assert [outcome.gone for outcome in outcomes] == list(cases.values())
    assert {(outcome.light, outcome.six) for outcome in outcomes} == {("red", False)}
    assert list(backtest(month_end, [(1, [*days[:3], date(2026, 4, 2)])], DEFAULT_BASE, calendar)) == []


def test_a_customer_counts_for_who_owned_them_when_the_month_ended(orders, company):
    refresh_backtest(AS_OF)
    row = BacktestRow.objects.filter(month_end=date(2026, 2, 28)).first()
    day = midnight(date(2026, 3, 1))
    row.customer.ownerships.update(manager=company.eastern, until=day)
    Ownership.objects.create(customer=row.customer, manager=company.manager, since=day)
    refresh_backtest(AS_OF)
    rows = BacktestRow.objects.filter(customer=row.customer)
    assert set(rows.filter(month_end__lte=row.month_end).values_list("manager", flat=True)) == {company.eastern.pk}
    later = rows.filter(month_end__gt=row.month_end).values_list("manager", flat=True)
    assert set(later) <= {company.manager.pk}
    assert BacktestMonth.objects.get(month_end=row.month_end, manager=company.eastern).eligible == 1


def test_a_second_run_puts_itself_in_the_place_of_the_first(orders):
    refresh_backtest(AS_OF)
    before = set(BacktestRow.objects.values_list("month_end", "customer", "light", "six", "gone"))
    Order.objects.filter(customer=BacktestRow.objects.first().customer).delete()
    refresh_backtest(AS_OF)
    after = set(BacktestRow.objects.values_list("month_end", "customer", "light", "six", "gone"))
    assert after < before


def test_rows_of_a_merged_customer_follow_where_the_survivor_has_none(orders, company):
    refresh_backtest(AS_OF)
    kept, gone = (factories.CustomerFactory(name=name, manager=company.manager) for name in ("海河水务", "海河水务旧"))
    for customer, month in ((kept, 1), (gone, 1), (gone, 2)):
        BacktestRow.objects.create(
            customer=customer, manager=company.manager, month_end=date(2025, month, 28), light="red", six=False,
            gone=customer is kept,
        )  # fmt: skip
    merge_customers(kept, [gone], by=company.supervisor, reason="同一家")
    rows = BacktestRow.objects.filter(month_end__lt=date(2025, 3, 1)).order_by("month_end")
    assert list(rows.values_list("customer", "month_end__month", "gone")) == [(kept.pk, 1, True), (kept.pk, 2, False)]


def test_the_schedule_asks_for_it_until_the_newest_month_is_there(orders):
    start_monthly()
    functions = set(Job.objects.values_list("function", flat=True))
    assert functions == {BACKTEST[1], PAIRS[1]}
    for job in Job.objects.all():
        job.claim()
        execute_job(job)
    assert {job.status for job in Job.objects.all()} == {Job.Status.DONE}
    start_monthly()
    assert Job.objects.get(status=Job.Status.QUEUED).function == PAIRS[1]  # 70 buyers are too few for pairs
