"""工作台, search, help, jobs, health, and every page free of one-query-per-row."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, transaction
from django.utils import timezone
from zeal import NPlusOneError, zeal_context
from zeal.constants import ALL_APPS, initialize_app_registry
from zeal.patch import patch

from crm.version import VERSION
from customers.imports import arrivals
from customers.imports.tasks import PREVIEWED_ROWS
from customers.models import Customer
from kit.jobs.models import DueRun, Job
from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories, html
from tests.exports import export
from tests.html import texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(company, sign_in):
    return sign_in(company.manager)


def body(client, address="/"):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def section(page, title):
    """Return the words of the only card under that heading."""
    (card,) = [card for card in html.find_all(page, "section.card") if html.texts(card, "header h2") == [title]]
    return html.text(card)


def menu(page):
    """Return (label, address, count) of every leaf of the main menu; where nothing waits the count is empty."""
    found = []
    for leaf in html.find_all(page, 'nav[aria-label="主导航"] a:not(.top)'):
        count = "".join(html.texts(leaf, "span.n"))
        found.append((html.text(leaf).removesuffix(count), leaf.get("href"), count))
    return found


# 工作台


def test_a_manager_sees_late_today_and_coming_items_of_own_opportunities(manager, company):
    mine = factories.assigned(company.manager, company.supervisor, company.manager)
    theirs = factories.assigned(company.manager, company.supervisor, company.colleague)
    closed = factories.assigned(company.manager, company.supervisor, company.manager)
    for days, text in ((-2, "迟了的事"), (0, "今天的事"), (3, "将来的事"), (8, "太远的事")):
        factories.plan_item(mine, company.manager, days=days, text=text)
    factories.plan_item(mine, company.manager, days=-1, text="做完的事", result="好")
    factories.plan_item(theirs, company.colleague, days=-1, text="同事的事")
    factories.plan_item(closed, company.manager, days=-1, text="关闭的事")
    closed.lose(by=company.manager, reason="价格")
    shown = section(body(manager), "待办")
    order = [shown.index(words) for words in ("已逾期 1", "迟了的事", "今天 1", "今天的事", "未来 7 天 1", "将来的事")]
    assert order == sorted(order)
    assert "逾期 2 天" in shown
    for words in ("太远的事", "做完的事", "同事的事", "关闭的事"):
        assert words not in shown
    assert "今天有 2 件事" in body(manager)


def test_the_heading_counts_what_the_page_lists_for_a_manager(manager, company):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    for days in (-2, 0, 3):
        factories.plan_item(record, company.manager, days=days)
    factories.assigned(company.manager, company.supervisor, company.manager, customer_name="没计划的")
    customer, today = factories.CustomerFactory(manager=company.manager), timezone.localdate()
    for days in (-3, -1, 0, 4):
        factories.interaction(
            customer, company.manager, on=today - timedelta(days=5), follow_up_on=today + timedelta(days=days)
        )
    requests = [factories.dispatched(company.manager, company.supervisor, company.manager) for _ in range(2)]
    ServiceRequest.objects.filter(pk=requests[0].pk).update(due_at=timezone.now() - timedelta(days=1))
    factories.handled(company.manager, company.supervisor, company.manager)
    factories.churn_case(company.manager)
    page = body(manager)
    # two plan items, one without a plan, three follow-ups, two requests to handle, one to feed back, one warning
    assert "今天有 10 件事" in page
    assert " · 有 4 件已逾期" in page


def test_the_heading_counts_what_the_page_lists_for_a_supervisor(company, sign_in, settings):
    settings.CRM_MONTHLY_REPORT_DAY = 0  # in the first days of a month its report counts as well
    for number in range(12):  # more than the sections show
        factories.opportunity(company.manager, customer_name=f"待指派{number}")
        factories.service_request(company.manager, summary=f"待分配{number}")
    ServiceRequest.objects.filter(summary="待分配3").update(due_at=timezone.now() - timedelta(days=1))
    factories.opportunity(company.stranger)
    page = body(sign_in(company.supervisor))
    assert "今天有 24 件事" in page
    assert " · 有 1 件已逾期" in page


def test_the_heading_of_a_supervisor_counts_what_is_late_in_the_team(company, sign_in):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    for days in (-3, -1, 0):
        factories.plan_item(record, company.manager, days=days)
    strangers = factories.assigned(company.stranger, company.outsider, company.stranger)
    factories.plan_item(strangers, company.stranger, days=-5)
    request = factories.dispatched(company.manager, company.supervisor, company.manager)
    ServiceRequest.objects.filter(pk=request.pk).update(due_at=timezone.now() - timedelta(days=1))
    assert texts(sign_in(company.supervisor).get("/"), "h1") == ["团队有 3 件逾期"]
    assert texts(sign_in(company.manager).get("/"), "h1") == ["今天有 4 件事"]  # own: three items and a request


def test_a_day_without_work_says_so(company, sign_in):
    assert texts(sign_in(company.executive).get("/"), "h1") == ["今天没有等您处理的事"]


def test_the_figures_say_whose_they_are(company, sign_in):
    for name, scope in (("manager", "本部门"), ("supervisor", "本部门及下级部门")):
        assert html.texts(body(sign_in(getattr(company, name))), "a.kpi em") == [scope] * 4


def test_a_manager_sees_opportunities_without_plan_and_customers_lacking_data(manager, company):
    factories.assigned(company.manager, company.supervisor, company.manager, customer_name="没计划的")
    with transaction.atomic():
        Customer.create(by=company.manager, name="缺资料的", manager=company.manager)
        Customer.create(by=company.manager, name="同事缺资料的", manager=company.colleague)
    page = body(manager)
    assert "没计划的" in section(page, "待办")
    assert "缺资料的" in section(page, "资料待补")
    assert "同事缺资料的" not in page


def test_a_supervisor_sees_what_to_assign_and_the_peoples_late_items(company, sign_in):
    factories.opportunity(company.manager, customer_name="等指派的")
    factories.opportunity(company.stranger, customer_name="别处的机会")
    late = factories.assigned(company.manager, company.supervisor, company.eastern)
    factories.plan_item(late, company.eastern, days=-3, text="华东迟了")
    elsewhere = factories.assigned(company.stranger, company.outsider, company.stranger)
    factories.plan_item(elsewhere, company.stranger, days=-3, text="海外迟了")
    page = body(sign_in(company.supervisor))
    assert "等指派的" in section(page, "待指派")
    assert "华东迟了" in section(page, "下属逾期的计划项")
    assert "别处的机会" not in page
    assert "海外迟了" not in page


def test_the_figures_count_ones_own_view(company, sign_in):
    factories.opportunity(company.manager)
    factories.assigned(company.manager, company.supervisor, company.manager)
    factories.won(company.manager, company.supervisor, company.manager, customer_name="甲")
    factories.lost(company.stranger, company.outsider, company.stranger)
    old = factories.lost(company.manager, company.supervisor, company.manager)
    Opportunity.objects.filter(pk=old.pk).update(closed_at=timezone.now() - timedelta(days=40))
    shown = {}
    for name in ("supervisor", "manager", "outsider"):
        tiles = html.find_all(body(sign_in(getattr(company, name))), ".kpi")
        shown[name] = {html.text(html.find(tile, "span")): html.text(html.find(tile, "b")) for tile in tiles}
    words = ("已指派、开发中", "未分配", "本月开发成功", "本月开发失败")
    assert shown["supervisor"] == dict(zip(words, "1110", strict=True))
    assert shown["manager"] == dict(zip(words, "1110", strict=True))
    assert shown["outsider"] == dict(zip(words, "0001", strict=True))


def test_an_administrator_sees_accounts_and_deeds_but_no_business_data(company, sign_in):
    factories.opportunity(company.manager, customer_name="不该看见的客户", summary="录入的概要")
    Job.objects.create(kind="导出销售机会管理", function="x", owner=company.manager, status="failed", result="磁盘满")
    page = body(sign_in(company.administrator))
    assert "无角色" in section(page, "用户与角色")
    assert "磁盘满" in section(page, "失败的后台任务")
    assert "周经理 新建 录入的概要" in section(page, "最近的操作")  # as in the trail, and nowhere else
    assert page.count("录入的概要") == 1
    assert "不该看见" not in page


def test_somebody_without_a_role_is_told_whom_to_ask(company, sign_in):
    page = body(sign_in(company.nobody))
    assert "您还没有角色。请联系系统管理员为您分配。" in page
    assert "销售机会" not in page


SELLING = ["销售机会管理", "客户开发计划", "客户信息管理", "客户流失管理", "提前预警", "历史订单查询"]
REPORTS = ["客户贡献分析", "客户构成分析", "客户服务分析", "客户流失分析", "销售漏斗", "客户管理报告"]
MASTER_DATA = ["数据字典", "工作日历", "服务时限", "产品信息查询", "库存数据查询"]
DISPATCHING = ["服务创建", "服务分配", "服务归档"]
SERVING = ["服务创建", "服务处理", "服务反馈", "服务归档"]


@pytest.mark.parametrize(
    ("person", "leaves"),
    [
        (
            "administrator",
            ["流失扫描", "已删除的客户", "用户", "角色", "部门", "审计记录", *MASTER_DATA, "数据同步"],
        ),
        ("supervisor", [*SELLING, "导入客户", "导入表格", "疑似重复客户", *DISPATCHING, *REPORTS, *MASTER_DATA]),
        ("manager", [*SELLING, "导入客户", "导入表格", *SERVING, "销售漏斗", *MASTER_DATA]),
        ("executive", [*SELLING, "服务归档", *REPORTS, *MASTER_DATA[3:]]),
        ("nobody", []),
    ],
)
def test_the_menu_holds_what_the_person_may_open(person, leaves, company, sign_in):
    client = sign_in(getattr(company, person))
    found = menu(body(client))
    assert [label for label, _, _ in found] == leaves
    for _, address, _ in found:
        assert client.get(address).status_code == 200


def test_the_menu_counts_what_waits_for_the_person(company, sign_in):
    factories.opportunity(company.manager)
    factories.opportunity(company.stranger)
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    factories.plan_item(record, company.manager, days=0)
    factories.plan_item(record, company.manager, days=1)
    counts = {
        name: [(label, count) for label, _, count in menu(body(sign_in(getattr(company, name)))) if count]
        for name in ("supervisor", "manager")
    }
    assert counts["supervisor"] == [("销售机会管理", "1")]
    assert counts["manager"] == [("客户开发计划", "1")]


# Search


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("海", True),
        ("海河", True),
        ("水务有限", True),
        ("hhsw", True),
        ("HHSW", True),
        ("haihe", True),
        ("高志", True),
        ("5555", True),
        ("022-66", True),
        ("X-77", True),
        ("x-7", False),  # the sales system's number in full only
        ("没有的", False),
        ("%", False),
        ("_", False),
        ("ihesw", False),
    ],
)
def test_customers_are_found_by_name_pinyin_number_contact_and_phone(text, found, manager, company):
    customer = factories.CustomerFactory(
        name="海河水务有限公司", phone="022-6666 1000", external_number="X-77", manager=company.manager
    )
    factories.ContactFactory(customer=customer, name="高志峰", office_phone="024-5555 6610")
    response = manager.get("/search/", {"q": text})
    assert response.status_code == 200
    assert (customer.get_absolute_url() in response.content.decode()) is found


def test_a_customer_is_found_by_its_number(manager, company):
    customer = factories.CustomerFactory(manager=company.manager)
    for text in (customer.number, customer.number.lower(), f"  {customer.number} "):
        assert customer.get_absolute_url() in manager.get("/search/", {"q": text}).content.decode()


@pytest.mark.parametrize("text", ["北", "北辰", "压力变送", "高峰", "5555 66"])
def test_opportunities_are_found_by_customer_summary_contact_and_phone(text, manager, company):
    record = factories.opportunity(company.manager)
    assert record.get_absolute_url() in manager.get("/search/", {"q": text}).content.decode()


def test_an_opportunity_is_found_by_its_number(manager, company):
    record = factories.opportunity(company.manager)
    assert record.get_absolute_url() in manager.get("/search/", {"q": str(record.pk)}).content.decode()


def test_nothing_outside_the_view_is_found(company, sign_in):
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    factories.ContactFactory(customer=customer, name="高志峰")
    record = factories.opportunity(company.manager, summary="压力变送器")
    for person in (company.stranger, company.outsider, company.eastern, company.administrator, company.nobody):
        client = sign_in(person)
        for text in ("海河", "高志峰", "压力变送器", customer.number, str(record.pk)):
            page = client.get("/search/", {"q": text}).content.decode()
            assert (person.name, text, customer.get_absolute_url() in page) == (person.name, text, False)
            assert (person.name, text, record.get_absolute_url() in page) == (person.name, text, False)


def test_a_deleted_customer_is_not_found(manager, company):
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now())
    assert customer.get_absolute_url() not in manager.get("/search/", {"q": "海河"}).content.decode()


def test_an_empty_search_finds_nothing_and_says_nothing_wrong(manager, company):
    record = factories.opportunity(company.manager)
    assert record.get_absolute_url() not in body(manager, "/search/?q=%20")


def test_what_was_searched_stays_in_the_box_and_is_cut_at_100_characters(manager):
    page = body(manager, "/search/?q=" + "长" * 300)
    assert html.find(page, 'input[name="q"]').get("value") == "长" * 100


# Help and jobs


def test_every_page_leads_to_its_chapter_of_the_help(manager, company):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    chapters = {chapter.get("id") for chapter in html.find_all(body(manager, "/help/"), "article.help section[id]")}
    pages = [
        "/",
        "/marketing/opportunities/",
        "/marketing/development/",
        "/customers/",
        "/search/",
        "/notifications/",
        "/jobs/",
        "/accounts/password/",
        record.get_absolute_url(),
        f"/marketing/development/{record.pk}/plan/",
        f"{record.get_absolute_url()}history/",
        f"{factories.CustomerFactory(manager=company.manager).get_absolute_url()}history/",
    ]
    for address in pages:
        (chapter,) = {urlsplit(way).fragment for way in html.urls(body(manager, address), 'a[href^="/help/"]')}
        assert (address, chapter in chapters) == (address, True)


def test_the_help_begins_with_what_stands_in_ones_menu(company, sign_in):
    contents = {
        name: html.texts(sign_in(getattr(company, name)).get("/help/"), ".contents a")
        for name in ("manager", "administrator")
    }
    assert sorted(contents["manager"]) == sorted(contents["administrator"])
    place = {name: {title: n for n, title in enumerate(titles)} for name, titles in contents.items()}
    opportunities, users = "销售机会管理", "用户"
    assert place["manager"][opportunities] < place["manager"][users]
    assert place["administrator"][users] < place["administrator"][opportunities]


def test_the_help_says_that_others_go_on_while_a_large_table_is_imported(manager):
    (chapter,) = texts(body(manager, "/help/"), "#import")
    assert f"超过 {PREVIEWED_ROWS} 行的文件在后台检查并导入" in chapter
    assert "其他人照常查看和保存；写完才一起出现，中途停下就一行也不留。数据库是 SQLite 时分批写入" in chapter
    assert PREVIEWED_ROWS == arrivals.MAX_ROWS_AT_ONCE  # what is said of such a file is true of every one


def test_a_job_is_seen_by_its_owner_and_administrators_and_its_file_by_the_owner_only(company, sign_in):
    job = Job.objects.create(kind="导出客户", function="x", owner=company.manager, status="done", file_name="客户.csv")
    job.file.save("a.csv", ContentFile(b"\xef\xbb\xbfa"))
    own = sign_in(company.manager)
    assert "下载 客户.csv" in body(own, f"/jobs/{job.pk}/")
    response = own.get(f"/jobs/{job.pk}/file/")
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"".join(response.streaming_content) == b"\xef\xbb\xbfa"
    admin = sign_in(company.administrator)
    assert "下载" not in body(admin, f"/jobs/{job.pk}/")
    assert "导出客户" in body(admin, "/jobs/")
    assert "导出客户" not in body(sign_in(company.colleague), "/jobs/")


def test_an_open_job_shows_its_progress_and_asks_again(manager, company):
    job = Job.objects.create(kind="导出客户", function="x", owner=company.manager, status="running", done=30, total=60)
    page = body(manager, f"/jobs/{job.pk}/")
    assert "进行中，50%" in page
    assert html.find(page, "#job").get("hx-trigger") == "every 2s"


# Health


def test_readyz_tells_database_migrations_and_the_age_of_the_schedule(client):
    ages = ("schedule_age_seconds", "churn_scan_age_seconds", "oldest_waiting_job_seconds")
    assert client.get("/readyz").json() == {
        "version": VERSION,
        "database": "ok",
        "migrations": "ok",
        **dict.fromkeys(ages),
    }
    run = DueRun.objects.create(task="x", period=1)
    DueRun.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(seconds=90))
    assert 90 <= client.get("/readyz").json()["schedule_age_seconds"] < 120


def test_readyz_is_unavailable_without_the_database(client, monkeypatch):
    def broken(*args, **kwargs):
        raise DatabaseError("connection refused")

    monkeypatch.setattr("crm.health.MigrationExecutor", broken)
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"version": VERSION, "database": "unreachable"})


# One query per row


@pytest.fixture(scope="module")
def watch():
    """Lets zeal see relations being followed; it only speaks inside a zeal_context."""
    if not ALL_APPS:
        initialize_app_registry()
        patch()


@pytest.fixture
def full(company):
    """Two or more rows of everything, so that a query per row shows."""
    for person in (company.manager, company.colleague, company.eastern):
        for n in range(3):
            introducer = factories.CustomerFactory(manager=person, parent=None)
            factories.CustomerFactory(manager=person, parent=introducer)
            factories.ContactFactory(customer=introducer, name=f"甲{n}")
            factories.ContactFactory(customer=introducer, name=f"乙{n}")
            factories.opportunity(person, introduced_by=introducer, region=factories.entry("地区", "北京"))
            record = factories.assigned(person, company.supervisor, person)
            factories.plan_item(record, person, days=-1)
            factories.plan_item(record, person, days=1, result="好")
            factories.won(person, company.supervisor, person, customer_name=f"{person}{n}")
            factories.lost(person, company.supervisor, person)
        with transaction.atomic():
            for n in range(2):
                Customer.create(by=person, name=f"缺资料{person}{n}", manager=person)
    for n in range(3):
        Job.objects.create(kind=f"导出{n}", function="x", owner=company.manager, status="failed")
    return company


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize("person", ["supervisor", "manager", "executive", "administrator"])
def test_no_page_asks_once_per_row(person, full, sign_in):
    client = sign_in(getattr(full, person))
    record = Opportunity.objects.filter(assignee=full.manager, status="assigned").first()
    new = Opportunity.objects.filter(created_by=full.manager, status="unassigned").first()
    customer = Customer.objects.filter(branches__isnull=False, manager=full.manager).first()
    pages = [
        "/",
        "/marketing/opportunities/?status=all",
        "/marketing/development/?status=all",
        "/customers/",
        "/search/?q=测试",
        "/search/?q=北",
        "/notifications/",
        "/jobs/",
        "/marketing/opportunities/new/",
        record.get_absolute_url(),
        f"{record.get_absolute_url()}history/",
        f"{new.get_absolute_url()}assign/",
        f"{new.get_absolute_url()}edit/",
        f"{record.get_absolute_url()}win/",
        f"/marketing/development/{record.pk}/plan/",
        f"/marketing/development/{record.pk}/execute/",
        customer.get_absolute_url(),
        f"{customer.get_absolute_url()}edit/",
        f"{customer.get_absolute_url()}history/",
        "/marketing/opportunities/?status=all&export=csv",
        "/marketing/development/?status=all&export=csv",
        "/customers/?export=csv",
    ]
    if person == "administrator":
        pages = ["/", "/jobs/", "/admin/accounts/user/", "/admin/accounts/role/", "/admin/accounts/department/"]
        pages += ["/admin/audit/auditentry/", "/basedata/dictionary/", "/basedata/products/", "/basedata/stock/"]
    faults = []
    for address in pages:
        with zeal_context():
            try:
                list_of, out, _ = address.partition("export=csv")
                answer = export(client, list_of) if out else client.get(address)
                assert answer.status_code in (200, 403)
            except NPlusOneError as error:
                faults.append(f"{address}: {error}")
    assert faults == []


@pytest.mark.usefixtures("watch", "full")
def test_the_watch_sees_a_query_per_row():
    """The control: the watch used above does find the fault it looks for."""
    with zeal_context(), pytest.raises(NPlusOneError):
        [str(record.created_by) for record in Opportunity.objects.all()]
