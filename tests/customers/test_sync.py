"""The mirror of the sales system: what comes in, what is refused, and that running again changes nothing."""

from __future__ import annotations

import csv
import gzip
import io
import os
import sqlite3
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from basedata.models import Product, StockRecord, SyncRun
from customers.models import Order, OrderLine, ParkedOrder, RevenueYear, TimelineEntry, refresh_revenue
from customers.sync.engine import SyncBusy, open_run, sync
from customers.sync.sources import SourceRefused, mask_location
from tests import factories
from tests.customers.feeds import FEED, HEADS, put, reasons

pytestmark = pytest.mark.django_db


def test_a_folder_comes_in_exactly(customer, feed):
    run = sync(feed)
    order = Order.objects.get()
    assert order.total == Decimal("1.125") * Decimal("2.3333") + 20
    assert order.customer == customer
    assert [(line.product_number, line.product_id is None) for line in order.lines.all()] == [
        ("P1", False),
        ("PX", True),
    ]
    assert timezone.localtime(order.ordered_at).isoformat() == "2026-01-02T07:30:00+08:00"
    assert StockRecord.objects.get().quantity == Decimal("5.125")
    customer.refresh_from_db()
    assert customer.last_purchase_on == date(2026, 1, 2)
    assert TimelineEntry.objects.get(kind="order").url == f"/customers/{customer.pk}/orders/{order.pk}/"
    assert run.status == "done"
    assert (run.counts["orders"]["added"], run.counts["orders"]["parked"]) == (1, 1)
    assert ParkedOrder.objects.get().customer_key == "C9"


def test_running_again_changes_nothing(customer, feed):
    sync(feed)
    before = list(OrderLine.objects.order_by("pk").values_list("pk", flat=True))
    counts = sync(feed).counts
    assert [counts[table]["unchanged"] for table in ("products", "storage", "orders")] == [2, 1, 1]
    assert list(OrderLine.objects.order_by("pk").values_list("pk", flat=True)) == before
    assert TimelineEntry.objects.filter(kind="order").count() == 1


def test_a_changed_order_replaces_its_lines(customer, feed):
    sync(feed)
    put(Path(feed), orders=["D1,C1,2026-01-05,北京,退货,2026-02-01"], order_lines=["D1,3,P1,-1,件,5"])
    run = sync(feed)
    order = Order.objects.get()
    assert (order.total, order.status, order.lines.get().line_number) == (Decimal(-5), "returned", 3)
    customer.refresh_from_db()
    assert customer.last_purchase_on is None
    assert TimelineEntry.objects.filter(kind="order").count() == 1
    assert run.counts["orders"]["changed"] == 1


def test_full_marks_what_is_missing_and_its_return_revives_it(customer, feed):
    sync(feed)
    others = put(Path(feed), products=FEED["products"][1:], storage=[], orders=FEED["orders"][1:],
                 order_lines=FEED["order_lines"][1:2])  # fmt: skip
    sync(others)
    assert Order.objects.get().status == "paid"  # not full: missing says nothing
    sync(others, full=True)
    assert Order.objects.get().status == "cancelled"
    assert Product.objects.get(number="P1").is_discontinued
    assert not StockRecord.objects.exists()
    sync(put(Path(feed), **FEED), full=True)
    assert Order.objects.get().status == "paid"
    assert not Product.objects.filter(is_discontinued=True).exists()


def test_a_parked_order_is_taken_up_by_the_next_run(customer, company, feed):
    sync(feed)
    factories.CustomerFactory(manager=company.manager, by=company.manager, external_number="C9")
    sync(feed)
    assert Order.objects.get(number="D2").total == 100
    assert not ParkedOrder.objects.exists()


def test_deleted_customers_are_unknown_and_our_own_number_matches(customer, company, feed):
    customer.deleted_at = timezone.now()
    customer.save(update_fields=["deleted_at"])
    other = factories.CustomerFactory(manager=company.manager, by=company.manager)
    put(Path(feed), orders=[FEED["orders"][0], f"D2,{other.number},2026-01-03,,unpaid,2026-01-03"])
    sync(feed)
    assert Order.objects.get().customer == other
    assert ParkedOrder.objects.get().number == "D1"


