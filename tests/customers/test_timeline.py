"""The timeline: its entries, and that its thousandth page costs as much as its first."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from customers.imports.importing import CustomerImport
from customers.models import Customer, TimelineEntry, add_timeline_entry
from customers.records.timeline_pages import format_position, parse_position, timeline_page
from kit.domain.days import midnight
from tests import factories
from tests.html import find_all, text, urls

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(manager=company.manager, by=company.manager)


def texts(customer):
    return list(customer.timeline.newest().values_list("text", flat=True))


def fill(customer, count):
    now = timezone.now()
    TimelineEntry.objects.bulk_create(
        TimelineEntry(customer=customer, at=now + timedelta(hours=number // 3), kind="order", text=f"第{number}条")
        for number in range(count)
    )


def test_a_customer_and_its_contacts_have_entries(company, customer):
    factories.ContactFactory._meta.model.create(by=company.manager, customer=customer, name="李工")
    assert texts(customer) == ["新增联系人 李工", "新建客户，客户经理 周经理"]


def test_a_won_opportunity_has_an_entry_with_its_url(company):
    won = factories.won(company.manager, company.supervisor, company.manager)
    assert set(texts(won.customer)) == {
        f"销售机会（编号 {won.pk}）开发成功",
        "新建客户，客户经理 周经理",
        "新增联系人 高峰",
    }
    assert won.customer.timeline.get(kind="opportunity").url == won.get_absolute_url()


def test_an_import_tells_of_all_its_customers_at_once(company, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("名称\n甲厂\n乙厂\n丙厂\n")
    load = CustomerImport(manager=company.manager)
    load.read(file)
    load.write()
    assert {customer.name: texts(customer) for customer in Customer.objects.all()} == {
        "甲厂": ["导入客户"],
        "乙厂": ["导入客户"],
        "丙厂": ["导入客户"],
    }


def test_an_entry_with_a_url_is_there_once(customer):
    with transaction.atomic():
        for text in ("旧", "新"):
            add_timeline_entry(customer, TimelineEntry.Kind.ORDER, text, url="/customers/1/orders/2/")
        add_timeline_entry(customer, TimelineEntry.Kind.ORDER, "无链接")
        add_timeline_entry(customer, TimelineEntry.Kind.ORDER, "无链接")
    assert sorted(texts(customer)) == ["新", "新建客户，客户经理 周经理", "无链接", "无链接"]


def test_pages_follow_each_other_without_a_gap_or_a_double(customer, company, sign_in):
    fill(customer, 70)
    manager = sign_in(company.manager)
    entries, address = [], f"/customers/{customer.pk}/timeline/"
    while address:
        page = manager.get(address, headers=HTMX)
        assert find_all(page, "html, body") == []
        entries += re.findall(r"第\d+条", text(page))
        following = [more.get("hx-get") for more in find_all(page, "a[hx-get]")]
        assert len(following) <= 1
        address = "".join(following)
    assert entries == [f"第{number}条" for number in reversed(range(70))]


def test_the_plain_page_goes_on_by_link(customer, company, sign_in):
    fill(customer, 30)
    manager = sign_in(company.manager)
    first = manager.get(f"/customers/{customer.pk}/timeline/")
    (address,) = (address for address in urls(first) if "?before=" in address)
    second = manager.get(address)
    assert len(find_all(second, "html body")) == 1
    assert "第9条" in text(second)
    assert "第29条" not in text(second)


@pytest.mark.parametrize(
    "before", ["x", "1", "-", "9" * 18 + "-1", "1-" + "9" * 30, "１-２", "1-1-1", "-99999999999999999-1"]
)
def test_an_invalid_position_is_not_found(before, customer, company, sign_in):
    client = sign_in(company.manager)
    assert client.get(f"/customers/{customer.pk}/timeline/", {"before": before}).status_code == 404


def test_a_place_comes_back_as_it_was(customer):
    entry = customer.timeline.get()
    assert parse_position(format_position(entry)) == (entry.at, entry.pk)


def test_a_month_has_one_heading_over_two_pages(customer):
    now = timezone.now().replace(month=3, day=15)
    TimelineEntry.objects.all().delete()
    TimelineEntry.objects.bulk_create(
        TimelineEntry(customer=customer, at=now - timedelta(minutes=number), kind="order", text="x")
        for number in range(25)
    )
    first = timeline_page(customer)
    second = timeline_page(customer, parse_position(first["older"]), continues=True)
    assert [bool(row["heading"]) for row in first["timeline"]].count(True) == 1
    assert not any(row["heading"] for row in second["timeline"])
    assert timeline_page(customer, parse_position(first["older"]))["timeline"][0]["heading"]


@pytest.mark.parametrize("count", [10, 10_000])
def test_ten_thousand_entries_open_with_one_query_and_no_offset(count, customer, django_assert_num_queries):
    fill(customer, count)
    entry = customer.timeline.newest()[count // 2]
    for before in (None, (entry.at, entry.pk)):
        with django_assert_num_queries(1) as queries:
            page = timeline_page(customer, before)
        assert len(page["timeline"]) <= 20
        assert "OFFSET" not in queries.captured_queries[0]["sql"]
        assert "LIMIT 21" in queries.captured_queries[0]["sql"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="query plans of PostgreSQL")
def test_the_index_serves_a_page_in_the_middle(customer):
    fill(customer, 10_000)
    entry = customer.timeline.newest()[5000]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_timelineentry")
    for rows in (customer.timeline.newest(), customer.timeline.newest().before(entry.at, entry.pk)):
        plan = rows[:21].explain()
        assert "customers_timeline " in plan.replace("customers_timeline\n", "customers_timeline ")
        assert "Sort" not in plan
        assert "Seq Scan" not in plan


def test_a_hidden_customers_timeline_is_not_found(customer, company, sign_in):
    for headers in ({}, HTMX):
        assert sign_in(company.stranger).get(f"/customers/{customer.pk}/timeline/", headers=headers).status_code == 404


def test_a_quiet_quarter_has_one_heading_and_a_busy_month_its_own(customer):
    year = timezone.localdate().year - 1  # the year stands with days that are not of this one
    for month, day in ((2, 1), (2, 9), (3, 5), (5, 2), (5, 3), (5, 4), (6, 7)):
        at = midnight(date(year, month, day))
        TimelineEntry.objects.create(customer=customer, at=at, kind="order", text="x")
    old = [row for row in timeline_page(customer)["timeline"] if row["entry"].at.year == year]
    assert [row["heading"] for row in old] == [
        f"{year} 年 6 月",
        f"{year} 年 5 月",
        "",
        "",
        f"{year} 年一季度",
        "",
        "",
    ]
