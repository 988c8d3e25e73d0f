"""客户服务分析: figures equal to a count by hand on random data; every figure leads to the rows behind it."""

from __future__ import annotations

import io
import random
from collections import Counter
from datetime import datetime
from decimal import Decimal
from statistics import median, quantiles

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from basedata.models import DictionaryEntry
from customers.models import Customer
from reports.periods import year_period
from reports.queries import service
from reports.queries.service import BASES
from services.models import COMPLAINT, ServiceChange, ServiceRequest, forget_old_marks
from tests import factories
from tests.exports import export
from tests.html import text
from tests.reports.rows import SHANGHAI, local, request_row

pytestmark = pytest.mark.django_db
PAGE = "/reports/services/"
YEAR = year_period(2026)


@pytest.mark.parametrize("who", ["executive", "supervisor"])
@pytest.mark.parametrize("by", ["kind", "assignee"])
def test_groups_equal_a_count_by_hand(work, who, by):
    rows = service.created_in(ServiceRequest.objects.visible_to(getattr(work, who)), YEAR)
    mine = [one for one in ServiceRequest.objects.visible_to(getattr(work, who)) if local(one.created_at).year == 2026]
    group_by_value = service.groups(rows, F(by))
    assert set(group_by_value) == {getattr(one, f"{by}_id") for one in mine}
    for key, group in group_by_value.items():
        theirs = [one for one in mine if getattr(one, f"{by}_id") == key]
        scores = [one.satisfaction for one in theirs if one.satisfaction]
        minutes = [one.minutes_to_handle for one in theirs if one.minutes_to_handle is not None]
        assert group.requests == len(theirs)
        assert group.answers == len(scores)
        assert group.by_customer == sum(one.satisfaction_by == "customer" for one in theirs)
        assert group.content == sum(score >= 4 for score in scores)
        assert group.returns == sum(one.returns for one in theirs)
        assert group.mean == (Decimal(sum(scores)) / len(scores) if scores else None)
        assert group.median_hours == (Decimal(median(minutes)) / 60 if minutes else None)
        slow = sorted(minutes)[-(-9 * len(minutes) // 10) - 1] if minutes else None
        assert group.slow_hours == (Decimal(slow) / 60 if minutes else None)
    total = service.total(group_by_value.values())
    assert (total.requests, sum(total.minutes.values())) == (len(mine), sum(bool(o.minutes_to_handle) for o in mine))


@pytest.mark.parametrize(
    ("values", "middle", "slow"),
    [
        ([], None, None),
        ([7], 7, 7),
        ([1, 2], Decimal("1.5"), 2),
        ([1, 2, 9], 2, 9),
        (list(range(1, 11)), Decimal("5.5"), 9),
    ],
)
def test_middle_and_ninetieth(values, middle, slow):
    counts = Counter(values)
    assert service.median(counts) == middle
    assert service.ninetieth(counts) == slow


def test_the_ninetieth_is_near_what_a_library_says():
    rng = random.Random(3)
    values = [rng.randint(1, 5000) for _ in range(2000)]
    library = quantiles(values, n=10, method="inclusive")[-1]
    assert abs(float(service.ninetieth(Counter(values))) - library) < 10


def test_repeat_complaints(work):
    rows = service.created_in(ServiceRequest.objects.visible_to(work.executive), YEAR)
    complaints = [
        one for one in ServiceRequest.objects.all() if local(one.created_at).year == 2026 and str(one.kind) == "投诉"
    ]
    counts = Counter(one.party for one in complaints)
    complainers = service.repeat_complaints(rows)
    assert {one.name: one.times for one in complainers} == {name: n for name, n in counts.items() if n > 1}
    assert complainers[0].times == max(counts.values())
    for one in complainers:
        days = sorted(local(c.created_at) for c in complaints if c.party == one.name)
        assert (one.first, one.last) == (days[0], days[-1])


@pytest.mark.parametrize(("at", "year"), [("2025-12-31T15:59:59Z", 2025), ("2025-12-31T16:00:00Z", 2026)])
def test_a_request_counts_in_the_shanghai_year_of_its_creation(company, at, year):
    request_row(company, 1, created_at=datetime.fromisoformat(at.replace("Z", "+00:00")))
    rows = ServiceRequest.objects.all()
    counted = {period_year: service.created_in(rows, year_period(period_year)).count() for period_year in (2025, 2026)}
    assert counted == {period_year: int(period_year == year) for period_year in (2025, 2026)}
    assert year in service.years_of(rows)


# The page


def report(client, query=""):
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return response


def behind(client, url):
    response = client.get(url)
    assert response.status_code == 200, url
    return response.context["pager"].total


@pytest.mark.parametrize("by", BASES)
@pytest.mark.parametrize(("who", "query"), [("executive", "year=all"), ("supervisor", "year=2026&department={north}")])
def test_every_figure_equals_the_list_it_leads_to(work, sign_in, by, who, query):
    client = sign_in(getattr(work, who))
    figures = report(client, f"by={by}&{query.format(north=work.north.pk)}").context["report"]
    main, repeated = figures.tables
    assert behind(client, figures.kpis[0].url) == int(figures.kpis[0].value) == sum(row.requests for row in main.rows)
    assert behind(client, figures.kpis[1].url) == main.total.answers
    assert behind(client, figures.kpis[2].url) == main.total.content
    checked = 0
    for table, rows in ((main, [*main.rows, main.total]), (repeated, repeated.rows)):
        for column in table.columns:
            for row in rows if getattr(column, "url", None) and not column.of and column.label != "退回" else ():
                assert behind(client, column.url(row)) == column.get(row), (column.label, column.url(row))
                checked += 1
    assert checked > 9
    assert sum(row.share for row in main.rows) == Decimal("100.0")


def test_types_without_a_request_are_listed_and_the_basis_is_shown(company, sign_in):
    request_row(company, 1, assignee=company.manager, satisfaction=5, satisfaction_by="customer", minutes_to_handle=90)
    response = report(sign_in(company.executive), "year=2026")
    table = response.context["report"].tables[0]
    assert [(row.label, row.requests) for row in table.rows] == [("咨询", 1), ("建议", 0), ("投诉", 0)]
    page_text = text(response)
    for words in ("1 条评价：客户 1，客户经理代录 0", "1.5", "时长为工作时间", "没有投诉两次以上的客户", "合计"):
        assert words in page_text


def test_scope_permissions_and_odd_filters(company, sign_in):
    request_row(company, 1, manager=company.stranger, organisation="海外的单位")
    assert report(sign_in(company.supervisor), "year=2026").context["report"].empty
    assert not report(sign_in(company.executive), "year=2026").context["report"].empty
    assert sign_in(company.manager).get(PAGE).status_code == 403
    client = sign_in(company.executive)
    for query in ("year=x", "by=zzz", "department=zz", "page=0&sort=x"):
        report(client, query)
    archive = "/services/archive/?status=all&"
    for query in ("assignee=x", "department=zz", "stars_from=9", "rated_by=x", "organisation=x", "unassigned=1"):
        assert client.get(archive + query).status_code == 200


def test_workbook_and_queries(work, sign_in, django_assert_max_num_queries):
    client = sign_in(work.executive)
    with django_assert_max_num_queries(24):
        cells = report(client, "year=2026&by=month").context["report"]
    book = load_workbook(io.BytesIO(export(client, f"{PAGE}?year=2026&by=month", "xlsx").content))
    sheet = book["客户服务分析"]
    assert len(sheet._charts) == 1
    content = [row[1:3] for row in sheet.iter_rows(values_only=True)]
    assert all((row.label, row.requests) in content for row in cells.tables[0].rows)
    assert ("合计", cells.tables[0].total.requests) in content


def test_an_unchanged_report_is_cached_and_a_changed_one_recomputed(company, sign_in):
    """Any write of the tables ends the cached result."""
    seen = factories.CustomerFactory(manager=company.manager, name="滨城热电")
    for number in range(2):
        request_row(company, number, customer=seen, kind=factories.entry("服务类型", "投诉"))
    client = sign_in(company.executive)

    def opened():
        with CaptureQueriesContext(connection) as asked:
            found = report(client, "year=2026").context["report"]
        about = [one["sql"] for one in asked if "COUNT" in one["sql"] and "services_servicerequest" in one["sql"]]
        repeated = [(one.name, one.times) for one in found.tables[1].rows]
        return int(found.kpis[0].value), repeated, len([sql for sql in about if "GROUP BY" in sql])

    assert opened() == (2, [("滨城热电", 2)], 3)
    assert opened() == (2, [("滨城热电", 2)], 0)
    request_row(company, 2)
    assert opened()[:2] == (3, [("滨城热电", 2)])
    Customer.objects.filter(pk=seen.pk).update(name="滨城供热")
    assert opened()[:2] == (3, [("滨城供热", 2)])
    ServiceRequest.objects.filter(customer=seen).update(kind=factories.entry("服务类型", "建议"))
    assert opened()[:2] == (3, [])
    for item, value in (("投诉", "9"), ("建议", COMPLAINT)):
        DictionaryEntry.objects.filter(category="服务类型", item=item).update(value=value)
    assert opened()[:2] == (3, [("滨城供热", 2)])


def test_many_repeat_complaints_are_paged(company, sign_in):
    kind = factories.entry("服务类型", "投诉")
    for number in range(60):
        request_row(company, number, organisation=f"单位{number % 25:02}", kind=kind)
    client = sign_in(company.executive)
    first, second = (text(report(client, f"year=2026&page={page}")) for page in (1, 2))
    assert ("单位09" in first, "单位24" in first) == (True, False)
    assert ("单位09" in second, "单位24" in second) == (False, True)
    assert "单位24" in text(report(client, "year=2026&sort=-name"))
    book = load_workbook(io.BytesIO(export(client, f"{PAGE}?year=2026", "xlsx").content))
    assert any("单位24" in map(str, row) for sheet in book for row in sheet.iter_rows(values_only=True))


def test_marks_of_requests_are_cleared_but_for_the_newest(company):
    request_row(company, 1)
    newest = ServiceChange.stamp()
    ServiceChange.objects.update(at=datetime(2026, 1, 1, tzinfo=SHANGHAI))
    assert forget_old_marks() == f"清除 {newest[1] - 1} 行"
    assert ServiceChange.stamp()[0] == newest[0]
