"""Every figure of every report leads to a list; what a computed one comes from, follows from its list."""

from __future__ import annotations

import re
from decimal import Decimal
from statistics import median

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from kit.domain.money import format_yuan
from reports.figure_cells import TENTH, percent
from reports.pages.backtest import BacktestReport
from reports.pages.churn import ChurnReport
from reports.pages.composition import CompositionReport
from reports.pages.contribution import ContributionReport
from reports.pages.pipeline import PipelineReport
from reports.pages.service import ServicesReport
from reports.queries import pipeline_report, service
from reports.queries.composition import BASES as GROUPS
from reports.report_parts import Figure, ReportTable
from services.models import ServiceRequest
from tests import factories
from tests.html import find, find_all, texts, urls

pytestmark = pytest.mark.django_db

# Figures without a list, and why. Anything else that leads nowhere is a mistake.
PLAIN = {
    "比上月末": "how many there were at a month's end is all that was written down: no rows to list",
    "可判断": "of customers without an alert who went on ordering only the number is written down",
}
PLAIN_TOTALS = {
    ("确认流失的客户", "此前 12 个月订单（元）"): "of other 12 months for each customer; the rows are those above it",
}
SHOWN = [
    ("trade", ContributionReport, "year=2025"),
    ("trade", ContributionReport, "year=all&silent=on"),
    *(("customers", CompositionReport, f"basis={key}") for key in GROUPS),
    *(("work", ServicesReport, f"year=2026&by={key}") for key in service.BASES),
    ("past", ChurnReport, "year=2026"),
    ("past", ChurnReport, "year=all"),
    ("alerts", BacktestReport, ""),
    *(("dice", PipelineReport, f"year=2026&by={key}") for key in pipeline_report.BASES),
]


def open_report(report_class, user, query):
    """Return the report page for this user and query string."""
    page, request = report_class(), RequestFactory().get(f"/?{query}")
    request.user = user
    page.setup(request)
    return page


def figures(table: ReportTable) -> list[Figure]:
    return [column for column in table.columns if isinstance(column, Figure)]


@pytest.mark.parametrize(("data", "report_class", "query"), SHOWN)
def test_every_figure_leads_to_a_list(data, report_class, query, company, request):
    request.getfixturevalue(data)
    report = open_report(report_class, factories.fresh(company.executive), query).computed
    assert report.kpis
    assert [kpi.label for kpi in report.kpis if not kpi.url] == []
    for table in report.tables:
        rows = table.with_details(list(table.rows))
        for column in figures(table):
            if column.label in PLAIN:
                continue
            assert column.url, (table.title, column.label)
            nowhere = [row for row in rows if column.get(row) and not column.url(row)]
            assert not nowhere, (table.title, column.label, nowhere[0])
            if table.total and column.get(table.total) and (table.title, column.label) not in PLAIN_TOTALS:
                assert column.url(table.total), (table.title, column.label)


def test_figures_without_a_link_exist(customers, past, alerts, company):
    titles = {(table.title, column.label) for table, column in every_figure(company.executive)}
    assert titles >= set(PLAIN_TOTALS)
    assert {label for _, label in titles} >= set(PLAIN)


def every_figure(user):
    for _, report_class, query in SHOWN:
        for table in open_report(report_class, factories.fresh(user), query).computed.tables:
            yield from ((table, column) for column in figures(table))


# What the lists say


def count(client, url):
    response = client.get(url)
    assert response.status_code == 200, url
    assert response.context["misread"] == [], url
    return response.context["pager"].total


def stated_sum(words):
    """Return the last amount of a line such as 合计 3 张订单，1,234.50 元."""
    amounts = re.findall(r"(−?[\d,]+\.\d+) 元", words)
    return Decimal(amounts[-1].replace(",", "").replace("−", "-")) if amounts else Decimal(0)


def orders(client, url):
    return stated_sum(client.get(url).context["totals"])


def first_customers(client, url):
    """Return the sum of the customers that are listed alone."""
    page = client.get(url.partition("#")[0])
    (table,) = page.context["report"].tables
    assert table.total.amount == sum(row.amount for row in table.rows)
    assert format_yuan(table.total.amount) in texts(page, "#table-0 tfoot td")
    return table.total.amount


def base(table, row):
    return sum(one.amount for one in table.rows if one.amount > 0)