@pytest.mark.parametrize(
    ("table", "line", "reason"),
    [
        ("products", "P3,阀门,,,件,NaN,,", "单价「NaN」不是数字"),
        ("products", "P3,阀门,,,件,1.23456,,", "小数超过 4 位"),
        ("products", "P3,,,,件,1,,", "名称没有填写"),
        ("products", f"P3,{'长' * 201},,,件,1,,", "名称超过 200 个字"),
        ("storage", "P9,北京,,1,,", "没有这个产品编号"),
        ("storage", "P1,北京,,1.0001,,", "小数超过 3 位"),
        ("orders", "D1,C1,昨天,,已回款,2026-01-04", "日期「昨天」不是日期"),
        ("orders", "D1,C1,2026-01-04,,已发货,2026-01-04", "状态「已发货」不认识"),
        ("order_lines", "D1,1,P1,1,件,1", "行号 1 重复"),
        ("order_lines", "D7,1,P1,1,件,1", "没有这张订单"),
        ("order_lines", "D1,9,P1,一,件,1", "数量「一」不是数字"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_stops_nothing(customer, feed, table, line, reason):
    put(Path(feed), **{table: [line, *FEED[table]]})
    run = sync(feed)
    assert reason in reasons(run)
    assert run.counts[table]["refused"] == 1
    assert run.status == "done"
    assert Product.objects.filter(number="P1").exists()


def test_an_order_with_a_bad_line_is_refused_whole(customer, feed):
    put(Path(feed), order_lines=[*FEED["order_lines"], "D1,9,P1,1.00001,件,1"])
    assert "订单行第 5 行不合格" in reasons(sync(feed))
    assert not Order.objects.exists()
    put(Path(feed), **FEED)
    sync(feed)
    assert Order.objects.get().lines.count() == 2


def test_gzip_and_missing_files(customer, feed):
    folder = Path(feed)
    content = (folder / "products.csv").read_bytes()
    (folder / "products.csv").unlink()
    (folder / "products.csv.gz").write_bytes(gzip.compress(content))
    (folder / "storage.csv").unlink()
    run = sync(feed)
    assert Product.objects.count() == 2
    assert "没有库存" in run.message


def test_one_at_a_time_and_a_silent_run_is_taken_over(feed):
    run = open_run("x", full=False, by=None)
    with pytest.raises(SyncBusy):
        sync(feed)
    SyncRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=3))
    sync(feed)
    run.refresh_from_db()
    assert run.status == "failed"


def test_credentials_are_never_shown(caplog):
    address = "postgres://user:geheim@127.0.0.1:1/nowhere"
    assert mask_location(address) == "postgres://127.0.0.1:1/nowhere"
    with pytest.raises(CommandError) as raised:
        call_command("sync_sales", address)
    assert "geheim" not in str(raised.value) + caplog.text
    assert raised.value.__cause__ is None
    assert not SyncRun.objects.exists()


def views(execute, prefix: str = "") -> None:
    for view, table in (("vi_product", "products"), ("vi_storage", "storage"), ("vi_orders", "orders"),
                        ("vi_orders_line", "order_lines")):  # fmt: skip
        rows = list(csv.reader(io.StringIO("\n".join([HEADS[table], *FEED[table]]))))
        columns = ", ".join(f'"{name}" text' for name in rows[0])
        execute(f"CREATE TABLE {prefix}t_{table} ({columns})", ())
        for row in rows[1:]:
            values = ", ".join("'" + cell + "'" for cell in row)
            execute(f"INSERT INTO {prefix}t_{table} VALUES ({values})", ())
        execute(f"CREATE VIEW {prefix}{view} AS SELECT * FROM {prefix}t_{table}", ())


def test_a_sqlite_database_is_read_and_only_read(customer, tmp_path):
    with sqlite3.connect(tmp_path / "sales.sqlite3") as database:
        views(database.execute)
    database.close()
    sync(f"sqlite:///{tmp_path}/sales.sqlite3")
    assert Order.objects.get().lines.count() == 2
    with pytest.raises(SourceRefused):
        sync(f"sqlite:///{tmp_path}/none.sqlite3")
    assert not (tmp_path / "none.sqlite3").exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_a_postgresql_database_is_read(customer):
    config = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA sales")
        try:
            views(lambda sql, values: cursor.execute(sql), "sales.")
            host = f"{config['HOST']}:{config['PORT'] or 5432}/{config['NAME']}"
            run = sync(f"postgres://{config['USER']}:x@{host}?options=-csearch_path%3Dsales")
            assert Order.objects.get().lines.count() == 2
            assert run.source == f"postgres://{host}"
        finally:
            cursor.execute("DROP SCHEMA sales CASCADE")


@pytest.mark.skipif(not os.environ.get("CRM_SALES_DATA"), reason="slow: set CRM_SALES_DATA to a folder")
def test_the_whole_feed_to_the_last_decimal(company):
    folder = Path(os.environ["CRM_SALES_DATA"])
    with gzip.open(folder / "customers.csv.gz", "rt", encoding="utf-8-sig") as stream:
        company.manager.is_active = True
        call_command("import_customers", folder / "customers.csv.gz", create_regions=True,
                     manager=company.manager.username)  # fmt: skip
        assert sum(1 for _ in csv.DictReader(stream))
    with gzip.open(folder / "order_lines.csv.gz", "rt", encoding="utf-8-sig") as stream:
        lines = [(Decimal(row["数量"]), Decimal(row["单价"])) for row in csv.DictReader(stream)]
    sync(str(folder))
    assert OrderLine.objects.count() == len(lines)
    assert sum(Order.objects.values_list("total", flat=True)) == sum(a * b for a, b in lines)
    assert OrderLine.objects.aggregate(all=Sum("quantity"))["all"] == sum(a for a, _ in lines)


# Signs


def returned(folder: Path, *quantities: str, status: str = "退货", at: str = "2026-03-01") -> str:
    """D1 bought for 1000, D3 with one line of 100 yuan for each of the quantities."""
    orders = ["D1,C1,2026-01-02,,已回款,2026-01-02", f"D3,C1,2026-02-02,,{status},{at}"]
    lines = [f"D3,{line},P1,{quantity},件,100" for line, quantity in enumerate(quantities, start=1)]
    return put(folder, orders=orders, order_lines=["D1,1,P1,10,件,100", *lines])


def revenue() -> Decimal:
    return sum(RevenueYear.objects.values_list("amount", flat=True), Decimal(0))


def test_a_return_of_positive_quantities_is_refused_and_counted(customer, tmp_path):
    run = sync(returned(tmp_path / "feed", "2", "0"))
    assert "退货订单的数量为正，应为负数，整张订单没有写入；" in reasons(run)
    assert "orders 3 D3" in reasons(run)
    assert run.message.endswith("1 张订单的正负与状态不符，没有写入")
    assert run.counts["orders"]["refused"] == 1
    assert revenue() == 1000
    sync(returned(tmp_path / "feed", "-2"))
    assert revenue() == 800


def test_a_feed_that_writes_returns_positive_has_their_sign_turned(customer, tmp_path, settings):
    settings.CRM_RETURNS_POSITIVE = True
    run = sync(returned(tmp_path / "feed", "2", "0"))
    assert "1 张退货订单的数量为正，已按设置「销售系统的退货写成正数」改为负数" in run.message
    assert run.counts["orders"]["turned"] == 1
    assert (Order.objects.get(number="D3").total, revenue()) == (-200, 800)
    assert OrderLine.objects.get(order__number="D3", line_number=1).quantity == -2
    sync(returned(tmp_path / "feed", "-3", at="2026-03-02"))  # one that is negative already stays so
    assert revenue() == 700
    run = sync(returned(tmp_path / "feed", "-3", "1", at="2026-03-03"))
    assert "退货订单的数量有正有负" in reasons(run)
    assert revenue() == 700


@pytest.mark.parametrize(("quantities", "taken"), [(("-1",), False), (("-1", "3"), True), (("0",), True)])
def test_a_sale_with_a_negative_sum_is_no_sale(customer, tmp_path, quantities, taken):
    run = sync(returned(tmp_path / "feed", *quantities, status="已回款"))
    assert Order.objects.filter(number="D3").exists() is taken
    assert ("为负，状态却不是退货" in reasons(run)) is not taken
    assert not Order.objects.of_wrong_sign().exists()


def test_a_wrong_sign_of_an_earlier_release_is_named_again_and_put_right(customer, tmp_path, settings):
    """The feed's row is the same as before: it says itself that it is unchanged."""
    feed = returned(tmp_path / "feed", "-2")
    sync(feed)
    Order.objects.filter(number="D3").update(total=200)
    refresh_revenue([customer.pk])
    returned(tmp_path / "feed", "2")
    assert "D3 退货订单的数量为正" in reasons(sync(feed))
    assert [order.number for order in Order.objects.of_wrong_sign()] == ["D3"]
    settings.CRM_RETURNS_POSITIVE = True
    sync(feed)
    assert revenue() == 800
    assert sync(feed).counts["orders"]["unchanged"] == 2


@pytest.mark.parametrize("positive", [False, True])
def test_a_parked_return_is_taken_up_with_the_right_sign_or_stays(customer, tmp_path, settings, positive):
    content = {
        "number": "S1", "customer_number": "C1", "ordered_at": "2026-01-05T02:00:00+00:00", "address": "",
        "status": "returned", "changed_at": None,
        "lines": [{"line_number": 1, "product_number": "P1", "quantity": "1", "unit": "件", "unit_price": "5"}],
    }  # fmt: skip
    ParkedOrder.objects.create(number="S1", customer_key="C1", status="returned", content=content)
    settings.CRM_RETURNS_POSITIVE = positive
    sync(put(tmp_path / "feed", **FEED))
    assert list(Order.objects.filter(number="S1").values_list("total", flat=True)) == ([-5] if positive else [])
    assert ParkedOrder.objects.filter(number="S1").exists() is not positive
