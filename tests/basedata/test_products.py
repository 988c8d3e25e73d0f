"""产品信息查询 and 库存数据查询: what the sales system owns, shown and never written."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from basedata.models import FeedPosition, Product, StockRecord
from kit.audit.models import AuditEntry
from kit.domain.money import format_exact
from tests import factories
from tests.exports import export
from tests.html import find, find_all, markup, text, texts, urls

pytestmark = pytest.mark.django_db

PRODUCTS = "/basedata/products/"
STOCK = "/basedata/stock/"


@pytest.fixture
def products(company):
    Product.objects.bulk_create(
        Product(number=number, name=name, model=model, batch=batch, unit="台", unit_price=price, is_discontinued=gone)
        for number, name, model, batch, price, gone in (
            ("P-003", "压力变送器", "3051", "一级", Decimal("1280.5"), False),
            ("P-001", "电磁流量计", "EMF-80", "2025-11", Decimal("0.0015"), False),
            ("P-002", "压力表", "Y-100", "", None, True),
        )
    )
    return {product.number: product for product in Product.objects.all()}


@pytest.fixture
def stock(products):
    StockRecord.objects.bulk_create(
        StockRecord(product=products[number], warehouse=house, location=place, quantity=quantity, note=note)
        for number, house, place, quantity, note in (
            ("P-003", "青岛仓", "A-01", Decimal("12"), ""),
            ("P-003", "北京仓", "", Decimal("0.125"), "待检"),
            ("P-001", "青岛仓", "B-02", Decimal("1500.5"), ""),
        )
    )


@pytest.fixture
def manager(company, sign_in):
    return sign_in(company.manager)


def cells(page, label):
    """Return the cells of one column."""
    return texts(page, f'table.tbl td[data-l="{label}"]')


def titles(page):
    return texts(page, "table.tbl td.m-t")


def heads(page):
    return texts(page, "table.tbl th")


# Figures


@pytest.mark.parametrize(
    ("figure", "places", "shown"),
    [
        ("0.0015", 2, "0.0015"),
        ("1280.5000", 2, "1,280.50"),
        ("12", 2, "12.00"),
        ("12.3456", 2, "12.3456"),
        ("9999999999.9999", 2, "9,999,999,999.9999"),
        ("0", 2, "0.00"),
        ("12.000", 0, "12"),
        ("0.125", 0, "0.125"),
        ("1500.500", 0, "1,500.5"),
        ("100", 0, "100"),
        ("1E+3", 0, "1,000"),
        ("-3.50", 0, "−3.5"),
    ],
)
def test_a_figure_is_shown_with_every_decimal_that_matters(figure, places, shown):
    assert format_exact(Decimal(figure), places) == shown


def test_no_figure_is_a_dash():
    assert format_exact(None, 2) == "—"


@hypothesis_settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.decimals(-(10**9), 10**9, places=4), st.integers(0, 4))
def test_what_is_shown_is_the_very_figure(figure, places):
    shown = format_exact(figure, places)
    assert Decimal(shown.replace(",", "").replace("−", "-")) == figure
    assert len(shown.partition(".")[2]) >= places


# Products


def test_the_columns_of_products_are_those_of_the_specification(products, manager):
    assert heads(manager.get(PRODUCTS)) == [
        "编号", "名称", "型号", "等级/批次", "单位", "单价（元）", "备注", "操作",
    ]  # fmt: skip


def test_prices_keep_their_decimals(products, manager):
    assert cells(manager.get(PRODUCTS), "单价（元）") == ["0.0015", "—", "1,280.50"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["P-001", "P-002", "P-003"]),
        ({"name": "压力"}, ["P-002", "P-003"]),
        ({"name": "力"}, ["P-002", "P-003"]),
        ({"model": "y-1"}, ["P-002"]),
        ({"batch": "2025"}, ["P-001"]),
        ({"name": "压力", "batch": "一级"}, ["P-003"]),
        ({"name": "没有"}, []),
        ({"sort": "-number"}, ["P-003", "P-002", "P-001"]),
        ({"sort": "model"}, ["P-003", "P-001", "P-002"]),
        ({"sort": "-unit_price", "name": "e"}, []),
        ({"sort": "note"}, ["P-001", "P-002", "P-003"]),
    ],
)
def test_products_are_filtered_and_sorted(query, expected, products, manager):
    assert cells(manager.get(PRODUCTS, query), "编号") == expected


def test_a_discontinued_product_stays_and_says_so(products, manager):
    page = manager.get(PRODUCTS, {"name": "压力表"})
    assert titles(page) == ["压力表 已下架"]
    assert texts(page, "span.st.sq") == ["已下架"]
    assert "已下架" not in text(find(manager.get(PRODUCTS, {"name": "流量计"}), "table.tbl"))


def test_a_product_leads_to_its_stock_and_back(stock, manager, products):
    assert f"{STOCK}?product=P-003" in urls(manager.get(PRODUCTS, {"name": "变送器"}), "table.tbl a")
    page = manager.get(f"{STOCK}?product=P-003")
    assert len(cells(page, "仓库")) == 2
    back = products["P-003"].get_absolute_url()
    assert back == f"{PRODUCTS}?name={quote('压力变送器')}&model=3051&batch={quote('一级')}"
    assert cells(manager.get(back), "编号") == ["P-003"]
    assert urls(page, "table.tbl a").count(back) == 2


# Stock


def test_the_columns_of_stock_are_those_of_the_specification(stock, manager):
    assert heads(manager.get(STOCK)) == ["序号", "产品", "仓库", "货位", "件数", "备注", "操作"]


def test_a_row_of_stock_names_product_place_and_quantity(stock, manager):
    page = manager.get(STOCK)
    assert titles(page) == ["电磁流量计-EMF-80-2025-11", "压力变送器-3051-一级", "压力变送器-3051-一级"]
    assert cells(page, "仓库") == ["青岛仓", "青岛仓", "北京仓"]
    assert cells(page, "货位") == ["B-02", "A-01", "—"]
    assert cells(page, "件数") == ["1,500.5", "12", "0.125"]
    assert cells(page, "备注") == ["—", "—", "待检"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"product": "变送"}, ["12", "0.125"]),
        ({"product": "emf"}, ["1,500.5"]),
        ({"product": "p-001"}, ["1,500.5"]),
        ({"warehouse": "青岛"}, ["1,500.5", "12"]),
        ({"product": "变送器", "warehouse": "北京"}, ["0.125"]),
        ({"product": "没有"}, []),
        ({"sort": "quantity"}, ["0.125", "12", "1,500.5"]),
        ({"sort": "-quantity"}, ["1,500.5", "12", "0.125"]),
    ],
)
def test_stock_is_filtered_and_sorted(query, expected, stock, manager):
    assert cells(manager.get(STOCK, query), "件数") == expected


# Both


BOTH = pytest.mark.parametrize("address", [PRODUCTS, STOCK])


@BOTH
@pytest.mark.parametrize("person", ["administrator", "supervisor", "manager", "executive"])
def test_every_role_looks_products_and_stock_up(address, person, company, sign_in, stock):
    client = sign_in(getattr(company, person))
    assert "压力变送器" in text(client.get(address))
    assert address in urls(client.get("/"), ".side nav a")


@BOTH
def test_without_the_right_there_is_nothing(address, company, sign_in, stock):
    client = sign_in(company.nobody)
    assert client.get(address).status_code == 403
    assert export(client, address).status_code == 403


def test_who_may_see_products_only_gets_no_way_to_the_stock(company, sign_in, stock):
    role = company.manager.groups.get()
    role.permissions.remove(role.permissions.get(codename="view_stockrecord"))
    client = sign_in(factories.fresh(company.manager))
    assert STOCK not in markup(client.get(PRODUCTS))
    assert client.get(STOCK).status_code == 403


@BOTH
def test_nothing_is_written_by_post(address, manager, stock):
    assert manager.post(address, {"name": "x"}).status_code == 405


@BOTH
@pytest.mark.parametrize("value", ["x" * 100_000, "长" * 101])
def test_an_overlong_filter_is_a_message(address, value, manager, stock):
    response = manager.get(address, {"name": value, "product": value})
    assert response.status_code == 200
    assert "100" in " ".join(error for errors in response.context["filter_form"].errors.values() for error in errors)
    assert titles(response) == []


@BOTH
def test_a_control_character_in_a_filter_is_a_page_that_says_so(address, manager, stock):
    response = manager.get(f"{address}?name=%00&product=%00")
    assert response.status_code == 400
    assert "控制字符" in text(response)


@BOTH
def test_signs_of_the_database_are_searched_as_text(address, manager, stock):
    for value in ("%", "_", "'", '"', "\\"):
        response = manager.get(address, {"name": value, "product": value})
        assert response.status_code == 200
        assert titles(response) == []


@BOTH
def test_the_empty_list_says_where_the_rows_come_from(address, manager):
    html = text(manager.get(address))
    assert "查无记录" in html
    assert "来自销售系统" in html
    assert "还没有从销售系统同步过数据" in html


def test_the_head_says_how_old_the_data_is(manager, stock):
    now = timezone.now().replace(microsecond=0)
    FeedPosition.objects.create(table="products", synced_at=now - timedelta(hours=30))
    FeedPosition.objects.create(table="storage", synced_at=now - timedelta(hours=1))
    FeedPosition.objects.create(table="orders", synced_at=now - timedelta(days=300))
    said = f"数据截至 {timezone.localtime(now - timedelta(hours=30)):%Y年%-m月%-d日 %H:%M}"
    for address in (PRODUCTS, STOCK):  # a row of stock names its product, so the older of both counts
        page = manager.get(address)
        assert texts(page, "p.as-of") == [said]
        assert find_all(page, ".stale") == []


@BOTH
def test_old_data_is_an_amber_line(address, manager, stock, settings):
    settings.CRM_SYNC_STALE_DAYS = 2
    for table in ("products", "storage"):
        FeedPosition.objects.create(table=table, synced_at=timezone.now() - timedelta(days=3))
    assert "数据截至" in text(find(manager.get(address), "p.as-of.stale"))


@BOTH
@pytest.mark.parametrize("rows", [1, 60])
def test_the_lists_take_the_same_few_queries_with_many_rows(address, rows, manager, django_assert_max_num_queries):
    made = Product.objects.bulk_create(Product(number=f"N{n:03}", name=f"产品{n}") for n in range(rows))
    StockRecord.objects.bulk_create(StockRecord(product=product, warehouse="一", quantity=1) for product in made)
    manager.get(address)
    with django_assert_max_num_queries(10):
        page = manager.get(address, {"page_size": "100"})
    assert len(titles(page)) == rows


# Export


def test_an_export_of_products_holds_the_filtered_rows_exactly(products, manager, company):
    response = export(manager, PRODUCTS, "csv", name="流量")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows == [
        ["编号", "名称", "型号", "等级/批次", "单位", "单价（元）", "备注", "已下架"],
        ["P-001", "电磁流量计", "EMF-80", "2025-11", "台", "0.0015", "", "否"],
    ]
    row = AuditEntry.objects.latest("pk")
    assert (row.actor, row.verb, row.object_text) == (company.manager, "导出", "产品信息查询")


def test_an_export_opens_as_a_workbook_with_numbers(stock, manager):
    response = export(manager, STOCK, "xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()
    assert rows[0] == ["序号", "产品", "仓库", "货位", "件数", "备注"]
    assert sorted(row[4] for row in rows[1:]) == [0.125, 12, 1500.5]
    assert rows[1][1] == "电磁流量计-EMF-80-2025-11"


@BOTH
def test_an_export_is_refused_without_the_permission(address, company, sign_in, stock):
    role = company.manager.groups.get()
    role.permissions.remove(role.permissions.get(codename="export_product"))
    client = sign_in(factories.fresh(company.manager))
    assert export(client, address).status_code == 403
    assert find_all(client.get(address), "[name=export]") == []
