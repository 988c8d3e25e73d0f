"""Data for tests of reports: companies with randomly generated histories."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from customers.insight.backtest import refresh_backtest
from customers.models import ChurnCase, ChurnMeasure, Customer, Order, Ownership, refresh_revenue
from marketing.models import ForecastChange
from tests import factories
from tests.customers.shop import AS_OF, draw_rhythms, make_customers
from tests.reports.rows import SHANGHAI, at, local, opportunity_row, request_row


def some_day(rng: random.Random, first: date, last: date) -> datetime:
    day = first + timedelta(days=rng.randint(0, (last - first).days))
    return at(day, rng.choice((0, 7, 8, 23)), rng.choice((0, 59)))


@pytest.fixture
def past(company):
    """Two and a half years of customers, losses, returns, measures and orders, made by dice."""
    rng = random.Random(7)
    kinds = [factories.entry("流失原因", item) for item in ("价格", "质量", "停业")]
    rivals = [factories.entry("竞争对手", item) for item in ("进口品牌", "本地供应商")]
    measures = [factories.entry("暂缓措施", item) for item in ("拜访", "优惠", "技术支持")]
    people = [company.manager, company.colleague, company.eastern, company.stranger]
    for number in range(60):
        customer = factories.CustomerFactory(
            manager=rng.choice(people), created_at=some_day(rng, date(2024, 1, 1), date(2026, 6, 30))
        )
        ordered(rng, customer, number)
        opened_at = customer.created_at
        for _ in range(rng.randint(0, 2)):
            if local(opened_at) > date(2026, 8, 1):
                break
            opened_at = some_day(rng, local(opened_at) + timedelta(days=1), date(2026, 8, 1) + timedelta(days=40))
            case, closed = churned(rng, customer, opened_at, kinds, rivals)
            measured(rng, case, measures, company.manager)
            opened_at = closed + timedelta(days=1)
            if case.status != "won_back":
                break
    return company


def ordered(rng, customer, number):
    for turn in range(rng.randint(0, 9)):
        Order.objects.create(
            number=f"{number}-{turn}",
            customer=customer,
            ordered_at=some_day(rng, date(2024, 6, 1), date(2026, 11, 19)),
            status=rng.choice(("paid", "unpaid", "returned", "cancelled")),
            total=Decimal(rng.randint(-500_000_000, 9_000_000_000)) / 10_000_000,
        )


def churned(rng, customer, opened_at, kinds, rivals):
    """Return a case opened then, and the time it is closed or would be."""
    status = rng.choice(("warning", "deferred", "confirmed", "resolved", "won_back"))
    confirmed = opened_at + timedelta(days=rng.randint(1, 30)) if status in ("confirmed", "won_back") else None
    closed = (confirmed or opened_at) + timedelta(days=rng.randint(5, 60))
    case = ChurnCase.objects.create(
        customer=customer,
        status=status,
        opened_at=opened_at,
        confirmed_at=confirmed,
        closed_at=closed if status in ("resolved", "won_back") else None,
        lost_reason="换供应商" if confirmed else "",
        lost_kind=rng.choice(kinds) if confirmed else None,
        competitor=rng.choice((None, *rivals)) if confirmed else None,
    )
    return case, closed


def measured(rng, case, measures, by):
    for _ in range(rng.randint(0, 3) if case.status != "warning" else 0):
        ChurnMeasure.objects.create(
            case=case,
            kind=rng.choice(measures),
            text="x",
            review_on=date(2026, 11, 20),
            by=by,
            at=case.opened_at + timedelta(days=rng.randint(0, 90)),
        )


@pytest.fixture
def customers(company):
    """Nine of three people: some lost, some lacking values, one deleted."""
    people = (company.manager, company.eastern, company.stranger)
    levels = ("普通客户", "大客户", "普通客户", "战略合作伙伴")
    customers = [
        factories.CustomerFactory(
            manager=people[n % 3],
            level=None if n == 5 else factories.entry("客户等级", levels[n % 4]),
            industry=factories.entry("行业", "医药") if n % 2 else None,
            satisfaction=None if n == 3 else n % 5 + 1,
            credit=4,
        )
        for n in range(9)
    ]
    Customer.objects.filter(pk__in=[customers[0].pk, customers[4].pk]).update(status="lost")
    customers[8].remove(by=company.outsider)
    return customers


@pytest.fixture
def trade(company):
    """Twelve customers of three people with random orders of three years, one of them once another's."""
    rng = random.Random(7)
    people = (company.manager, company.colleague, company.stranger)
    customers = [factories.CustomerFactory(name=f"客户{n:02d}有限公司", manager=people[n % 3]) for n in range(12)]
    start = datetime(2023, 12, 30, tzinfo=UTC)
    Order.objects.bulk_create(
        Order(
            number=f"R{n}",
            customer=rng.choice(customers[:11]),
            ordered_at=start + timedelta(minutes=rng.randrange(3 * 366 * 1440)),
            status=rng.choice(["paid", "paid", "unpaid", "returned", "cancelled"]),
            total=Decimal(rng.randrange(-(10**9), 4 * 10**9)) / 10 ** rng.randrange(2, 8),
        )
        for n in range(150)
    )
    Ownership.objects.filter(customer__in=customers).update(since=start)
    Ownership.objects.filter(customer=customers[0]).update(until=datetime(2025, 3, 1, tzinfo=UTC))
    Ownership.objects.create(customer=customers[0], manager=company.colleague, since=datetime(2025, 3, 1, tzinfo=UTC))
    Customer.objects.filter(pk=customers[0].pk).update(manager=company.colleague)
    refresh_revenue()
    return customers


