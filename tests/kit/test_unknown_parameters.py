"""Query parameters a page does not know: reported on every list and report, and never exported."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from crm.role_check import routes
from kit.lists.list_page import ListPage
from kit.pages.unknown_parameters import describe_unknown_names
from reports.report_page import ReportPage
from tests import factories
from tests.addresses import filled
from tests.exports import export
from tests.html import find_all, text, urls
from tests.walks import tab_field

pytestmark = pytest.mark.django_db
OPPORTUNITIES = "/marketing/opportunities/"
LISTS = sorted({path for _, path, view in routes() if issubclass(view, ListPage)})
REPORTS = sorted({path for _, path, view in routes() if issubclass(view, ReportPage)})
TABBED = sorted({path for _, path, view in routes() if issubclass(view, ListPage) and tab_field(view)})


@pytest.fixture
def enter(company, sign_in):
    """(path) returns a client of the first user who may open the page, and its URL for one of their records."""
    customer = factories.CustomerFactory(manager=company.manager)

    def find(path):
        url = filled(path, customer.pk)
        for person in (company.manager, company.supervisor, company.executive, company.administrator):
            client = sign_in(person)
            if client.get(url).status_code == 200:
                return client, url
        raise AssertionError(path)

    return find


RESET_LINK = "清除全部条件"


def notes(answer):
    """Return the messages about unknown parameters, without the reset link behind each."""
    messages = [text(note) for note in find_all(answer, '.msg.amber[role="status"]', containing=RESET_LINK)]
    assert all(note.endswith(f" {RESET_LINK}") for note in messages)
    return [note.removesuffix(f" {RESET_LINK}") for note in messages]


@pytest.mark.parametrize("path", [*LISTS, *REPORTS])
def test_a_list_or_report_without_parameters_reports_nothing(path, enter):
    client, url = enter(path)
    assert notes(client.get(url, {"utm_source": "mail", "from": "singlemessage"})) == []


@pytest.mark.parametrize("path", [*LISTS, *REPORTS])
def test_an_unknown_parameter_is_named_and_not_exported(path, enter):
    client, url = enter(path)
    assert notes(client.get(url, {"statu": "lost"})) == ["这里没有「statu」这个条件，没有按它筛选。"]
    refused = export(client, url, "csv", statu="lost")
    assert refused.status_code in (400, 403)
    assert refused.status_code == 403 or "没有导出：这里没有「statu」这个条件" in text(refused)


@pytest.mark.parametrize("path", TABBED)
def test_an_unknown_tab_is_named_and_all_rows_are_shown(path, enter):
    client, url = enter(path)
    field = next(tab_field(view) for _, route, view in routes() if route == path)
    assert notes(client.get(url, {field: "gone"})) == ["没有「gone」这一类，现在显示全部。"]
    assert export(client, url, "csv", **{field: "gone"}).status_code in (400, 403)


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_order_page_or_page_size_is_reported_with_the_default(path, enter):
    client, url = enter(path)
    (words,) = notes(client.get(url, {"sort": "-secret", "page": "999", "page_size": "7"}))
    assert "不能按「-secret」排序，现在按默认的顺序。" in words
    assert re.search(r"没有第「999」页，共 (\d+) 页，现在显示第 \1 页。", words)
    assert "每页可以是 10、20、50、100 条，不能是「7」，现在每页 20 条。" in words


@pytest.mark.parametrize("page", ["abc", "0", "-1", "1.5", "1" + "0" * 30])
def test_an_invalid_page_number_is_reported(page, company, sign_in):
    assert "现在显示第 1 页。" in notes(sign_in(company.manager).get(OPPORTUNITIES, {"page": page}))[0]


@pytest.mark.parametrize("query", ["open=abc", "open=2", "department=999", "created_from=昨天", "keeper=abc", "own=ja"])
def test_a_wrong_value_of_a_filter_shows_no_row_and_exports_nothing(query, company, sign_in):
    factories.opportunity(company.manager)
    client = sign_in(company.manager)
    assert client.get(f"{OPPORTUNITIES}?{query}").context["table"] == []
    refused = export(client, f"{OPPORTUNITIES}?{query}")
    assert (refused.status_code, "没有导出" in text(refused)) == (400, True)


@pytest.mark.parametrize("value", ["abc", "0", "no"])
def test_an_invalid_value_of_a_checkbox_is_refused(value, company, sign_in):
    answer = sign_in(company.manager).get(reverse("customers:customer_list"), {"incomplete": value})
    assert "看不懂这个值" in text(answer)


def test_two_values_of_one_parameter_are_reported(company, sign_in):
    client = sign_in(company.manager)
    assert "不同的「status」，只按最后一个「won」" in notes(client.get(f"{OPPORTUNITIES}?status=lost&status=won"))[0]
    assert notes(client.get(f"{OPPORTUNITIES}?status=won&status=won")) == []
    assert export(client, f"{OPPORTUNITIES}?status=lost&status=won").status_code == 400


@pytest.mark.parametrize("path", REPORTS)
def test_a_report_computes_and_exports_nothing_for_a_wrong_value(path, enter):
    client, url = enter(path)
    page = client.get(url)
    wrong_values = {
        name: "nonsense" for name, field in page.context["view"].form.fields.items() if hasattr(field, "choices")
    }
    for name, value in wrong_values.items():
        answer = client.get(url, {name: value})
        assert answer.context["report"].empty
        assert notes(answer) or answer.context["view"].form.errors[name]
        assert export(client, url, "csv", **{name: value}).status_code in (400, 403)


def test_markup_in_a_url_is_escaped(company, sign_in):
    answer = sign_in(company.manager).get(OPPORTUNITIES, {"status": "<script>alert(1)</script>"})
    assert notes(answer) == ["没有「<script>alert(1)</script>」这一类，现在显示全部。"]
    assert "<script>alert" not in answer.content.decode()
    assert find_all(answer, "script:not([src])") == []


def test_tracking_parameters_of_other_programs_are_ignored():
    tracking = {"utm_source": "x", "gclid": "1", "spm": "a", "from": "timeline", "isappinstalled": "0", "_": "1"}
    assert describe_unknown_names({**tracking, "blank": " "}, ()) == []


def test_every_link_of_the_home_page_has_only_known_parameters(company, sign_in):
    for person in (company.manager, company.supervisor, company.executive):
        client = sign_in(person)
        queries = {url for url in urls(client.get("/")) if url.startswith("/") and "?" in url}
        assert queries
        for url in queries:
            assert notes(client.get(url)) == [], url


@pytest.mark.parametrize("query", ["tab=lost", "tab=INFO"])
def test_a_part_of_a_customer_that_does_not_exist_is_not_found(query, company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    client = sign_in(company.manager)
    assert client.get(f"{customer.get_absolute_url()}?{query}").status_code == 404
    assert client.get(f"{customer.get_absolute_url()}?tab=info").status_code == 200


@pytest.mark.parametrize("year", ["abc", "1850", "２０２６", "9" * 20])
def test_a_year_without_calendar_is_reported(year, company, sign_in):
    client = sign_in(company.manager)
    (words,) = notes(client.get("/basedata/calendar/", {"year": year}))
    assert re.match("没有「.+」年的日历，现在显示 20.. 年。", words)
    assert notes(client.get("/basedata/calendar/", {"year": "2026"})) == []


def test_an_invalid_position_in_the_history_is_reported(company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    answer = sign_in(company.manager).get(f"/customers/{customer.pk}/history/", {"before": "abc"})
    assert notes(answer) == ["没有「abc」这个位置，现在从最新的记录开始显示。"]


def test_a_submission_of_a_report_that_does_not_exist_is_not_found(company, sign_in):
    report = factories.monthly_report(company.supervisor, "submitted")
    client = sign_in(company.supervisor)
    assert client.get(f"{report.get_absolute_url()}?submission=1").status_code == 200
    assert client.get(f"{report.get_absolute_url()}?submission=9").status_code == 404
