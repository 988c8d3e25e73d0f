"""The rollup of revenue says what the orders say: after random feeds, transfers and withdrawals, on exact values."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Notification
from customers.models import Customer, Order, Ownership, RevenueChange, RevenueYear, refresh_revenue, transfer_customers
from customers.orders.rollups import delete_old_changes, describe_differences, revenue_version
from customers.rollup_tasks import check_nightly
from customers.sync.engine import sync
from customers.sync.matching import match_customer
from kit.audit.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
COUNTED = ("unpaid", "paid", "returned")
NEW_YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)  # midnight in Shanghai


def by_hand() -> dict[tuple[int, int, int], tuple[int, Decimal]]:
    """{(customer, Shanghai year, owner): (orders, amount)} in plain Python."""
    history = defaultdict(list)
    for customer, since, pk, manager in Ownership.objects.values_list("customer", "since", "pk", "manager"):
        history[customer].append((since, pk, manager))
    found: dict = defaultdict(lambda: [0, Decimal(0)])
    for order in Order.objects.all():
        if order.status not in COUNTED:
            continue
        owners = sorted(history[order.customer_id])
        known = [manager for since, _, manager in owners if since <= order.ordered_at]
        row = found[order.customer_id, order.ordered_at.astimezone(SHANGHAI).year, (known or [owners[0][2]])[-1]]
        row[0] += 1
        row[1] += sum((line.quantity * line.unit_price for line in order.lines.all()), Decimal(0))
    return {key: tuple(value) for key, value in found.items()}


def kept() -> dict[tuple[int, int, int], tuple[int, Decimal]]:
    rows = RevenueYear.objects.values_list("customer", "year", "manager", "orders", "amount")
    return {row[:3]: row[3:] for row in rows}


@pytest.fixture
def customers(company):
    made = []
    for number in range(3):
        one = factories.CustomerFactory(manager=company.manager, external_number=f"C{number}")
        Ownership.objects.filter(customer=one).update(since=NEW_YEAR - timedelta(days=200 * number))
        made.append(one)
    return made


LINES = st.tuples(st.integers(-5000, 5000), st.integers(0, 10**7))  # thousandths; ten-thousandths of yuan
ORDERS = st.lists(
    st.tuples(
        st.integers(0, 12),  # the order's number: some come again, changed
        st.integers(0, 3),  # its customer; 3 is unknown
        st.integers(-400 * 86400, 400 * 86400),  # seconds from the turn of the year
        st.sampled_from(["未回款", "已回款", "退货", "已取消"]),
        st.lists(LINES, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=15,
)


def feed(folder, orders, turn):
    """Writes the orders as a folder of the sales system; several of one number: the last one counts."""
    last = {f"S{order[0]}": order for order in orders}
    with (folder / "orders.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["订单编号", "客户编号", "日期", "送货地址", "状态", "changed_at"])
        for number, (_, customer, seconds, status, _) in last.items():
            at = (NEW_YEAR + timedelta(seconds=seconds)).astimezone(SHANGHAI)
            moment = datetime(2026, 6, 1) + timedelta(minutes=turn)
            rows.writerow([number, f"C{customer}", f"{at:%Y-%m-%d %H:%M:%S}", "", status, moment])
    with (folder / "order_lines.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["订单编号", "行号", "产品编号", "数量", "单位", "单价"])
        for number, (*_, lines) in last.items():
            for line, (quantity, price) in enumerate(lines, start=1):
                rows.writerow([number, line, "P", Decimal(quantity) / 1000, "件", Decimal(price) / 10000])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(feeds=st.lists(ORDERS, min_size=1, max_size=3), moved=st.integers(0, 2), matched=st.booleans())
def test_the_rollup_says_what_the_orders_say(feeds, moved, matched, customers, company, tmp_path):
    """Feeds with new, changed and vanished orders, a transfer between them, a customer found later."""
    with transaction.atomic():
        for turn, orders in enumerate(feeds):
            feed(tmp_path, orders, turn)
            sync(str(tmp_path), full=turn == 2)
            assert kept() == by_hand()
            if turn == 0:
                moving = list(Customer.objects.filter(pk=customers[moved].pk).select_related("manager"))
                transfer_customers(moving, company.colleague, by=company.supervisor, reason="调整")
                Ownership.objects.filter(customer=customers[moved], until=None).update(since=NEW_YEAR)  # backdated
                refresh_revenue([customers[moved].pk])
                assert kept() == by_hand()
        if matched:
            match_customer(factories.CustomerFactory(manager=company.eastern), "C3", by=company.administrator)
        assert kept() == by_hand()
        assert describe_differences() == []
        assert refresh_revenue() == 0
        transaction.set_rollback(True)


def test_control_the_comparison_sees_a_wrong_rollup(customers):
    factories.order(customers[0], ordered_at=NEW_YEAR)
    RevenueYear.objects.update(orders=2)
    assert kept() != by_hand()
    assert describe_differences() == [f"客户 {customers[0].pk}，2026 年：订单 1 张 12800.5 元，汇总 2 张 12800.5 元"]


def test_the_last_second_of_the_year_in_shanghai_belongs_to_the_old_year(customers):
    factories.order(customers[0], number="S1", ordered_at=NEW_YEAR - timedelta(seconds=1))  # 15:59:59 UTC
    factories.order(customers[0], number="S2", ordered_at=NEW_YEAR)
    assert list(RevenueYear.objects.order_by("year").values_list("year", "orders")) == [(2025, 1), (2026, 1)]


def test_orders_to_come_go_with_a_transferred_customer(customers, company):
    """Clocks of sales systems may go ahead; what they date later is the new 客户经理's."""
    factories.order(customers[0], number="S1", ordered_at=timezone.now() + timedelta(hours=20))
    assert RevenueYear.objects.get().manager == company.manager
    customers[0].transfer(company.colleague, by=company.supervisor, reason="调整")
    assert RevenueYear.objects.get().manager == company.colleague


