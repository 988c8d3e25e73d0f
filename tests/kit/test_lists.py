"""List pages: tabs, filters, order, paging, empty states and exports, tested on 销售机会管理."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from marketing.models import Opportunity
from tests import factories
from tests.exports import export
from tests.html import errors, find, find_all, links, parse, tabs, text, texts, urls

pytestmark = pytest.mark.django_db
LIST = "/marketing/opportunities/"


def page(client, query="", **headers):
    response = client.get(f"{LIST}?{query}", headers=headers)
    assert response.status_code == 200
    return response


def names(answer):
    """Return the customers' names of the rows, in order."""
    links = find_all(answer, f'table.tbl tbody td.m-t > a[href^="{LIST}"]')
    assert len(links) == len(find_all(answer, "table.tbl tbody tr"))
    return [text(link) for link in links]


def hidden(answer, selector):
    """Return {name: value} of a form's hidden inputs."""
    return {field.get("name"): field.get("value") for field in find_all(answer, f"{selector} input[type=hidden]")}


@pytest.fixture
def five(company):
    """Create an opportunity of each state and a second unassigned one."""
    manager, supervisor = company.manager, company.supervisor
    factories.opportunity(manager, customer_name="沈阳北辰重型机械", summary="压力变送器", contact_name="高峰")
    factories.opportunity(manager, customer_name="天津海河水务", summary="流量计改造", contact_name="高远")
    factories.assigned(
        manager, supervisor, manager, customer_name="北京首钢", summary="压力表更换", contact_name="李敏"
    )
    factories.won(manager, supervisor, manager, customer_name="青岛港务", summary="液位计", contact_name="王海")
    factories.lost(
        manager, supervisor, company.colleague, customer_name="济南机床", summary="压力传感", contact_name=""
    )


def many(company, count, **values):
    """Create opportunities, the newest last."""
    start = timezone.now() - timedelta(days=count)
    Opportunity.objects.bulk_create(
        Opportunity(
            created_by=company.manager,
            created_at=start + timedelta(hours=n),
            **{**factories.OPPORTUNITY, "customer_name": f"客户{n:04d}", "success_rate": n % 7, **values},
        )
        for n in range(count)
    )


# Tabs


def test_the_list_opens_on_unassigned_with_counts_for_every_state(five, company, sign_in):
    answer = page(sign_in(company.manager))
    assert set(names(answer)) == {"沈阳北辰重型机械", "天津海河水务"}
    assert tabs(answer) == [("全部", "5"), ("未分配", "2"), ("已指派", "1"), ("开发成功", "1"), ("开发失败", "1")]
    assert texts(answer, 'nav.states a[aria-current="page"]') == ["未分配2"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("assigned", {"北京首钢"}),
        ("won", {"青岛港务"}),
        ("lost", {"济南机床"}),
        ("all", {"沈阳北辰重型机械", "天津海河水务", "北京首钢", "青岛港务", "济南机床"}),
    ],
)
def test_each_tab_shows_its_state(status, expected, five, company, sign_in):
    assert set(names(page(sign_in(company.manager), f"status={status}"))) == expected


def test_tab_counts_follow_the_filters(five, company, sign_in):
    answer = page(sign_in(company.manager), "summary=压力")
    assert tabs(answer) == [("全部", "3"), ("未分配", "1"), ("已指派", "1"), ("开发成功", "0"), ("开发失败", "1")]


def test_counts_above_999_say_so_and_the_pager_still_counts(company, sign_in):
    many(company, 1001)
    answer = page(sign_in(company.manager))
    assert ("未分配", "999+") in tabs(answer)
    assert "共 1001 条记录" in text(answer)


# Filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("customer_name=北", {"沈阳北辰重型机械", "北京首钢"}),
        ("customer_name=北辰", {"沈阳北辰重型机械"}),
        ("summary=压", {"沈阳北辰重型机械", "北京首钢", "济南机床"}),
        ("summary=流量", {"天津海河水务"}),
        ("contact_name=高", {"沈阳北辰重型机械", "天津海河水务"}),
        ("contact_name=高远", {"天津海河水务"}),
        ("customer_name=北&summary=压力&contact_name=李", {"北京首钢"}),
        ("customer_name=北&summary=流量", set()),
        ("customer_name=%25", set()),  # no wildcard: a percent sign is a percent sign
        ("customer_name=_", set()),
    ],
)
def test_text_filters_contain_and_combine(query, expected, five, company, sign_in):
    assert set(names(page(sign_in(company.manager), f"status=all&{query}"))) == expected


def test_the_assignee_filter_lists_the_users_in_view_scope(five, company, sign_in):
    client = sign_in(company.manager)
    assert set(names(page(client, f"status=all&assignee={company.colleague.pk}"))) == {"济南机床"}
    options = text(find(page(client), "form.qf #pick_assignee"))
    assert "陈同事" in options
    assert "王华东" not in options
    assert "外人甲" not in options


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("created_from=2025-11-24", ["d 24 end", "c 24 start", "e 25"]),
        ("created_to=2025-11-23", ["b 23 end", "a 22"]),
        ("created_from=2025-11-24&created_to=2025-11-24", ["d 24 end", "c 24 start"]),
        ("created_from=2025-11-25&created_to=2025-11-24", []),
    ],
)
def test_date_filters_mean_whole_days_in_shanghai(query, expected, company, sign_in):
    created_by_name = {
        "a 22": datetime(2025, 11, 22, 12),
        "b 23 end": datetime(2025, 11, 23, 23, 59, 59),
        "c 24 start": datetime(2025, 11, 24),
        "d 24 end": datetime(2025, 11, 24, 23, 59, 59),
        "e 25": datetime(2025, 11, 25),
    }
    for name, created_at in created_by_name.items():
        factories.opportunity(company.manager, customer_name=name, created_at=timezone.make_aware(created_at))
    assert sorted(names(page(sign_in(company.manager), query))) == sorted(expected)


@pytest.mark.parametrize(
    ("query", "message"),
    [("assignee=abc", "选择"), ("created_from=昨天", "请填写日期"), ("created_to=2025-02-30", "请填写日期")],
)
def test_a_wrong_filter_shows_no_row_and_says_why(query, message, five, company, sign_in):
    answer = page(sign_in(company.manager), query)
    assert names(answer) == []
    (error,) = errors(answer)
    assert message in error


def test_an_applied_filter_is_a_pill_that_takes_it_away(five, company, sign_in):
    answer = page(sign_in(company.manager), f"status=all&customer_name=北&assignee={company.manager.pk}")
    pills = links(answer, "a.pill")
    assert [words for words, _ in pills] == ["去掉条件 客户名称 北", "去掉条件 指派给 周经理"]
    without = parse_qs(urlsplit(pills[0][1]).query)
    assert without == {"status": ["all"], "assignee": [str(company.manager.pk)]}


def test_filters_survive_tabs_sorting_paging_and_page_size(company, sign_in):
    many(company, 45)
    answer = page(sign_in(company.manager), "customer_name=客户&sort=success_rate&page_size=10&page=2")
    for part in ("nav.states", "table.tbl thead", "div.pager"):
        hrefs = urls(answer, f"{part} a[href]")
        assert (part, len(hrefs) >= 4) == (part, True)
        for href in hrefs:
            query = parse_qs(urlsplit(href).query)
            assert (query["customer_name"], query["page_size"]) == (["客户"], ["10"])
            assert (part, "page" in query) == (part, part == "div.pager")
    parameters = hidden(answer, "div.pager")
    assert (parameters["customer_name"], parameters["sort"]) == ("客户", "success_rate")


