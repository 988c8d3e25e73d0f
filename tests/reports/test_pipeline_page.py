"""销售漏斗 on screen: every figure leads to exactly the opportunities behind it; 客户经理 see their own."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from kit.domain.money import format_yuan
from marketing.models import Opportunity, OpportunityChange, forget_old_marks, opportunity_version
from reports.queries.pipeline_report import BASES
from tests.exports import export
from tests.html import find_all, markup, text
from tests.reports.rows import opportunity_row

pytestmark = pytest.mark.django_db
PAGE = "/reports/pipeline/"


def report(client, query=""):
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return response


def behind(client, url):
    """Return (number of rows, sums in words) of the list a figure leads to."""
    response = client.get(url)
    assert response.status_code == 200, url
    return response.context["pager"].total, response.context["totals"]


def stated_by(column, words):
    """Return, of the sums of a list, the one of this column."""
    name = "加权金额 " if "加权" in column.label else "预计金额 "
    return words.partition(name)[2].partition(" 元")[0] or "0.00"


@pytest.mark.parametrize("by", BASES)
@pytest.mark.parametrize(
    ("who", "query"),
    [("executive", "year=2026"), ("supervisor", "year=all&department={north}"), ("manager", "year=2026")],
)
def test_every_figure_equals_the_list_it_leads_to(dice, sign_in, by, who, query):
    client = sign_in(getattr(dice, who))
    figures = report(client, f"by={by}&{query.format(north=dice.north.pk)}").context["report"]
    checked = sums = 0
    for kpi in figures.kpis:
        if kpi.url and kpi.unit == "个":
            assert behind(client, kpi.url)[0] == int(kpi.value)
            checked += 1
    for table in figures.tables:
        for column in table.columns:
            for row in [*table.rows, *([table.total] if table.total else [])] if getattr(column, "url", None) else ():
                value = column.get(row)
                if column.of or value is None or not (url := column.url(row)):
                    continue
                count, words = behind(client, url)
                if column.kind == "money":
                    assert stated_by(column, words) == format_yuan(Decimal(value)), (table.title, column.label, url)
                    sums += bool(value)
                else:
                    assert count == value, (table.title, column.label, url)
                checked += 1
    assert checked > 3
    assert sums > 1


def test_a_manager_sees_their_own_opportunities_only(dice, sign_in):
    own = Opportunity.objects.owned_by(dice.manager)
    response = report(sign_in(dice.manager), "year=all&by=person")
    (table,) = response.context["report"].tables
    assert table.total.open + table.total.closed == own.count()
    assert "只含您自己的机会" in text(response)
    assert find_all(response, "form.filters [name=year]") != []
    assert find_all(response, "[name=manager]") == []
    other = report(sign_in(dice.eastern), "year=all&by=person").context["report"].tables[0]
    assert other.total.open + other.total.closed == Opportunity.objects.filter(assignee=dice.eastern).count()


def test_the_name_of_a_hidden_introducer_is_not_shown(sales, sign_in):
    hidden = sales.made
    hidden.name = "看不见的介绍人"
    hidden.save()
    type(hidden).objects.filter(pk=hidden.pk).update(manager=sales.stranger)
    opportunity_row(sales, "assigned", introduced_by=hidden)
    assert "看不见的介绍人" in text(report(sign_in(sales.executive), "by=introducer"))
    page = report(sign_in(sales.supervisor), "by=introducer")
    assert "看不见的介绍人" not in markup(page)
    assert "您查看范围以外的客户" in text(page)


def test_a_rate_of_few_says_so(sales, sign_in):
    opportunity_row(sales, "won")
    assert "样本少于 5，仅供参考" in text(report(sign_in(sales.executive), "year=2026"))


def test_the_workbook_holds_the_same_figures(dice, sign_in):
    client = sign_in(dice.executive)
    for by in BASES:
        expected = report(client, f"year=2026&by={by}").context["report"]
        book = load_workbook(io.BytesIO(export(client, f"{PAGE}?year=2026&by={by}", "xlsx").content))
        sheet = book["销售漏斗"]
        assert len(sheet._charts) == len(expected.charts)
        numbers = [cell for row in sheet.iter_rows(values_only=True) for cell in row if isinstance(cell, int | float)]
        for table in expected.tables:
            for row in table.rows:
                for column in table.columns:
                    value = column.get(row)
                    if isinstance(value, int):
                        assert value in numbers


def test_odd_filters_get_a_page(dice, sign_in):
    client = sign_in(dice.supervisor)
    for query in ("by=zzz", "year=x", "department=zz", "manager=99999999999", "by=person&sort=-rate&page=7"):
        report(client, query)
    lists = "/marketing/opportunities/?status=all&"
    for query in (
        "keeper=x",
        "keeper=99999999",
        "department=zz",
        "source=" + "长" * 99,
        "introducer=x",
        "closed_from=x",
    ):
        assert client.get(lists + query).status_code == 200
    report(sign_in(dice.outsider), "year=2024")


@pytest.mark.parametrize("by", BASES)
def test_the_page_takes_a_fixed_number_of_queries(dice, sign_in, django_assert_max_num_queries, by):
    client = sign_in(dice.executive)
    with django_assert_max_num_queries(28):
        report(client, f"year=2026&by={by}")


def test_figures_are_cached_until_anybody_writes(dice, sign_in):
    client = sign_in(dice.executive)

    def open_now():
        with CaptureQueriesContext(connection) as asked:
            kpi = report(client, "year=2026").context["report"].kpis[0]
        return int(kpi.value), sum("COUNT" in query["sql"] for query in asked.captured_queries)

    first, counted = open_now()
    again, less = open_now()
    assert again == first
    assert less < counted - 4
    one = Opportunity.objects.filter(status="assigned").first()
    Opportunity.objects.filter(pk=one.pk).update(status="lost", closed_at=timezone.now(), lost_reason="价格")
    assert open_now()[0] == first - 1, "a statement that no model method sends"
    opportunity_row(dice, "assigned")
    assert open_now()[0] == first
    Opportunity.objects.filter(pk=one.pk).delete()
    opportunity_row(dice, "unassigned")
    assert open_now()[0] == first + 1


def test_another_view_is_counted_anew(dice, sign_in):
    def open_of(user):
        return int(report(sign_in(user), "year=2026").context["report"].kpis[0].value)

    everything = open_of(dice.executive)
    assert open_of(dice.eastern) < everything
    assert open_of(dice.executive) == everything
    before = open_of(dice.supervisor)
    moved = Opportunity.objects.filter(status="assigned", assignee=dice.stranger).count()
    dice.stranger.department = dice.manager.department
    dice.stranger.save()
    assert moved
    assert open_of(dice.supervisor) == before + moved, "their owner is in the supervisor's department now"


def test_marks_are_cleared_but_for_the_newest(dice):
    stamp = opportunity_version()
    assert stamp
    OpportunityChange.objects.update(at=timezone.now() - timedelta(days=9))
    forget_old_marks()
    assert OpportunityChange.objects.count() == 1
    assert opportunity_version()[0] == stamp[0]