def whole(name):
    return lambda table, row: sum(getattr(one, name) for one in table.rows)


# {(page, column): (what its list says, what that is a percentage of)}
PERCENTAGES = {
    ("contribution", "占比"): (orders, base),
    ("contribution", "累计占比"): (first_customers, base),
    ("composition", "占比"): (count, whole("customers")),
    ("services", "占比"): (count, whole("requests")),
    ("services", "4–5 星占比"): (count, lambda table, row: row.answers),
    ("churn", "占比"): (count, whole("count")),
    ("churn", "累计占比"): (count, whole("count")),
    ("churn", "月流失率"): (count, lambda table, row: row.normal),
    ("churn", "占预警"): (count, lambda table, row: table.rows[0].cases),
    ("churn", "见效比例"): (count, lambda table, row: row.cases - row.waiting),
    ("churn/backtest", "命中率"): (count, lambda table, row: row.alerted),
    ("churn/backtest", "找到率"): (count, lambda table, row: row.gone),
    ("pipeline", "成功率"): (count, lambda table, row: row.won + row.lost),
    ("pipeline", "实际 ÷ 加权预测"): (orders, lambda table, row: row.weighted),
}
FOLLOWED = [
    ("trade", "contribution", "year=2025"),
    ("customers", "composition", "basis=level"),
    ("work", "services", "year=2026&by=kind"),
    ("work", "services", "year=2026&by=cause"),
    ("past", "churn", "year=2026"),
    ("alerts", "churn/backtest", ""),
    ("dice", "pipeline", "year=2026"),
    ("dice", "pipeline", "year=all&by=person"),
]


@pytest.mark.parametrize(("data", "name", "query"), FOLLOWED)
def test_a_percentage_leads_to_its_numerator(data, name, query, company, sign_in, request):
    request.getfixturevalue(data)
    client = sign_in(company.executive)
    report = client.get(f"/reports/{name}/?{query}").context["report"]
    followed = 0
    for table in report.tables:
        for column in figures(table):
            if column.kind != "percent":
                continue
            part, of = PERCENTAGES[name, column.label]
            for row in table.rows:
                value = column.get(row)
                if value is None or not (url := column.url(row)):
                    continue
                exact = percent(part(client, url), of(table, row))
                assert abs(exact - value) <= TENTH, (table.title, column.label, url)  # shares are made to add up
                followed += 1
    assert followed > 2


def test_a_percentage_says_that_its_list_is_the_numerator(past, company, sign_in):
    titles = {link.get("title") for link in find_all(sign_in(company.executive).get("/reports/churn/?year=2026"), "a")}
    assert {"分子：次数", "分子：到这一项为止的各项", "分子：当月流失", "分子：各月确认流失"} <= titles


def test_a_change_leads_to_what_it_compares_with(trade, company):
    report = open_report(ContributionReport, factories.fresh(company.executive), "year=2025").computed
    (table,) = report.tables
    before, change = table.columns[-2:]
    row = table.with_details(list(table.rows))[0]
    assert change.url(row) == before.url(row)
    assert find(f"<table>{change.cell(row)}</table>", "a").get("title") == "比较对象：2024 年（元）"


# Means and middles