def test_order_and_page_size_survive_a_new_query(company, sign_in):
    answer = page(sign_in(company.manager), "sort=success_rate&page_size=50&status=assigned")
    assert hidden(answer, "form.qf") == {"status": "assigned", "sort": "success_rate", "page_size": "50"}


# Order


@pytest.mark.parametrize("descending", [False, True])
def test_rows_are_sorted_by_a_declared_column(descending, company, sign_in):
    for rate in (50, 10, 90):
        factories.opportunity(company.manager, customer_name=f"{rate:03d}", success_rate=rate)
    answer = page(sign_in(company.manager), f"sort={'-' if descending else ''}success_rate")
    assert names(answer) == sorted(["010", "050", "090"], reverse=descending)
    sorted_header = find(answer, "table.tbl thead th[aria-sort]")
    assert (text(sorted_header), sorted_header.get("aria-sort")) == (
        "成功机率",
        "descending" if descending else "ascending",
    )


@pytest.mark.parametrize(
    "sort", ["description", "assignee__password", "-pk;drop table", "created_by__name", "pk", "--created_at", "?", "-"]
)
def test_an_undeclared_order_is_ignored(sort, company, sign_in):
    many(company, 5)
    client = sign_in(company.manager)
    assert names(page(client, f"sort={sort}")) == names(page(client))
    assert names(page(client)) == ["客户0004", "客户0003", "客户0002", "客户0001", "客户0000"]


def test_equal_rows_are_neither_repeated_nor_lost_between_pages(company, sign_in):
    many(company, 25, success_rate=50)
    client = sign_in(company.manager)
    all_names = [name for n in (1, 2, 3) for name in names(page(client, f"sort=success_rate&page_size=10&page={n}"))]
    assert sorted(all_names) == [f"客户{n:04d}" for n in range(25)]


# Paging


@pytest.mark.parametrize(
    ("page_number", "shown_page"),
    [
        ("1", 1), ("3", 3), ("4", 3), ("999999", 3), ("0", 1), ("-1", 1), ("abc", 1), ("", 1), ("1.5", 1),
        ("1" + "0" * 30, 1),
    ],
)  # fmt: skip
def test_a_page_out_of_range_shows_the_nearest_or_the_first(page_number, shown_page, company, sign_in):
    many(company, 25)
    answer = page(sign_in(company.manager), f"page_size=10&page={page_number}")
    assert find(answer, 'div.pager input[name="page"]').get("value") == str(shown_page)
    assert "/ 3 页" in text(find(answer, "div.pager"))
    assert len(names(answer)) == (5 if shown_page == 3 else 10)


@pytest.mark.parametrize(
    ("page_size", "rows"), [("10", 10), ("20", 20), ("50", 50), ("100", 60), ("7", 20), ("100000", 20), ("x", 20)]
)
def test_only_the_offered_page_sizes_count(page_size, rows, company, sign_in):
    many(company, 60)
    assert len(names(page(sign_in(company.manager), f"page_size={page_size}"))) == rows


def test_counting_ends_at_the_cap_and_says_so(company, sign_in, monkeypatch):
    monkeypatch.setattr("kit.lists.paging.MAX_COUNT", 30)
    monkeypatch.setattr("kit.lists.list_page.MAX_COUNT", 30)
    many(company, 45)
    pager = find(page(sign_in(company.manager), "page_size=10&page=5"), "div.pager")
    assert "共 30+ 条记录" in text(pager)
    assert "请缩小范围" in text(pager)
    assert "/ 3 页" in text(pager)
    assert find(pager, 'input[name="page"]').get("value") == "3"


def test_a_list_that_just_fits_the_cap_is_counted_exactly(company, sign_in, monkeypatch):
    monkeypatch.setattr("kit.lists.paging.MAX_COUNT", 30)
    many(company, 30)
    answer = page(sign_in(company.manager))
    assert "共 30 条记录" in text(answer)
    assert "请缩小范围" not in text(answer)


# Nothing to show


