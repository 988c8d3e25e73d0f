"""An executive's home: the figures of the reports themselves, with their last months; and what a supervisor owes."""

from __future__ import annotations

from calendar import monthrange
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from customers.models import ChurnCase, Customer, Order
from customers.orders.trend import SPARKLINE_MONTHS, month_start_before
from kit.domain.days import add_months, midnight, show_day
from kit.domain.money import format_yuan, shorten_amount
from marketing.models import Opportunity
from reports.overview import executive_tiles
from reports.periods import month_period, year_period
from reports.queries import executive, pipeline
from services.models import ServiceRequest
from tests import factories
from tests.html import find, find_all, text, texts, urls
from tests.reports.rows import joined_long_ago

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def tiles(user):
    return {tile.label: tile for tile in executive_tiles(user)}


def pipeline_of(user):
    rows = Opportunity.objects.visible_to(factories.fresh(user))
    return pipeline.total(pipeline.groups(rows, year_period(TODAY.year)).values())


def report(client, name, query=f"year={TODAY.year}"):
    response = client.get(f"/reports/{name}/?{query}")
    assert response.status_code == 200
    return response.context["report"]


@pytest.fixture
def busy(company):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.order(customer, number="DD1", lines=2)
    factories.won(company.manager, company.supervisor, company.manager, expected_amount=80_000)
    factories.assigned(
        company.manager, company.supervisor, company.manager, customer_name="二厂", expected_amount=50_000
    )
    case = factories.churn_case(company.manager)
    case.confirm(by=company.manager, reason="停业", kind=factories.entry("流失原因", "停业"))
    Customer.objects.update(created_at=timezone.now() - timedelta(days=60))
    factories.archived(company.manager, company.supervisor, company.manager, satisfaction=4)
    return company


def test_a_tile_draws_its_own_figure_from_six_months_on(busy, sign_in):
    """Nor more nor less: other figures than the tile's, and a course of few months, say something else."""
    tile_by_label = tiles(busy.executive)
    customers = tile_by_label["客户"].bars
    assert [bar.total for bar in customers][-3:] == [Decimal(tile_by_label["客户"].value)] * 3
    assert customers[-4].total == 0  # all were created 60 days ago
    assert not tile_by_label["加权销售漏斗"].totals  # what it was at the end of past months, nobody knows
    page = sign_in(busy.executive).get("/")
    captions = texts(page, ".kpis.trends .kpi > em a")
    assert captions == [f"{tile.caption} · 看报表" for tile in tile_by_label.values()]
    assert find_all(page, ".kpis.trends .spark") == []
    customer = Order.objects.get().customer
    for back in range(6):
        ordered_at = midnight(month_start_before(TODAY, back))
        factories.order(customer, number=f"M{back}", ordered_at=ordered_at)
    page = sign_in(busy.executive).get("/")
    assert len(find_all(page, ".kpis.trends .spark")) == 1
    assert len(find_all(page, ".kpis.trends .spark .run")) == 1


def test_the_running_month_is_compared_with_the_same_day_of_last_month(busy):
    first = month_start_before(TODAY, 1)
    same_day = min(TODAY.day, monthrange(first.year, first.month)[1])
    day = first.replace(day=same_day)
    customer, old = Order.objects.get().customer, Order.objects.get().total
    within = factories.order(customer, number="A", ordered_at=midnight(day) + timedelta(hours=23))
    if day != month_period(first).last:  # the day after it is not compared with
        factories.order(customer, number="B", ordered_at=midnight(day + timedelta(days=1)))
    tile = tiles(busy.executive)["本月订单金额"]
    assert tile.same_day == within.total
    assert f"上月同期（到 {show_day(day)}）{shorten_amount(within.total)}" in tile.note
    assert tile.totals[TODAY.replace(day=1)] == old
    assert tile.mark_y is not None


def test_the_win_rate_is_drawn_as_that_of_twelve_months(busy):
    tile = tiles(busy.executive)["近 12 个月成功率"]
    assert str(tile.bars[-1].total) == tile.value == "100.0"
    Opportunity.objects.filter(status="won").update(closed_at=midnight(month_start_before(TODAY, 12)))
    tile = tiles(busy.executive)["近 12 个月成功率"]
    assert [bar.total for bar in tile.bars][-2:] == [Decimal(100), Decimal(0)]


def test_every_tile_says_what_its_report_says(busy, sign_in):
    client, tile_by_label = sign_in(busy.executive), tiles(busy.executive)
    assert list(tile_by_label) == [
        "本月订单金额",
        "客户",
        "本月流失率",
        "本月服务请求",
        "加权销售漏斗",
        "近 12 个月成功率",
    ]
    ordered = Order.objects.get().total
    assert (tile_by_label["本月订单金额"].value, tile_by_label["本月订单金额"].unit) == shorten_amount(ordered)
    assert tile_by_label["客户"].value == report(client, "composition", "").kpis[0].value
    months = next(table for table in report(client, "churn").tables if table.title == "月流失率")
    assert tile_by_label["本月流失率"].value == str(months.rows[-1].rate)
    assert tile_by_label["本月服务请求"].value == report(client, "services").kpis[0].value == "1"
    funnel = report(client, "pipeline").kpis
    assert (tile_by_label["加权销售漏斗"].value, tile_by_label["加权销售漏斗"].unit) == (
        funnel[1].value,
        funnel[1].unit,
    )
    assert tile_by_label["近 12 个月成功率"].value == "100.0"
    for tile in tile_by_label.values():
        assert client.get(tile.url).status_code == 200
        assert len(tile.bars) == SPARKLINE_MONTHS
        assert (sum(bar.total for bar in tile.bars) > 0) == bool(tile.totals)
        assert bool(tile.totals) == (tile.label != "加权销售漏斗")


