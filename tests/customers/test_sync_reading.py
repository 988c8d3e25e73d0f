"""The mirror reads its files with the reader of imports: refused or named, and never changed."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from django.core.management import call_command
from django.utils import timezone
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from basedata.models import Product, SyncRun
from customers.models import Order, ParkedOrder
from customers.sync import jobs
from customers.sync.engine import sync
from customers.sync.matching import MatchRefused, match_customer
from kit.domain.shortened_numbers import SHORTENED_REFUSED
from kit.jobs.models import Job
from tests import factories
from tests.customers.feeds import FEED, HEADS, put, reasons

pytestmark = pytest.mark.django_db


def put_book(folder, name, rows, prepare=lambda book: None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    prepare(book)
    (Path(folder) / f"{name}.csv").unlink(missing_ok=True)
    book.save(Path(folder) / f"{name}.xlsx")


@pytest.mark.parametrize(
    ("table", "line", "label"),
    [
        ("products", "6.22848E+18,阀门,A,1,件,2.5,,", "产品编号「6.22848E+18」"),
        ("products", "P3,阀门,A,2.02E+07,件,2.5,,", "批次「2.02E+07」"),
        ("storage", "1.38E+10,北京,1-1,5,,", "产品编号"),
        ("orders", "2.02403E+11,C1,2026-01-04,,已回款,2026-01-04", "订单编号"),
        ("orders", "D9,1.38E+10,2026-01-04,,已回款,2026-01-04", "客户编号"),
        ("order_lines", "D1,9,1.38E+10,1,件,1", "产品编号"),
        ("order_lines", "D1,9,P1,1.38E+10,件,1", "数量「1.38E+10」"),
        ("products", "P3,阀门,A,1,件,1.38E+10,,", "单价「1.38E+10」"),
    ],
)
def test_shortened_numbers_are_refused_in_every_column_that_holds_one(customer, feed, table, line, label):
    put(Path(feed), **{table: [line, *FEED[table]]})
    run = sync(feed)
    assert label in reasons(run)
    assert SHORTENED_REFUSED in reasons(run)
    assert not Product.objects.filter(number__contains="E+").exists()


def test_error_values_refuse_the_row_and_with_a_line_the_order(customer, feed):
    put(Path(feed), products=["P3,#N/A,,,件,1,,", *FEED["products"]], order_lines=["D1,1,#REF!,1,件,1"])
    found = reasons(sync(feed))
    assert "名称「#N/A」：单元格里是表格软件的错误值" in found
    assert "订单行第 2 行不合格（产品编号「#REF!」：单元格里是" in found
    assert not Order.objects.exists()


def test_a_full_feed_removes_nothing_while_a_row_of_it_cannot_be_read(customer, feed):
    sync(feed)
    put(Path(feed), products=["1.38E+10,阀门,A,1,件,2.5,,"])
    run = sync(feed, full=True)
    assert not Product.objects.filter(is_discontinued=True).exists()
    assert "产品有读不出的行，这次没有下架或取消" in run.message


@pytest.mark.parametrize(
    ("text", "day"),
    [("202403", "2024-03-01"), ("2024.3.5", "2024-03-05"), ("45356", "2024-03-05"), ("2024年3月", "2024-03-01")],
)
def test_dates_of_orders_are_read_as_those_of_imports(customer, feed, text, day):
    put(Path(feed), orders=[f"D1,C1,{text},,已回款,"])
    run = sync(feed)
    assert f"{timezone.localtime(Order.objects.get().ordered_at):%Y-%m-%d}" == day
    assert run.notes == (["订单的日期只写了年月，按当月 1 日：第 2 行。"] if day.endswith("01") else [])


@pytest.mark.parametrize("text", ["99999", "05-3-24", "202413", "2124-03-05", "1900-01-01"])
def test_dates_that_are_none_are_refused_with_a_proposal(customer, feed, text):
    put(Path(feed), orders=[f"D1,C1,{text},,已回款,"])
    assert f"日期{text}" in re.sub("[「」 ]", "", reasons(sync(feed)))
    assert not Order.objects.exists()


def untidy(folder):
    def begin(book):
        book.epoch = CALENDAR_MAC_1904
        book.create_sheet("旧的", 0).append(["x"])
        book["旧的"].sheet_state = "hidden"
        book.active = 1

    rows = ["销售订单"], HEADS["orders"].split(","), ["D1", "C1", 43894, None, "已回款", None], ["合计", 1]
    put_book(folder, "orders", rows, begin)


NOTES = [
    "orders.xlsx：工作簿从 1904 年起计算日期，日期已按它换算。",
    "orders.xlsx：隐藏的工作表没有读取：「旧的」。",
    "orders.xlsx：表头上方的行没有读取：第 1 行「销售订单」。",
    "orders.xlsx：合计行没有读取：第 4 行「合计」「1」。",
]


def test_page_command_and_job_show_what_was_left_out(customer, company, feed, sign_in, settings):
    untidy(feed)
    out = io.StringIO()
    call_command("sync_sales", feed, stdout=out)
    run = SyncRun.objects.latest("pk")
    assert run.notes == NOTES
    assert f"{timezone.localtime(Order.objects.get().ordered_at):%Y-%m-%d}" == "2024-03-05"
    assert all(note in out.getvalue() for note in NOTES)
    html = sign_in(company.administrator).get(f"/customers/sync/{run.pk}/").text
    assert all(note in html for note in NOTES)
    settings.CRM_SYNC_SOURCE = feed
    job = Job.objects.create(kind="数据同步", owner=company.administrator)
    jobs.run(job)
    assert job.notes == NOTES


def test_merged_cells_stand_in_every_line_of_an_order(customer, feed):
    def merge(book):
        book.active.merge_cells("A2:A3")

    rows = HEADS["order_lines"].split(","), ["D1", 1, "P1", 2, "件", 10], [None, 2, "P1", 3, "件", 10]
    put_book(feed, "order_lines", rows, merge)
    run = sync(feed)
    assert Order.objects.get().total == Decimal(50)
    assert run.notes == ["order_lines.xlsx：合并的单元格已填入它的每一行：A2:A3 的「D1」填入第 3 行。"]


def test_a_shortened_key_that_was_kept_before_is_given_to_no_customer(company):
    someone = factories.CustomerFactory(manager=company.manager, by=company.manager)
    ParkedOrder.objects.create(number="D1", customer_key="1.38E+10", status="paid")
    with pytest.raises(MatchRefused, match="缩写"):
        match_customer(someone, "1.38E+10", by=company.administrator)
