"""审计记录 on screen: found by person, record, verb, time and address; quick however long; checked from the page."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit_pages.filters import distinct_values
from accounts.audit_pages.pages import AuditList
from accounts.audit_pages.tasks import FUNCTION
from kit.audit import seals
from kit.audit.log import current_ip_address, log_event
from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from kit.jobs.tasks import run_job
from tests import factories
from tests.html import find_all, text, texts
from tests.kit.audit_rows import tamper

pytestmark = pytest.mark.django_db
LIST = "/accounts/audit/"


@pytest.fixture
def audit_log(company):
    """Deeds of two people about two records from two places."""
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, phone="022-66661000")
    other = factories.CustomerFactory(name="沈阳北辰有限公司", manager=company.manager)
    token = current_ip_address.set("10.0.0.7")
    customer.edit(by=company.manager, phone="13812341234", address="新地址 8 号")
    current_ip_address.reset(token)
    other.edit(by=company.supervisor, address="另一个地址")
    log_event(company.colleague, "查看联系方式", customer, 内容="电话")
    log_event(company.supervisor, "导出", text="客户信息管理", 行数=12, 原因="回访")
    log_event(None, "登录失败", text="zhangsan")
    return customer, other


@pytest.fixture
def page(company, sign_in):
    client = sign_in(company.administrator)
    return lambda **query: client.get(LIST, query).content.decode()


def body(page):
    """Return what the rows of the list say, nothing if there is no list."""
    return " ".join(texts(page, "table.tbl tbody"))


def test_a_row_says_who_when_from_where_what_and_old_and_new(audit_log, page):
    row = body(page(verb="编辑", address="10.0.0.7"))
    for words in ("周经理", "编辑", "10.0.0.7", "海河水务有限公司", "地址：北京市某路 1 号 → 新地址 8 号", "客户 "):
        assert words in row
    assert f"{timezone.localtime():%m-%d} " in row


def test_numbers_are_masked_for_the_administrator_who_has_no_business_data(audit_log, page, company, sign_in):
    entry = AuditEntry.objects.filter(verb="编辑", address="10.0.0.7").get()
    detail = sign_in(company.administrator).get(entry.get_absolute_url()).content.decode()
    admin = sign_in(company.administrator).get(f"/admin/audit/auditentry/{entry.pk}/change/").content.decode()
    for html in (page(), detail, admin):
        assert "13812341234" not in html
        assert "022-66661000" not in html
    assert "138****1234" in detail
    assert "138****1234" in admin
    assert entry.changes["电话"][1] == "13812341234"


def test_each_filter_leaves_its_rows(audit_log, page, company):
    customer, other = audit_log
    kind = ContentType.objects.get_for_model(customer).pk
    asked = {
        "林主管": {"actor": company.supervisor.pk, "verb": "编辑"},
        "zhangsan": {"actor": "0", "verb": "登录失败"},
        "客户信息管理": {"verb": "导出"},
        "沈阳北辰有限公司": {"content_type": kind, "object_id": other.pk},
        "陈同事": {"object_text": "海河", "verb": "查看联系方式"},
        "10.0.0.7": {"address": "10.0.0.7"},
    }
    for words, query in asked.items():
        rows = body(page(**query))
        assert words in rows, query
    assert "海河" not in body(page(content_type=kind, object_id=other.pk))
    assert "周经理" not in body(page(actor=company.supervisor.pk))
    assert body(page(at_from="2999-01-01")) == body(page(at_to="2001-01-01")) == ""
    today = f"{timezone.localdate():%Y-%m-%d}"
    assert "zhangsan" in body(page(at_from=today, at_to=today))


def test_days_are_those_of_shanghai(page):
    AuditEntry.objects.create(
        at=datetime.fromisoformat("2025-12-31T16:00:00+00:00"), actor_name="新年的人", verb="登录"
    )
    assert "新年的人" in body(page(at_from="2026-01-01", at_to="2026-01-01"))
    assert "新年的人" not in body(page(at_from="2025-12-31", at_to="2025-12-31"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"object_id": "7"}, "请同时选择对象类别"),
        ({"object_id": "x", "content_type": "1"}, "请填写数字"),
        ({"object_id": "9" * 30}, "请填写数字"),
        ({"address": "hundert"}, "IP"),
        ({"at_from": "gestern"}, "请填写日期"),
    ],
)
def test_wrong_conditions_are_said_and_find_nothing(audit_log, page, query, message):
    html = page(**query)
    assert message in text(html)
    assert body(html) == ""


def test_tabs_show_who_looked_at_contact_details_and_who_exported(audit_log, page):
    assert "陈同事" in body(page(about="details"))
    assert "导出" not in body(page(about="details"))
    exports = body(page(about="exports"))
    assert "林主管" in exports
    assert "原因：回访" in exports
    assert "zhangsan" in body(page(about="signins"))


def test_a_name_or_value_with_markup_is_text(page):
    log_event(None, "登录失败", text="<script>alert(1)</script>", 名称=("<b>x</b>", "<i>y</i>"))
    html = page()
    assert "<script>alert(1)" not in html
    assert "<script>alert(1)</script>" in body(html)
    assert "<b>x</b>" not in html
    assert find_all(html, "tbody script, tbody b, tbody i") == []


def test_many_rows_ask_the_database_no_more_than_few(audit_log, page):
    with CaptureQueriesContext(connection) as few:
        page()
    customer = audit_log[0]
    for _ in range(20):
        log_event(None, "编辑", customer, 电话=("1", "2"))
    with CaptureQueriesContext(connection) as many:
        page()
    assert len(many) == len(few)


def test_what_occurs_is_found_by_jumping(audit_log):
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert distinct_values("verb") == sorted(verbs) or set(distinct_values("verb")) == verbs
    assert None not in distinct_values("content_type_id")


# Detail and check


def test_a_row_of_its_own_says_whether_it_is_sealed(audit_log, company, sign_in):
    entry, client = AuditEntry.objects.filter(verb="导出").get(), sign_in(company.administrator)
    assert "等待封存" in client.get(entry.get_absolute_url()).content.decode()
    seals.seal_pending()
    assert "第 " in client.get(entry.get_absolute_url()).content.decode()


def check(client):
    answer = client.post(reverse("accounts:audit_verify"))
    job = Job.objects.filter(function=FUNCTION).latest("pk")
    assert answer["Location"] == reverse("job_detail", args=[job.pk])
    run_job.func(job.pk)
    return client.get(LIST).content.decode()


def test_the_seals_are_checked_from_the_page_and_the_result_shown(audit_log, company, sign_in):
    client = sign_in(company.administrator)
    assert "还没有核对过封存" in client.get(LIST).content.decode()
    seals.seal_pending()
    assert "审计记录完整。" in check(client)
    event = AuditEntry.objects.filter(verb="核对审计记录").get()
    assert (event.actor, event.object_text) == (company.administrator, "审计记录完整。")
    tamper("UPDATE audit_auditentry SET verb = %s WHERE verb = %s", "没有导出", "导出")
    html = check(client)
    assert "处问题" in html
    assert "被改动过" in html


def test_a_check_under_way_is_not_started_twice(company, sign_in):
    client = sign_in(company.administrator)
    addresses = {client.post(reverse("accounts:audit_verify"))["Location"] for _ in range(2)}
    assert len(addresses) == 1
    assert Job.objects.filter(function=FUNCTION).count() == 1


# A long audit log


@pytest.fixture
def long_trail(company):
    """Twenty thousand rows, with statistics."""
    kind = ContentType.objects.get_for_model(company.manager)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO audit_auditentry
                (at, actor_id, actor_name, verb, content_type_id, object_id, object_text, changes, address, salt)
            SELECT now() - n * interval '1 minute', mod(n, 300), '某人', '动作' || mod(n, 20), %s + mod(n, 20),
                   mod(n, 2000), '客户' || mod(n, 2000), '{}', ('10.0.' || mod(n, 200) || '.1')::inet, ''
            FROM generate_series(1, 20000) AS n
            """,
            [kind.pk],
        )
        cursor.execute("ANALYZE audit_auditentry")
    return kind


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads PostgreSQL's plans")
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"actor": "0"},
        {"actor": "manager"},
        {"verb": "动作7"},
        {"content_type": "kind", "object_id": "77"},
        {"content_type": "kind"},
        {"object_text": "客户77"},
        {"address": "10.0.7.1"},
        {"at_from": "day", "at_to": "day"},
        {"about": "details"},
        {"about": "signins"},
    ],
    ids=str,
)
def test_no_filter_walks_the_whole_trail(long_trail, company, query):
    day = f"{timezone.localdate() - timedelta(days=3):%Y-%m-%d}"
    words = {"manager": str(company.manager.pk), "kind": str(long_trail.pk), "day": day}
    request = RequestFactory().get(LIST, {name: words.get(value, value) for name, value in query.items()})
    request.user = company.administrator
    view = AuditList()
    view.setup(request)
    view.filterset_class = PlainChoices
    filterset = view.own.filterset
    assert filterset.is_valid(), filterset.errors
    plan = view.ordered(view.shown_rows())[:20].explain()
    assert "Seq Scan on audit_auditentry" not in plan, plan
    assert "Index" in plan


class PlainChoices(AuditList.filterset_class):
    """The same filters, whatever occurs in the short audit log of a test."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("verb", "content_type", "actor"):
            value = self.data.get(name, "")
            self.filters[name].extra["choices"] = [*self.filters[name].extra["choices"], (value, value)]


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads PostgreSQL's plans")
def test_control_a_column_without_an_index_is_walked(long_trail):
    plan = AuditEntry.objects.filter(actor_name="niemand").order_by("actor_name")[:20].explain()
    assert "Seq Scan on audit_auditentry" in plan