def test_every_tile_leads_to_the_rows_behind_it_and_to_its_report(busy, sign_in):
    client, tile_by_label = sign_in(busy.executive), tiles(busy.executive)
    lists = {label: client.get(tile.url).context for label, tile in tile_by_label.items()}
    assert lists["本月订单金额"]["totals"] == f"合计 1 张订单，{format_yuan(Order.objects.get().total)} 元"
    counts = {
        "客户": int(tile_by_label["客户"].value),
        "本月流失率": 1,
        "本月服务请求": 1,
        "加权销售漏斗": 1,
        "近 12 个月成功率": 1,
    }
    assert {label: lists[label]["pager"].total for label in counts} == counts
    assert lists["加权销售漏斗"]["totals"].endswith(f"加权金额 {format_yuan(pipeline_of(busy.executive).weighted)} 元")
    home = client.get("/")
    for tile in tile_by_label.values():
        assert {tile.url, tile.report} <= set(urls(home, "main a[href]"))
        assert client.get(tile.report).status_code == 200
    for title in ("分子：本月确认流失", "分子：开发成功"):
        assert find(home, f'[title="{title}"]') is not None


def test_months_before_are_not_in_the_list_of_a_month(busy, sign_in):
    old = timezone.now() - timedelta(days=40)
    ChurnCase.objects.update(confirmed_at=old)
    ServiceRequest.objects.update(created_at=old)
    Order.objects.update(ordered_at=old)
    client, tile_by_label = sign_in(busy.executive), tiles(busy.executive)
    for label in ("本月订单金额", "本月流失率", "本月服务请求"):
        assert client.get(tile_by_label[label].url).context["pager"].total == 0, label


def test_won_and_lost_of_this_month_lead_to_so_many(busy, sign_in):
    factories.won(busy.manager, busy.supervisor, busy.manager, customer_name="三厂")
    Opportunity.objects.filter(customer_name="三厂").update(closed_at=timezone.now() - timedelta(days=40))
    client = sign_in(busy.supervisor)
    tile = find(client.get("/"), "a[href]:has(> b)", containing="本月开发成功")
    number = "".join(find(tile, "b").xpath("text()")).strip()
    assert client.get(tile.get("href")).context["pager"].total == int(number) == 1


def test_the_home_of_an_executive(busy, sign_in, django_assert_max_num_queries):
    factories.monthly_report(busy.supervisor, "submitted")
    client = sign_in(busy.executive)
    client.get("/")
    with django_assert_max_num_queries(40):
        home = client.get("/")
    for words in ("本月订单金额", "上月同期", "待审阅的客户管理报告", "2026年10月客户管理报告", "最近确认流失的客户"):
        assert words in text(home)
    assert len(find_all(home, ".kpis.trends .kpi")) == 6
    assert find_all(home, "[style]") == []


def test_an_empty_company_has_a_home_for_executives_too(company, sign_in):
    home = text(sign_in(company.executive).get("/"))
    assert "没有待审阅的报告。" in home
    assert "没有确认流失的客户。" in home


def test_the_tiles_follow_the_view(busy, sign_in):
    role = busy.executive.groups.get().role
    role.view_scope = "self"
    role.save()
    tile_by_label = tiles(factories.fresh(busy.executive))
    assert tile_by_label["客户"].value == tile_by_label["本月服务请求"].value == "0"
    assert tile_by_label["本月订单金额"].value == "0.00"


def test_a_supervisor_is_shown_the_report_they_owe(company, sign_in):
    joined_long_ago(company.supervisor)
    client = sign_in(company.supervisor)
    last = add_months(TODAY.replace(day=1), -1)
    words = f"{show_day(last, 'month')}的报告还没有提交"
    assert words in text(client.get("/"))
    factories.monthly_report(company.supervisor, "submitted", period=last)
    assert words not in text(client.get("/"))
    assert "还没有提交" not in text(sign_in(company.manager).get("/"))


def test_revenue_is_cached_until_orders_change(company, monkeypatch):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.order(customer, number="DD1")
    added_up = []
    counted = executive.totals_by_month
    monkeypatch.setattr(executive, "totals_by_month", lambda *given: added_up.append(1) or counted(*given))
    for _ in range(2):
        assert tiles(factories.fresh(company.executive))["本月订单金额"].value == "1.3"
    assert len(added_up) == 1
    factories.order(customer, number="DD2")
    assert tiles(factories.fresh(company.executive))["本月订单金额"].value == "2.6"
    assert len(added_up) == 2
    tiles(factories.fresh(company.supervisor))
    assert len(added_up) == 3, "who sees a part has their own sums"