def test_an_empty_list_says_what_to_do_first(company, sign_in):
    empty = find(page(sign_in(company.manager)), "div.empty")
    assert "查无记录" in text(empty)
    assert "还没有销售机会" in text(empty)
    assert urls(empty) == ["/marketing/opportunities/new/"]


def test_an_empty_list_links_creating_only_for_users_with_the_permission(company, sign_in):
    answer = page(sign_in(company.executive))
    assert "查无记录" in text(find(answer, "div.empty"))
    assert "/marketing/opportunities/new/" not in answer.content.decode()


def test_without_results_the_page_names_the_filters_and_links_without_each(five, company, sign_in):
    empty = find(page(sign_in(company.manager), "status=all&customer_name=没有&summary=压力"), "div.empty")
    assert "「客户名称 没有」「概要 压力」" in text(empty)
    ways_on = {words: urlsplit(url) for words, url in links(empty)}
    assert ways_on["清除全部条件"].geturl() == LIST
    assert ways_on["只去掉「客户名称 没有」"].query == "status=all&summary=%E5%8E%8B%E5%8A%9B"


def test_an_empty_tab_leads_to_the_other_states(company, sign_in):
    factories.opportunity(company.manager)
    empty = find(page(sign_in(company.manager), "status=won"), "div.empty")
    assert "这个状态下没有记录，其他状态下有。" in text(empty)
    assert links(empty) == [("查看全部", "/marketing/opportunities/?status=all")]


# htmx


def test_htmx_gets_the_list_without_the_page_around_it(five, company, sign_in):
    answer = page(sign_in(company.manager), "", **{"HX-Request": "true", "HX-Target": "list"})
    fragment = parse(answer)
    assert fragment.tag != "html"
    assert [part.get("id") for part in fragment] == ["list", "export"]
    assert not (fragment.text or "").strip()
    assert set(names(answer)) == {"沈阳北辰重型机械", "天津海河水务"}
    assert find(answer, "#export").get("hx-swap-oob") == "true"


def test_htmx_for_another_target_gets_the_whole_page(five, company, sign_in):
    answer = page(sign_in(company.manager), "", **{"HX-Request": "true", "HX-Target": "main"})
    assert parse(answer).tag == "html"
    assert find(answer, "main section#list") is not None


def test_the_whole_page_and_the_fragment_are_cached_apart(company, sign_in):
    assert "HX-Request" in sign_in(company.manager).get(LIST)["Vary"]


# Rows and their actions


def test_a_row_shows_the_allowed_actions_and_why_others_are_refused(company, sign_in):
    factories.opportunity(company.colleague)
    supervisor, manager = (page(sign_in(person)) for person in (company.supervisor, company.manager))
    assert "指派" in texts(supervisor, "div.ra a[href]")
    assert "指派" not in texts(manager, "a[href]")
    assert "编辑" in texts(manager, "div.ra a[href]")
    assert "只有创建人（陈同事）可以删除。" in texts(manager, "div.ra span small")


def test_an_executive_sees_rows_without_actions(five, company, sign_in):
    answer = page(sign_in(company.executive), "status=all")
    assert texts(answer, "table.tbl tbody div.ra") == ["查看"] * 5
    labels = texts(answer, "main a, main button, main summary")
    assert not {"指派", "编辑", "删除", "改派", "制定计划"} & set(labels)


# Export