def test_an_amount_with_more_digits_than_a_float_is_kept_exactly(customers):
    """Two orders whose sum no float can hold; SQLite keeps the rollup as text."""
    for number, total in (("S1", "12345678901.1234"), ("S2", "0.0000001")):
        made = factories.order(customers[0], number=number, ordered_at=NEW_YEAR)
        Order.objects.filter(pk=made.pk).update(total=Decimal(total))
    refresh_revenue()
    assert RevenueYear.objects.get().amount == Decimal("12345678901.1234001")


def test_the_version_changes_with_every_change_and_only_then(customers, company):
    first = revenue_version()
    factories.order(customers[0])
    second = revenue_version()
    assert second not in (first, None)
    assert revenue_version() == second
    customers[0].transfer(company.colleague, by=company.supervisor, reason="调整")
    assert revenue_version() != second
    RevenueChange.objects.update(at=NEW_YEAR)
    newest = revenue_version()
    assert delete_old_changes() == f"清除 {newest[1] - 1} 行"
    assert RevenueChange.objects.get().key == UUID(str(newest[0]))


def test_the_nightly_check_reports_a_difference_and_puts_it_right(customers, company):
    factories.order(customers[0])
    assert check_nightly() == "汇总与订单一致"
    assert not AuditEntry.objects.filter(verb="自检").exists()
    RevenueYear.objects.update(amount=Decimal(1))
    with pytest.raises(CommandError, match=r"12800\.5"):
        call_command("rebuild_rollups", check=True)
    assert "1 处不一致" in check_nightly()
    assert "12800.5" in AuditEntry.objects.get(verb="自检").changes["差异"][1]
    assert "不一致" in Notification.objects.get(recipient=company.administrator).text
    assert kept() == by_hand()


def test_the_first_night_fills_an_empty_rollup_without_an_alarm(customers, capsys):
    factories.order(customers[0])
    RevenueYear.objects.all().delete()
    assert check_nightly() == "已按订单重建，更正 1 行。"
    assert kept() == by_hand()
    call_command("rebuild_rollups")
    call_command("rebuild_rollups", check=True)
    assert capsys.readouterr().out == (
        "已按订单重建，更正 0 行。\n已重新计算客户指标，更正 3 个客户。\n汇总与订单一致。\n"
    )