@pytest.fixture
def sales(company):
    company.made = factories.CustomerFactory(manager=company.manager)
    return company


@pytest.fixture
def dice(sales):
    """Opportunities in every state over two years, half of them with changed forecasts."""
    rng = random.Random(11)
    people = [sales.manager, sales.colleague, sales.eastern, sales.stranger]
    introducers = [None, factories.CustomerFactory(manager=sales.manager)]
    for number in range(120):
        created = at(date(2025, 1, 1) + timedelta(days=rng.randint(0, 680)), rng.choice((0, 23)), 59)
        status = rng.choice(("unassigned", "assigned", "assigned", "won", "won", "lost"))
        closed = created + timedelta(days=rng.randint(0, 200), hours=3) if status in ("won", "lost") else None
        record = opportunity_row(
            sales, status, number=number, created_at=created, closed_at=closed,
            assignee=None if status == "unassigned" else rng.choice(people),
            success_rate=rng.choice((0, 30, 55, 80, 100)),
            expected_amount=rng.choice((None, Decimal(rng.randint(1, 9_000_000)) / 100)),
            expected_on=rng.choice((None, local(created) + timedelta(days=rng.randint(0, 200)))),
            source=rng.choice(("展会", "网上询价", "")), introduced_by=rng.choice(introducers),
        )  # fmt: skip
        moment = created
        for _ in range(rng.randint(0, 2)):
            moment += timedelta(days=rng.randint(1, 120))
            if (closed and moment >= closed) or moment >= timezone.now():
                break
            reforecast(record, moment, rng)
    return sales


def reforecast(record, at, rng):
    """Change the forecast as update_forecast does, but at a past datetime."""
    amount = rng.choice((record.expected_amount, Decimal(rng.randint(1, 9_000_000)) / 100))
    on = rng.choice((record.expected_on, local(at) + timedelta(days=rng.randint(0, 120))))
    rate = rng.choice((10, 60, 90))
    ForecastChange.objects.create(
        opportunity=record, at=at, by=record.created_by, reason="x",
        former_success_rate=record.success_rate, success_rate=rate,
        former_expected_amount=record.expected_amount, expected_amount=amount,
        former_expected_on=record.expected_on, expected_on=on,
    )  # fmt: skip
    record.success_rate, record.expected_amount, record.expected_on = rate, amount, on
    record.save()


@pytest.fixture
def work(company):
    rng = random.Random(5)
    people = [company.manager, company.colleague, company.eastern, company.stranger]
    kinds = [factories.entry("服务类型", "咨询"), factories.entry("服务类型", "投诉")]
    customers = [factories.CustomerFactory(manager=rng.choice(people)) for _ in range(6)]
    for number in range(150):
        assignee = rng.choice([None, *people])
        score = rng.choice((None, 1, 2, 3, 4, 5)) if assignee else None
        requested(company, number, rng, people, kinds, customers, assignee, score)
    return company


def requested(company, number, rng, people, kinds, customers, assignee, score):
    customer = rng.choice([None, *customers])
    party = {"customer": customer} if customer else {"organisation": rng.choice(("甲厂", "乙厂"))}
    return request_row(
        company,
        number,
        created_at=datetime(2025, 1, 1, 1, tzinfo=SHANGHAI) + timedelta(days=rng.randint(0, 690)),
        kind=rng.choice(kinds),
        manager=rng.choice(people),
        assignee=assignee,
        satisfaction=score,
        satisfaction_by=rng.choice(("customer", "manager")) if score else "",
        returns=rng.choice((0, 0, 1, 2)),
        minutes_to_handle=rng.randint(1, 2000) if assignee else None,
        **party,
    )


@pytest.fixture
def alerts(company):
    """Customers of four people with orders at their own pace, and what the alerts of past months said of them."""
    people = (company.manager, company.colleague, company.eastern, company.stranger)
    customers = [one for person in people for one in make_customers(person, 40, f"{person.pk}号")]
    draw_rhythms(customers)
    refresh_backtest(AS_OF)
    return customers
