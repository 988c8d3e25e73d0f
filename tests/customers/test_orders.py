"""Orders: exact figures, the lists, one order with its lines, and the card on the customer's page."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from basedata.models import FeedPosition, Product
from customers.models import (
    PURCHASE_STATUSES,
    REVENUE_STATUSES,
    Customer,
    Order,
    OrderLine,
    refresh_last_purchases,
)
from customers.orders.pages import orders_card
from customers.orders.trend import SPARKLINE_MONTHS, build_bars, month_start_before
from kit.domain.money import format_price, format_quantity, format_yuan
from kit.sql.exact_sum import ExactSum
from tests import factories
from tests.customers.pages import page_of
from tests.exports import export
from tests.html import texts

pytestmark = pytest.mark.django_db
LIST = "/customers/orders/"


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, by=company.manager)


def at(*values):
    return datetime(*values, tzinfo=UTC)


def order(customer, number="S1", when=None, status="paid", total="100", **values):
    return Order.objects.create(
        customer=customer,
        number=number,
        ordered_at=when or at(2026, 3, 5, 2),
        status=status,
        total=Decimal(total),
        **values,
    )


def line(owner, number, quantity, unit_price, product=None, product_number="P1"):
    return OrderLine.objects.create(
        order=owner,
        line_number=number,
        quantity=Decimal(quantity),
        unit_price=Decimal(unit_price),
        product=product,
        product_number=product_number,
        unit="件",
    )


def numbers(page):
    """Return the numbers of the orders in a list."""
    return texts(page, "table.tbl tbody td.m-t a")


# Figures


def test_the_two_constants_are_those_of_the_requirements():
    assert [str(status.label) for status in REVENUE_STATUSES] == ["未回款", "已回款", "退货"]
    assert [str(status.label) for status in PURCHASE_STATUSES] == ["未回款", "已回款"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.005", "0.01"), ("0.0049999", "0.00"), ("1234567.895", "1,234,567.90"), ("-2.345", "−2.35"), ("0", "0.00")],
)
def test_amounts_are_rounded_half_up_for_display(value, expected):
    assert format_yuan(Decimal(value)) == expected


def test_prices_and_quantities_keep_what_matters():
    assert [format_price(Decimal(text)) for text in ("2.5500", "0.0015", "100")] == ["2.55", "0.0015", "100.00"]
    assert [format_quantity(Decimal(text)) for text in ("6.000", "0.125", "-3.500")] == ["6", "0.125", "−3.5"]


def test_a_line_is_exact(customer):
    made = line(order(customer), 1, "0.333", "0.0007")
    made.refresh_from_db()
    assert made.amount == Decimal("0.0002331")


@pytest.mark.parametrize("values", [["0.1", "0.2"], ["0.0000001"] * 3, ["1e9", "0.0000001"], ["5", "-7.5"]])
def test_a_sum_is_exact_on_both_databases(values, customer):
    for number, value in enumerate(values):
        order(customer, f"S{number}", total=value)
    assert Order.objects.aggregate(sum=ExactSum("total"))["sum"] == sum(map(Decimal, values))


def test_many_odd_amounts_add_up_to_the_last_decimal(customer):
    rolls = random.Random(7)
    totals = [Decimal(rolls.randrange(-(10**9), 10**11)).scaleb(-7) for _ in range(20_000)]
    Order.objects.bulk_create(
        (
            Order(customer=customer, number=f"S{n}", ordered_at=at(2026, 1, 1), status="paid", total=total)
            for n, total in enumerate(totals)
        ),
        batch_size=2000,
    )
    assert Order.objects.aggregate(sum=ExactSum("total"))["sum"] == sum(totals)
    assert Order.objects.values("customer").annotate(sum=ExactSum("total")).get()["sum"] == sum(totals)


def test_nothing_to_add_is_none():
    assert Order.objects.aggregate(sum=ExactSum("total"))["sum"] is None


# 上次下单


def test_the_last_purchase_is_the_shanghai_day_of_the_latest_order_that_counts(company, customer):
    other = factories.CustomerFactory(manager=company.manager, name="没有订单")
    order(customer, "S1", at(2026, 3, 5, 15, 59, 59))
    assert refresh_last_purchases() == 1
    customer.refresh_from_db()
    assert customer.last_purchase_on == date(2026, 3, 5)
    order(customer, "S2", at(2026, 3, 5, 16), status="unpaid")
    order(customer, "S3", at(2026, 4, 1), status="returned")
    order(customer, "S4", at(2026, 5, 1), status="cancelled")
    assert refresh_last_purchases([customer.pk, other.pk]) == 1
    customer.refresh_from_db()
    other.refresh_from_db()
    assert (customer.last_purchase_on, other.last_purchase_on) == (date(2026, 3, 6), None)
    assert refresh_last_purchases() == 0
    Order.objects.filter(number__in=("S1", "S2")).update(status="cancelled")
    assert refresh_last_purchases([customer.pk]) == 1
    customer.refresh_from_db()
    assert customer.last_purchase_on is None


# Lists


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["S3", "S2", "S1"]),
        ("number=s1", ["S1"]),
        ("customer=海河", ["S2", "S1"]),
        ("status=returned", ["S2"]),
        ("ordered_from=2026-03-06", ["S3", "S2"]),
        ("ordered_to=2026-03-05", ["S1"]),
        ("ordered_from=2026-03-06&ordered_to=2026-03-06", ["S2"]),
        ("product=变送器", ["S1"]),
        ("product=P-77", ["S2"]),
        ("sort=total", ["S2", "S1", "S3"]),
        ("customer=没有", []),
    ],
)
def test_the_list_filters_by_all_conditions(query, expected, company, customer, sign_in):
    other = factories.CustomerFactory(name="渤海泵业", manager=company.colleague)
    product = Product.objects.create(number="P-1", name="压力变送器", model="EJA", batch="A")
    first = order(customer, "S1", at(2026, 3, 5, 15, 59, 59), total="50")
    second = order(customer, "S2", at(2026, 3, 5, 16), status="returned", total="-20")
    order(other, "S3", at(2026, 4, 1), total="70")
    line(first, 1, 1, 50, product)
    line(first, 2, 1, 1, product)
    line(second, 1, -1, 20, product_number="P-77")
    assert numbers(page_of(sign_in(company.supervisor).get(f"{LIST}?{query}"))) == expected


def test_orders_are_seen_with_their_customer_only(company, customer, sign_in):
    made = order(customer)
    for name, count in (("manager", 1), ("colleague", 1), ("executive", 1), ("stranger", 0), ("administrator", 0)):
        person = factories.fresh(getattr(company, name))
        assert (name, Order.objects.visible_to(person).count()) == (name, count)
    stranger = sign_in(company.stranger)
    assert stranger.get(made.get_absolute_url()).status_code == 404
    assert stranger.get(f"/customers/{customer.pk}/orders/").status_code == 404
    assert numbers(page_of(stranger.get(LIST))) == []
    assert sign_in(company.nobody).get(LIST).status_code == 403


def test_an_order_under_another_customer_is_not_found(company, customer, sign_in):
    made = order(customer)
    other = factories.CustomerFactory(name="另一家", manager=company.manager)
    assert sign_in(company.manager).get(f"/customers/{other.pk}/orders/{made.pk}/").status_code == 404


def test_one_customers_list_holds_its_orders(company, customer, sign_in):
    order(customer)
    order(factories.CustomerFactory(name="另一家", manager=company.manager), "S2")
    assert numbers(page_of(sign_in(company.manager).get(f"/customers/{customer.pk}/orders/"))) == ["S1"]


def test_one_order_shows_its_lines_and_the_exact_total(company, customer, sign_in):
    FeedPosition.objects.create(table="orders", synced_at=timezone.now())
    FeedPosition.objects.create(table="order_lines", synced_at=timezone.now() - timedelta(days=3))
    product = Product.objects.create(number="P-1", name="压力变送器", model="EJA", batch="A")
    made = order(customer, total="15.305", address="天津港 3 号库")
    line(made, 1, "6", "2.5500", product)
    line(made, 2, "1", "0.0050", product_number="X-9")
    html = page_of(sign_in(company.manager).get(made.get_absolute_url()))
    for text in (
        "压力变送器-EJA-A",
        "2.55",
        "15.30",
        "X-9",
        "产品未知",
        "0.005",
        "15.31",
        "天津港 3 号库",
        "已较久没有同步",
    ):
        assert text in html


def test_a_long_order_shows_the_first_lines_and_says_so(company, customer, sign_in):
    made = order(customer)
    OrderLine.objects.bulk_create(
        OrderLine(order=made, line_number=n, quantity=1, unit_price=1, product_number=f"P{n}") for n in range(1, 1201)
    )
    html = page_of(sign_in(company.manager).get(made.get_absolute_url()))
    assert "只显示前 500 行，合计包括全部 1200 行" in html
    names = [cell.removesuffix("产品未知") for cell in texts(html, "table.tbl tbody td.m-t")]
    assert names == [f"P{n}" for n in range(1, 501)]


@pytest.mark.parametrize("count", [3, 60])
def test_the_list_takes_few_queries_however_many_orders(
    count, company, customer, sign_in, django_assert_max_num_queries
):
    for number in range(count):
        order(customer, f"S{number}")
    client = sign_in(company.supervisor)
    client.get(LIST)
    with django_assert_max_num_queries(10):
        page_of(client.get(f"{LIST}?page_size=100"))


def test_an_export_has_all_decimals(company, customer, sign_in):
    order(customer, total="0.0002331")
    body = export(sign_in(company.manager), LIST).content.decode("utf-8-sig")
    assert "0.0002331" in body


# The card


def test_the_card_adds_up_what_counts(company, customer):
    today = timezone.localdate()
    noon = timezone.make_aware(datetime(today.year, today.month, 1, 12))
    order(customer, "S1", noon, total="100.005")
    order(customer, "S2", noon, status="returned", total="-30")
    order(customer, "S3", noon, status="cancelled", total="999")
    order(customer, "S4", at(2010, 1, 1), status="unpaid", total="7")
    card = orders_card(customer, factories.fresh(company.manager))
    assert (card["total"], card["this_year"], card["count"]) == (Decimal("77.005"), Decimal("70.005"), 3)
    assert [made.number for made in card["newest"]][-1] == "S4"
    assert [bar.total <= 0 for bar in card["bars"]] == [True] * 17 + [False]
    assert orders_card(customer, company.nobody) is None


def test_months_are_counted_back_over_the_year():
    assert [month_start_before(date(2026, 2, 28), back) for back in (0, 1, 2, 14)] == [
        date(2026, 2, 1),
        date(2026, 1, 1),
        date(2025, 12, 1),
        date(2024, 12, 1),
    ]


def test_bars_stay_inside_their_drawing():
    last = date(2026, 2, 5)
    for values in ([], [Decimal(-5), Decimal(10)], [Decimal("0.01"), Decimal(10**9)]):
        drawn = build_bars({month_start_before(last, back): value for back, value in enumerate(values)}, last)
        assert len(drawn) == SPARKLINE_MONTHS
        assert all(bar.y >= 0 and bar.y + bar.height <= 72.1 and bar.x + 13 <= 281 for bar in drawn)
        assert all(bar.height == 2 for bar in drawn if bar.total <= 0)


def test_the_card_stands_on_the_customers_page(company, customer, sign_in):
    order(customer, when=timezone.now())
    html = page_of(sign_in(company.manager).get(customer.get_absolute_url()))
    assert "订单趋势" in html
    assert "最近订单" in html
    assert Customer.objects.visible_to(company.manager).exists()


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="its own query plans")
def test_the_newest_page_is_read_from_an_index(company, customer):
    Order.objects.bulk_create(
        Order(customer=customer, number=f"S{n}", ordered_at=at(2020, 1, 1) + timedelta(hours=n), status="paid")
        for n in range(20_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    rows = Order.objects.visible_to(factories.fresh(company.executive)).order_by("-ordered_at", "-pk")[:20]
    assert "customers_order_newest" in rows.explain()
