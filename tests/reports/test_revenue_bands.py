"""The ranking of 客户贡献分析 read band by band from PostgreSQL, against the same rows ranked in memory."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from customers.models import Customer, RevenueYear
from reports.queries.contribution import ContributionCriteria, contribution_figures, sort_rows
from reports.queries.revenue_bands import RevenueBands, sums_of
from reports.ranking import SHARED, Ranking, RowsInMemory
from tests import factories
from tests.html import find_all, texts

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite reads all rows")
FIGURES = ("positive", "base", "total", "total_orders", "buyers", "a_rows", "b_rows", "median", "shares")


def fill(manager, amounts, year=2025):
    """Write the rollup of one customer for each amount."""
    customers = [factories.CustomerFactory.build(manager=manager, number=f"B{n}") for n in range(len(amounts))]
    Customer.objects.bulk_create(customers)
    RevenueYear.objects.bulk_create(
        RevenueYear(customer=customer, year=year, manager=manager, orders=1 + place % 3, amount=amount)
        for place, (customer, amount) in enumerate(zip(customers, amounts, strict=True))
    )
    return customers


def mixed_amounts(seed, number):
    """Return amounts of all sizes, some equal, some nothing, some negative, some below one 元."""
    rng = random.Random(seed)
    sizes = [10 ** rng.randrange(1, 17) for _ in range(number)]
    drawn = [Decimal(rng.randrange(size)) / 10**7 * rng.choice((1, 1, 1, 1, -1)) for size in sizes]
    return [*drawn, *rng.choices(drawn, k=number // 4), *[Decimal(0)] * 3]


def in_memory(rows):
    return Ranking(RowsInMemory(sums_of(rows).values_list("customer", "net", "number")))


@on_postgresql
@pytest.mark.parametrize("seed", range(6))
def test_bands_say_what_all_rows_say(seed, company):
    rng = random.Random(seed)
    fill(company.manager, mixed_amounts(seed, rng.choice((1, 7, 60, 400))))
    rows = RevenueYear.objects.all()
    banded, plain = Ranking(RevenueBands(rows, None)), in_memory(rows)
    assert [getattr(banded, name) for name in FIGURES] == [getattr(plain, name) for name in FIGURES]
    assert banded[:] == plain[:]
    for place in rng.sample(range(len(plain)), min(len(plain), 8)):
        assert banded[place] == plain[place]
        assert banded[place : place + 3] == plain[place : place + 3]
        assert banded.sums_of_first(place + 1) == plain.sums_of_first(place + 1)
        customer = plain[place].customer
        assert banded.of_customers([customer]) == {customer: plain[place]}


@on_postgresql
def test_few_rows_of_many_are_read(company, django_assert_max_num_queries):
    """More than have a share, so that most bands are left in the database; a page far down reads its own."""
    fill(company.manager, [Decimal(1000 * (10 + n)) / 7 ** (n % 5) for n in range(SHARED * 2)])
    source = RevenueBands(RevenueYear.objects.all(), None)
    read = []
    plain_rows = source.rows
    source.rows = lambda spans: [read.append(row) or row for row in plain_rows(spans)]
    with django_assert_max_num_queries(2):
        banded = Ranking(source)
    assert SHARED <= len(read) < SHARED * 1.5
    before = len(read)
    plain = in_memory(RevenueYear.objects.all())
    assert banded[SHARED + 1500 : SHARED + 1520] == plain[SHARED + 1500 : SHARED + 1520]
    assert 20 <= len(read) - before < 500
    assert [row.share for row in banded[SHARED : SHARED + 2]] == [Decimal("0.0")] * 2


@on_postgresql
def test_a_change_between_two_reads_is_noticed(company):
    customers = fill(company.manager, mixed_amounts(1, 50))
    source = RevenueBands(RevenueYear.objects.all(), None)
    plain_bands, tries = source.bands, []

    def bands():
        counted = list(plain_bands())
        if not tries:
            RevenueYear.objects.filter(customer=customers[0]).update(amount=Decimal("99999999999.5"))
        tries.append(counted)
        return counted

    source.bands = bands
    result = Ranking(source)
    assert len(tries) == 2
    assert (result[0].customer, result[:]) == (customers[0].pk, in_memory(RevenueYear.objects.all())[:])
    RevenueYear.objects.filter(customer=customers[1]).update(amount=Decimal("-5"))
    assert result[:][-1].amount <= -5  # rows read later are those of the new ranking
    assert result.of_customers([customers[1].pk])[customers[1].pk].grade == "C"


@on_postgresql
def test_rows_that_change_all_the_time_are_ranked_as_read_last(company):
    customers = fill(company.manager, [Decimal(n) for n in range(1, 9)])
    source = RevenueBands(RevenueYear.objects.all(), None)
    plain_rows, asked = source.rows, []

    def rows(spans):
        asked.append(spans)
        RevenueYear.objects.filter(customer=customers[0]).update(amount=Decimal(len(asked)) / 2)
        return plain_rows(spans)

    source.rows = rows
    assert len(Ranking(source)) == 8


def test_rows_in_every_order(company):
    """By amount and by name, in both directions, of all and of the first so many, silent ones too."""
    amounts = [Decimal(n * 37 % 100) - 20 for n in range(30)]
    customers = fill(company.manager, amounts)
    for number, customer in enumerate(customers):
        name = f"客户{'abcdefghij'[number % 10]}{number}"
        Customer.objects.filter(pk=customer.pk).update(name=name, name_pinyin=f"{'jihgfedcba'[number % 10]}{number:03}")
    factories.CustomerFactory(manager=company.manager, number="SILENT", name_pinyin="zzz")
    user = factories.fresh(company.executive)
    pinyin = dict(Customer.objects.values_list("pk", "name_pinyin"))
    for silent in (False, True):
        criteria = ContributionCriteria(year=2025, with_silent=silent)
        for first in (None, 7):
            figures = contribution_figures(user, criteria, first)
            listed = list(figures.rows)
            assert len(listed) == first or len(listed) == (31 if silent else 30)
            assert list(sort_rows(user, figures, "amount")) == listed[::-1]
            assert sort_rows(user, figures, "amount")[2:5] == listed[::-1][2:5]
            for order, descending in (("name", False), ("-name", True)):
                by_name = sorted(listed, key=lambda row: pinyin[row.customer], reverse=descending)
                rows = sort_rows(user, figures, order)
                assert (rows[3:6], list(rows), len(rows)) == (by_name[3:6], by_name, len(by_name))


def test_years_are_those_with_orders_in_view(company, sign_in):
    own = factories.CustomerFactory(manager=company.manager)
    other = factories.CustomerFactory(manager=company.stranger)
    for number, (customer, year) in enumerate(((own, 2021), (own, 2024), (other, 2019), (other, 2022))):
        factories.order(customer, number=f"Y{number}", ordered_at=datetime(year, 5, 1, tzinfo=UTC))
    page = sign_in(company.supervisor).get("/reports/contribution/")
    years = [text for text in texts(page, "select[name=year] option") if text.endswith("年")]
    assert [text.removesuffix(" 年") for text in years if text[:4].isdecimal()] == ["2024", "2021"]
    assert timezone.localdate().year >= 2024
    assert find_all(page, "#table-0") != []