def test_scores_and_times_follow_from_the_requests_listed(work, sign_in):
    client = sign_in(work.executive)
    main = client.get("/reports/services/?year=2026").context["report"].tables[0]
    columns = {column.label: column for column in figures(main)}
    for row in [*main.rows, main.total]:
        if not row.requests:
            continue
        totals = client.get(columns["平均满意度"].url(row)).context["totals"]
        assert totals == f"合计 {row.answers} 条评价，平均 {row.mean:.1f} 星"
        assert client.get(columns["退回"].url(row)).context["totals"].endswith(f"，退回 {row.returns} 次")
        minutes = minutes_listed(client, columns["处理时长中位数（小时）"].url(row))
        assert row.median_hours == Decimal(median(minutes)) / 60
        assert row.slow_hours == Decimal(sorted(minutes)[-(-9 * len(minutes) // 10) - 1]) / 60


def minutes_listed(client, url):
    page = client.get(f"{url}&page_size=100")
    assert page.context["pager"].total <= 100
    listed = set(urls(page, "table.tbl tbody a"))
    requests = [one for one in ServiceRequest.objects.all() if one.get_absolute_url() in listed]
    assert len(requests) == page.context["pager"].total
    return [one.minutes_to_handle for one in requests]


def test_the_tiles_of_contribution_lead_to_the_customers_they_count(trade, company, sign_in):
    client = sign_in(company.executive)
    context = client.get("/reports/contribution/?year=2025&silent=on").context
    buyers, mean, largest = context["report"].kpis[1:]
    tables = {
        kpi.label: client.get(kpi.url.partition("#")[0]).context["report"].tables[0] for kpi in (buyers, mean, largest)
    }
    assert len(tables["下单客户"].rows) == int(buyers.value)
    assert len(tables["贡献 80% 的客户"].rows) == int(largest.value)
    assert {row.grade for row in tables["贡献 80% 的客户"].rows} == {"A"}
    payers = tables["户均订单金额"].rows
    assert all(row.amount > 0 for row in payers)
    assert mean.title == "取自：金额为正的客户"
    shown_mean = sum(row.amount for row in payers) / len(payers)
    assert mean.value in (f"{shown_mean / 10_000:,.1f}", format_yuan(shown_mean))


def test_the_whole_share_leads_to_the_customers_above_zero(trade, company, sign_in):
    client = sign_in(company.executive)
    (table,) = client.get("/reports/contribution/?year=2025").context["report"].tables
    share = next(column for column in figures(table) if column.label == "占比")
    assert any(row.amount < 0 for row in table.rows)
    assert first_customers(client, share.url(table.total)) == base(table, table.total) != table.total.amount


def test_a_list_of_the_first_is_named_among_the_conditions_and_its_total_is_theirs(trade, company, sign_in):
    client = sign_in(company.executive)
    response = client.get("/reports/contribution/?year=2025&first=3&page_size=50")
    assert {"label": "只列最前（家）", "value": "3", "url": "/reports/contribution/?year=2025&page_size=50"} in (
        response.context["applied"]
    )
    table = response.context["report"].tables[0]
    assert [row.place for row in table.rows] == [1, 2, 3]
    assert table.total.name == "前 3 家"
    assert table.total.share == table.rows[-1].cumulative
    for query in (
        "first=0",
        "first=-1",
        "first=x",
        "first=99999999999999999999",
        "first=2&sort=name",
        "first=2&export=csv",
    ):
        assert client.get(f"/reports/contribution/?year=2025&{query}").status_code == 200


def test_the_tiles_of_service_churn_and_pipeline_lead_to_their_numerator(work, past, dice, sign_in):
    client = sign_in(work.executive)
    tiles = {}
    for name in ("services", "churn", "pipeline"):
        report = client.get(f"/reports/{name}/?year=2026").context["report"]
        tiles |= {kpi.label: (kpi, report) for kpi in report.kpis}
    kpi, report = tiles["处理时长中位数"]
    assert kpi.value == f"{Decimal(median(minutes_listed(client, kpi.url))) / 60:,.1f}"
    kpi, report = tiles["平均月流失率"]
    months = report.tables[3].rows
    assert count(client, kpi.url) == sum(month.lost for month in months)
    assert kpi.value == str(percent(count(client, kpi.url), sum(month.normal for month in months)))
    kpi, report = tiles["成功率"]
    won = count(client, kpi.url)
    assert kpi.note.startswith(f"成功 {won}，")
    assert tiles["开发成功用时"][0].url == kpi.url


def test_links_combine_causes_and_include_losses_without_one(past, company, sign_in):
    client = sign_in(company.executive)
    kinds = [factories.entry("流失原因", item) for item in ("价格", "质量")]
    both = client.get(f"/customers/churn/?status=all&lost_kind={kinds[0].pk},{kinds[1].pk}")
    single = [count(client, f"/customers/churn/?status=all&lost_kind={kind.pk}") for kind in kinds]
    assert both.context["pager"].total == sum(single) > max(single)
    assert "价格、质量" in [one.value for one in both.context["applied"]]
    assert count(client, "/customers/churn/?status=all&lost_kind=null") > 0
    for odd in ("x", "99999999999999999999", f"{kinds[0].pk},x", ","):
        assert client.get("/customers/churn/", QueryDict(f"status=all&lost_kind={odd}")).status_code == 200