def read_xlsx(response):
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def read_csv(response):
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.mark.parametrize(("kind", "read"), [("xlsx", read_xlsx), ("csv", read_csv)])
def test_an_export_holds_the_filtered_rows_of_all_pages(kind, read, company, sign_in):
    many(company, 30)
    factories.opportunity(company.manager, customer_name="别的")
    factories.opportunity(company.stranger, customer_name="客户看不见")
    query = "customer_name=客户&sort=customer_name&page_size=10&page=2"
    response = export(sign_in(company.manager), f"{LIST}?{query}", kind)
    head, *rows = read(response)
    assert head[:4] == ["编号", "客户名称", "概要", "状态"]
    assert [row[1] for row in rows] == [f"客户{n:04d}" for n in range(30)]
    assert response["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_an_export_leaves_an_audit_row_with_count_and_conditions(five, company, sign_in):
    export(sign_in(company.supervisor), f"{LIST}?status=all&summary=压力")
    entry = AuditEntry.objects.get(verb="导出")
    assert (entry.actor, entry.object_text) == (company.supervisor, "销售机会管理")
    assert entry.changes["行数"] == ["", "3"]
    assert entry.changes["条件"] == ["", "status = all；summary = 压力"]


@pytest.mark.parametrize("person", ["administrator", "nobody"])
def test_an_export_without_the_permission_is_refused(person, five, company, sign_in):
    assert export(sign_in(getattr(company, person)), LIST).status_code == 403
    assert not AuditEntry.objects.filter(verb="导出").exists()


def test_a_role_without_the_permission_neither_sees_nor_gets_an_export(five, company, sign_in):
    role = Role.objects.get(code="account_manager")
    role.permissions.remove(role.permissions.get(codename="export_opportunity"))
    client = sign_in(company.manager)
    assert find_all(page(client), "#export, [name=export]") == []
    assert export(client, LIST, "xlsx").status_code == 403


def test_an_unknown_export_format_leads_back_with_a_message(five, company, sign_in):
    client = sign_in(company.manager)
    response = client.get(export(client, f"{LIST}?summary=压力", "pdf")["Location"])
    assert "只能导出为 xlsx 或 csv。" in response.content.decode()
    assert parse_qs(response.request["QUERY_STRING"]) == {"summary": ["压力"]}


def test_a_large_export_becomes_a_job_of_its_owner(five, company, sign_in, settings):
    settings.CRM_EXPORT_DIRECT_ROWS = 2
    response = export(sign_in(company.manager), f"{LIST}?status=all", "xlsx")
    job = Job.objects.get()
    assert response["Location"] == reverse("job_detail", args=[job.pk])
    assert (job.owner, job.arguments["total"]) == (company.manager, 4)  # of five, one is a colleague's


def test_more_rows_than_the_ceiling_are_not_exported(five, company, sign_in, settings):
    settings.CRM_EXPORT_MAX_ROWS = 3
    client = sign_in(company.manager)
    answer = export(client, f"{LIST}?status=all", "xlsx")
    assert "超过 3 行，不能一次导出。" in client.get(answer["Location"]).content.decode()


# Number of queries


@pytest.mark.parametrize("person", ["supervisor", "manager"])
@pytest.mark.parametrize(
    "url", ["/marketing/opportunities/?status=all", "/marketing/development/?status=all", "/customers/"]
)
def test_a_list_takes_the_same_few_queries_for_5_and_60_rows(
    person, url, company, sign_in, django_assert_max_num_queries
):
    client = sign_in(getattr(company, person))
    client.get(url)  # fills caches of the process, such as the content types
    counts = []
    for rows in (5, 60):
        while Opportunity.objects.count() < rows:
            record = factories.assigned(company.manager, company.supervisor, company.manager)
            factories.CustomerFactory(manager=company.manager)
            factories.plan_item(record, company.manager)
        with django_assert_max_num_queries(11) as captured:
            answer = client.get(f"{url}{'&' if '?' in url else '?'}page_size=100")
        assert len(find_all(answer, "div.ra")) == rows
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/marketing/opportunities/?created_from=abc", "「创建时间起」填写有误，请改正后再查询。"),
        ("/customers/?region=none", "「地区」填写有误，请改正后再查询。"),
    ],
)
def test_a_wrong_filter_is_not_taken_for_an_empty_list(url, words, company, sign_in):
    factories.opportunity(company.manager)
    empty = text(find(sign_in(company.manager).get(url), "div.empty"))
    assert words in empty
    assert "新建" not in empty
    assert "还没有" not in empty
