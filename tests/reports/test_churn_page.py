"""客户流失分析 on screen: every figure leads to exactly the rows behind it, in list, workbook and CSV alike."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from html import unescape

import pytest
from openpyxl import load_workbook

from customers.models import ChurnCase, ChurnMeasure, Order, refresh_revenue
from customers.templatetags.orders import yuan
from tests import factories
from tests.reports.test_churn_figures import past  # noqa: F401  (two and a half years made by dice)

pytestmark = pytest.mark.django_db
PAGE = "/reports/churn/"


def report(client, query=""):
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return response


def behind(client, url):
    """(number of rows, sum of their totals or None) of the list a figure leads to."""
    response = client.get(url)
    assert response.status_code == 200, url
    page = response.context["pager"]
    return page.total


def linked(table, column):
    """[(value, address)] of a column of figures."""
    figures = next(one for one in table.columns if one.label.startswith(column))
    return [(figures.get(row), figures.url(row)) for row in table.rows]


@pytest.mark.parametrize("query", ["year=2026", "year=all", "year=2026&name=测试客户1", "year=2025&department={north}"])
@pytest.mark.parametrize("who", ["executive", "supervisor"])
def test_every_figure_equals_the_list_it_leads_to(past, sign_in, query, who):  # noqa: F811
    client = sign_in(getattr(past, who))
    found = report(client, query.format(north=past.north.pk)).context["report"]
    checked = 0
    for kpi in found.kpis:
        if kpi.url and kpi.unit == "次":
            assert behind(client, kpi.url) == int(kpi.value.replace(",", "")), kpi
            checked += 1
    named = {table.title: table for table in found.tables}
    columns = [
        ("流失原因", "次数"), ("流向的竞争对手", "次数"), ("月流失率", "月初正常客户"), ("月流失率", "当月流失"),
        ("预警的去向", "次数"), ("哪类暂缓措施带来订单", "采取过的预警"), ("哪类暂缓措施带来订单", "90 天内又下单"),
        ("哪类暂缓措施带来订单", "还在 90 天内"),
    ]  # fmt: skip
    for title, column in columns if named else []:
        for value, url in linked(named[title], column):
            assert bool(url) or not value
            assert not url or behind(client, url) == value, (title, column, url)
            checked += bool(url)
    assert checked > 8 or not found.kpis


def test_what_a_lost_customer_had_ordered_equals_the_orders_behind_it(past, sign_in):  # noqa: F811
    client = sign_in(past.executive)
    table = report(client, "year=2026").context["report"].tables[0]
    sums = []
    for amount, url in linked(table, "此前 12 个月订单"):
        if url:
            rows = client.get(f"{url}&page_size=100").context
            keys = [int(key) for key in re.findall(r"/orders/(\d+)/", "".join(rows["table"]))]
            assert sum(order.total for order in Order.objects.filter(pk__in=keys)) == amount
            assert yuan(amount) in rows["totals"], "the list says the same sum"
        sums.append(amount)
    assert sum(sums) == table.total.revenue
    assert any(sums)


def test_workbook_and_csv_hold_the_same_figures(past, sign_in):  # noqa: F811
    client = sign_in(past.executive)
    found = report(client, "year=2026").context["report"]
    book = load_workbook(io.BytesIO(client.get(f"{PAGE}?year=2026&export=xlsx").content))
    sheet = book["客户流失分析"]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(sheet._charts) == 3
    written = [tuple(str(cell) for cell in row[:3]) for row in rows]
    for reason in found.tables[1].rows:
        share = int(reason.share) if reason.share == int(reason.share) else reason.share
        assert (reason.label, str(reason.count), str(share)) in written
    total = next(row for row in rows if "合计" in row)
    assert Decimal(str(total[7])).quantize(Decimal("0.01")) == found.tables[0].total.revenue.quantize(Decimal("0.01"))
    text = client.get(f"{PAGE}?year=2026&export=csv").content.decode("utf-8-sig")
    assert len(text.splitlines()) == 1 + len(found.tables[0].rows)


def test_the_page_says_period_basis_and_few(company, sign_in):
    case = factories.churn_case(company.manager)
    kind = factories.entry("暂缓措施", "拜访")
    case.defer(by=company.manager, kind=kind, text="拜访")
    shown = unescape(report(sign_in(company.supervisor)).content.decode())
    for words in ("按确认流失的时间计入", "样本少于 5", "月初正常客户", "这个范围里没有确认流失的客户。", "数据截至"):
        assert words in shown
    assert ChurnMeasure.objects.count() == 1


def test_an_empty_company_and_bad_filters_get_a_page(company, sign_in):
    client = sign_in(company.executive)
    assert "还没有流失预警" in report(client, "year=all").content.decode()
    for query in ("year=1e9", "year=x", "department=zz", "manager=-1", "name=" + "长" * 200, "sort=zzz&page=999"):
        report(client, query)


def test_only_who_may_see_reports_sees_this_one(company, sign_in):
    assert sign_in(company.manager).get(PAGE).status_code == 403
    assert sign_in(company.administrator).get(PAGE).status_code == 403


def test_rows_outside_the_view_do_not_count(company, sign_in):
    case = factories.churn_case(company.stranger, name="海外的客户")
    case.confirm(by=company.stranger, reason="停业", kind=factories.entry("流失原因", "停业"))
    assert "海外的客户" in report(sign_in(company.executive)).content.decode()
    seen = report(sign_in(company.supervisor))
    assert seen.context["report"].empty
    assert "海外的客户" not in seen.content.decode()


def test_the_page_takes_a_fixed_number_of_queries(past, sign_in, django_assert_max_num_queries):  # noqa: F811
    client = sign_in(past.executive)
    with django_assert_max_num_queries(26):
        report(client, "year=2026")
    assert ChurnCase.objects.filter(confirmed_at__year=2026).count() > 5


def test_what_orders_say_is_added_again_when_they_change(past, sign_in):  # noqa: F811
    client = sign_in(past.executive)
    revenue = report(client, "year=2026").context["report"].tables[0].total.revenue
    assert report(client, "year=2026").context["report"].tables[0].total.revenue == revenue
    case = ChurnCase.objects.filter(confirmed_at__year=2026).first()
    Order.objects.create(
        number="later", customer=case.customer, ordered_at=case.confirmed_at, status="paid", total=Decimal("12.34")
    )
    refresh_revenue([case.customer_id])
    assert report(client, "year=2026").context["report"].tables[0].total.revenue == revenue + Decimal("12.34")
