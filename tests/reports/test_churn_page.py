"""客户流失分析 on screen: every figure leads to exactly the rows behind it, in list, workbook and CSV alike."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import User
from basedata.models import DictionaryEntry
from customers.models import (
    ChurnCase,
    ChurnChange,
    ChurnMeasure,
    Customer,
    Order,
    Ownership,
    churn_version,
    refresh_revenue,
)
from customers.rollup_tasks import check_nightly
from kit.domain.money import format_yuan
from tests import factories
from tests.exports import export
from tests.html import find_all, markup, text, texts, urls

pytestmark = pytest.mark.django_db
PAGE = "/reports/churn/"


def report(client, query=""):
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return response


def behind(client, url):
    """Return (number of rows, sum of their totals or None) of the list a figure leads to."""
    response = client.get(url)
    assert response.status_code == 200, url
    page = response.context["pager"]
    return page.total


def linked(table, column):
    """Return [(value, URL)] of a column of figures."""
    figures = next(one for one in table.columns if one.label.startswith(column))
    return [(figures.get(row), figures.url(row)) for row in table.rows]


def assert_figures_lead_to_rows(client, query):
    """Every figure of the page equals the number of rows of the list it leads to."""
    figures = report(client, query).context["report"]
    checked = 0
    for kpi in figures.kpis:
        if kpi.url and kpi.unit == "次":
            assert behind(client, kpi.url) == int(kpi.value.replace(",", "")), kpi
            checked += 1
    column_names = {table.title: table for table in figures.tables}
    columns = [
        ("流失原因", "次数"), ("流向的竞争对手", "次数"), ("月流失率", "月初正常客户"), ("月流失率", "当月流失"),
        ("预警的去向", "次数"), ("哪类暂缓措施带来订单", "采取过的预警"), ("哪类暂缓措施带来订单", "90 天内又下单"),
        ("哪类暂缓措施带来订单", "还在 90 天内"),
    ]  # fmt: skip
    for title, column in columns if column_names else []:
        for value, url in linked(column_names[title], column):
            assert bool(url) or not value
            assert not url or behind(client, url) == value, (title, column, url)
            checked += bool(url)
    assert checked > 8


@pytest.mark.parametrize("query", ["year=2026", "year=all", "year=2026&name=测试客户", "year=2025&department={north}"])
@pytest.mark.parametrize("who", ["executive", "supervisor"])
def test_every_figure_equals_the_list_it_leads_to(past, sign_in, query, who):
    assert_figures_lead_to_rows(sign_in(getattr(past, who)), query.format(north=past.north.pk))


@pytest.fixture
def moved(past):
    """The same past, in which every third customer changed hands and some cases were ended by merging."""
    people = [past.manager, past.colleague, past.eastern]
    for place, customer in enumerate(Customer.objects.order_by("pk")):
        Ownership.objects.filter(customer=customer).update(since=customer.created_at)
        if place % 3 == 0:
            when, new = customer.created_at + timedelta(days=30 * (1 + place % 20)), people[place % len(people)]
            Ownership.objects.filter(customer=customer).update(until=when)
            Ownership.objects.create(customer=customer, manager=new, since=when)
            Customer.objects.filter(pk=customer.pk).update(manager=new)
    for place, case in enumerate(ChurnCase.objects.exclude(confirmed_at=None).order_by("pk")):
        then = case.customer.ownerships.filter(since__lte=case.confirmed_at).first()
        ChurnCase.objects.filter(pk=case.pk).update(manager_then=then and then.manager)
        if place % 5 == 0:
            ended = case.closed_at or case.confirmed_at + timedelta(days=9)
            ChurnCase.objects.filter(pk=case.pk).update(status="merged", closed_at=ended)
    return past


@pytest.mark.parametrize(
    "query",
    [
        "year=2026", "year=all", "year=2026&follow=then", "year=all&follow=then&manager={manager}",
        "year=2026&follow=then&department={north}", "year=2025&follow=then&manager={colleague}&name=客户",
    ],
)  # fmt: skip
def test_the_figures_of_a_former_owner_lead_to_their_rows_too(moved, sign_in, query):
    people = {name: getattr(moved, name).pk for name in ("manager", "colleague", "north")}
    assert_figures_lead_to_rows(sign_in(moved.executive), query.format(**people))


def test_months_of_owners_add_up_to_those_of_everybody(moved, sign_in):
    """Each customer is counted under exactly one person, the owner when the month began."""
    client, sums = sign_in(moved.executive), {}
    for person in User.objects.filter(ownerships__isnull=False).distinct():
        found = report(client, f"year=2026&follow=then&manager={person.pk}").context["report"]
        for table in found.tables[3:4]:
            for row in table.rows:
                normal, lost = sums.get(row.first, (0, 0))
                sums[row.first] = (normal + row.normal, lost + row.lost)
    whole = report(client, "year=2026").context["report"].tables[3].rows
    assert sums == {row.first: (row.normal, row.lost) for row in whole}


def test_lost_revenue_equals_the_orders_behind_it(past, sign_in):
    client = sign_in(past.executive)
    table = report(client, "year=2026").context["report"].tables[0]
    sums = []
    for amount, url in linked(table, "此前 12 个月订单"):
        if url:
            page = client.get(f"{url}&page_size=100")
            listed = set(urls(page, "table.tbl tbody a"))
            orders = [order for order in Order.objects.all() if order.get_absolute_url() in listed]
            assert sum(order.total for order in orders) == amount
            assert format_yuan(amount) in page.context["totals"], "the list says the same sum"
        sums.append(amount)
    assert sum(sums) == table.total.revenue
    assert any(sums)


def test_workbook_and_csv_hold_the_same_figures(past, sign_in):
    client = sign_in(past.executive)
    expected = report(client, "year=2026").context["report"]
    book = load_workbook(io.BytesIO(export(client, f"{PAGE}?year=2026", "xlsx").content))
    sheet = book["客户流失分析"]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(sheet._charts) == 3
    heads = [tuple(str(cell) for cell in row[:3]) for row in rows]
    for reason in expected.tables[1].rows:
        share = int(reason.share) if reason.share == int(reason.share) else reason.share
        assert (reason.label, str(reason.count), str(share)) in heads
    total = next(row for row in rows if "合计" in row)
    assert Decimal(str(total[7])).quantize(Decimal("0.01")) == expected.tables[0].total.revenue.quantize(
        Decimal("0.01")
    )
    content = export(client, f"{PAGE}?year=2026").content.decode("utf-8-sig")
    assert len(content.splitlines()) == 1 + len(expected.tables[0].rows)


def test_the_page_says_period_basis_and_few(company, sign_in):
    case = factories.churn_case(company.manager)
    kind = factories.entry("暂缓措施", "拜访")
    case.defer(by=company.manager, kind=kind, text="拜访")
    page_text = text(report(sign_in(company.supervisor)))
    for words in ("按确认流失的时间计入", "样本少于 5", "月初正常客户", "这个范围里没有确认流失的客户。", "数据截至"):
        assert words in page_text
    assert ChurnMeasure.objects.count() == 1


def test_an_empty_company_and_bad_filters_get_a_page(company, sign_in):
    client = sign_in(company.executive)
    assert "还没有流失预警" in text(report(client, "year=all"))
    for query in ("year=1e9", "year=x", "department=zz", "manager=-1", "name=" + "长" * 200, "sort=zzz&page=999"):
        report(client, query)


def test_the_page_needs_the_permission_for_reports(company, sign_in):
    assert sign_in(company.manager).get(PAGE).status_code == 403
    assert sign_in(company.administrator).get(PAGE).status_code == 403


def test_rows_outside_the_view_do_not_count(company, sign_in):
    case = factories.churn_case(company.stranger, name="海外的客户")
    case.confirm(by=company.stranger, reason="停业", kind=factories.entry("流失原因", "停业"))
    assert "海外的客户" in text(report(sign_in(company.executive)))
    visible = report(sign_in(company.supervisor))
    assert visible.context["report"].empty
    assert "海外的客户" not in markup(visible)


def test_the_page_takes_a_fixed_number_of_queries(past, sign_in, django_assert_max_num_queries):
    client = sign_in(past.executive)
    with django_assert_max_num_queries(26):
        report(client, "year=2026")
    assert ChurnCase.objects.filter(confirmed_at__year=2026).count() > 5


def test_revenue_is_added_up_again_when_orders_change(past, sign_in):
    client = sign_in(past.executive)
    revenue = report(client, "year=2026").context["report"].tables[0].total.revenue
    assert report(client, "year=2026").context["report"].tables[0].total.revenue == revenue
    case = ChurnCase.objects.filter(confirmed_at__year=2026).first()
    Order.objects.create(
        number="later", customer=case.customer, ordered_at=case.confirmed_at, status="paid", total=Decimal("12.34")
    )
    refresh_revenue([case.customer_id])
    assert report(client, "year=2026").context["report"].tables[0].total.revenue == revenue + Decimal("12.34")


@pytest.fixture
def lost(company):
    """Two lost customers of the 客户经理, and a third one who was warned."""
    made = [factories.churn_case(company.manager, name=name) for name in ("甲厂", "乙厂", "丙厂")]
    for case in made[:2]:
        case.confirm(by=company.manager, reason="停业", kind=factories.entry("流失原因", "停业"))
    refresh_revenue()
    return made


def rows_of(client, title, query=""):
    """Return the rows of the table of that title, each as a reader sees it."""
    (table,) = (one for one in find_all(report(client, query), "section.flow") if texts(one, "h2") == [title])
    return texts(table, "tbody tr")


def test_a_second_opening_reads_only_what_it_shows(past, sign_in):
    refresh_revenue()
    client = sign_in(past.executive)
    pages, statement_lists = [], []
    for _ in range(2):
        with CaptureQueriesContext(connection) as statements:
            pages.append(report(client, "year=2026").context["report"])
        statement_lists.append([one["sql"] for one in statements])
    assert pages[0].kpis == pages[1].kpis
    assert pages[0].tables[0].rows == pages[1].tables[0].rows
    assert len(statement_lists[1]) <= 16 < len(statement_lists[0])  # four of them for 风险金额, which is of today
    beside_as_of = [sql for sql in statement_lists[1] if not sql.endswith("DESC LIMIT 1")]  # the newest change alone
    assert not [sql for sql in beside_as_of if "customers_order" in sql or "customers_churnmeasure" in sql]


def test_a_case_confirmed_and_a_measure_added_show_at_once(lost, company, sign_in):
    client, case = sign_in(company.supervisor), lost[2]
    assert [len(rows_of(client, "确认流失的客户")), rows_of(client, "哪类暂缓措施带来订单")] == [2, []]
    case.defer(by=company.manager, kind=factories.entry("暂缓措施", "拜访"), text="拜访")
    assert "拜访" in rows_of(client, "哪类暂缓措施带来订单")[0]
    case.confirm(by=company.manager, reason="涨价", kind=factories.entry("流失原因", "价格"))
    assert "涨价" in rows_of(client, "确认流失的客户")[0]
    assert len(rows_of(client, "确认流失的客户")) == 3
    case.win_back(by=company.manager, note="回来了")
    assert "已挽回" in rows_of(client, "确认流失的客户")[0]
    assert [kpi.value for kpi in report(client).context["report"].kpis][-1] == "1"


def test_a_customer_who_changes_hands_leaves_the_view_at_once(lost, company, sign_in):
    client, east = sign_in(company.supervisor), f"manager={company.colleague.pk}"
    assert len(rows_of(client, "确认流失的客户")) == 2
    assert report(client, east).context["report"].empty
    lost[0].customer.transfer(company.colleague, by=company.supervisor, reason="调整")
    assert "甲厂" in rows_of(client, "确认流失的客户", east)[0]
    Customer.objects.filter(pk=lost[0].customer_id).update(manager=company.stranger)
    assert len(rows_of(client, "确认流失的客户")) == 1
    assert report(client, east).context["report"].empty


def test_a_new_name_shows_at_once_whoever_writes_it(lost, company, sign_in):
    client = sign_in(company.supervisor)
    assert "乙厂" in rows_of(client, "确认流失的客户")[0]
    Customer.objects.filter(pk=lost[1].customer_id).update(name="新厂")
    assert "新厂" in rows_of(client, "确认流失的客户")[0]
    assert len(rows_of(client, "确认流失的客户", "name=新厂")) == 1
    DictionaryEntry.objects.filter(category="流失原因", item="停业").update(item="关门", value="关门")
    User.objects.filter(pk=company.manager.pk).update(name="改名的人")
    assert all("关门" in row and "改名的人" in row for row in rows_of(client, "确认流失的客户"))
    assert "关门" in rows_of(client, "流失原因")[0]


def test_an_order_that_arrives_counts_at_once(lost, company, sign_in):
    client = sign_in(company.supervisor)
    report(client)
    factories.order(lost[0].customer, ordered_at=timezone.now())
    assert "12,800.50" in rows_of(client, "确认流失的客户")[1]


def test_rows_are_sorted_as_requested(past, sign_in):
    client = sign_in(past.executive)
    table = report(client, "year=2026").context["report"].tables[0]
    cases = ChurnCase.objects.select_related("customer__manager").in_bulk([loss.case for loss in table.rows])
    values = {
        "confirmed": lambda loss: loss.day,
        "customer": lambda loss: cases[loss.case].customer.name,
        "manager": lambda loss: cases[loss.case].customer.manager.name,
        "revenue": lambda loss: loss.revenue,
    }
    for name, value in values.items():
        assert table.sorted_rows(name) == sorted(table.rows, key=value)
        assert table.sorted_rows(f"-{name}") == sorted(table.rows, key=value, reverse=True)
    assert table.sorted_rows("zzz") == table.rows


def test_the_night_clears_marks_but_for_the_newest(lost):
    stamp = churn_version()
    assert stamp
    ChurnChange.objects.update(at=timezone.now() - timedelta(days=9))
    check_nightly()
    assert ChurnChange.objects.get().key == UUID(str(stamp[0][0]))
