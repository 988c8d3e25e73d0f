"""Rows of an export: those in the edit scope of the role, or in its view scope if it edits none."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from accounts.models import Role
from customers.models import Customer
from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from kit.jobs.tasks import run_job
from tests import factories
from tests.exports import export
from tests.html import find, find_all, text
from tests.walks import tab_field

pytestmark = pytest.mark.django_db
LISTS = {
    "customers:customer_list": 2,
    "customers:order_list": 2,
    "customers:churn_list": 2,
    "services:archive": 2,
    "marketing:opportunity_list": 2,
    "marketing:development_list": 2,
}  # list: rows of it that each 客户经理 owns
OWNERS = ("manager", "colleague", "eastern", "stranger")


@pytest.fixture
def business(company):
    """Create two of everything for each 客户经理."""
    for name in OWNERS:
        owner = getattr(company, name)
        supervisor = company.outsider if name == "stranger" else company.supervisor
        for n in range(2):
            customer = factories.CustomerFactory(name=f"{owner.name}的客户{n}", manager=owner)
            factories.ContactFactory(customer=customer)
            factories.order(customer, number=f"DD{owner.pk}{n}")
            customer.churn_cases.create()
            factories.service_request(owner, customer=customer)
            factories.assigned(owner, supervisor, owner, customer_name=f"{owner.name}的机会{n}")


def every_state(url):
    """Return the query of the tab 全部, where a list has tabs."""
    return {"status": "all"} if tab_field(resolve(url).func.view_class) else {}


def rows(client, url, **query):
    """Return the lines of the exported CSV without its header."""
    answer = export(client, url, "csv", **every_state(url), **query)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]


def control(client, url, **query):
    """Return the element of the page's export menu."""
    return find(client.get(url, {**every_state(url), **query}), "#export")


def button(client, url, **query):
    """Return the text of the button that opens the export menu."""
    return text(find(control(client, url, **query), "summary.btn"))


def owners_in(lines, company):
    """Return the names of the OWNERS whose name is in a cell."""
    return {name for name in OWNERS for line in lines if any(getattr(company, name).name in cell for cell in line)}


@pytest.mark.parametrize("name", LISTS)
def test_each_role_exports_the_rows_of_its_scope(name, business, company, sign_in):
    url, rows_each = reverse(name), LISTS[name]
    for person, owners in (
        ("manager", ("manager",)),  # sees the department
        ("supervisor", ("manager", "colleague", "eastern")),
        ("executive", OWNERS),
    ):
        client = sign_in(getattr(company, person))
        exported_rows, control_text = rows(client, url), text(control(client, url))
        assert (person, len(exported_rows)) == (person, rows_each * len(owners))
        if name != "marketing:opportunity_list":  # its rows name their creator too, here the same person
            assert (person, owners_in(exported_rows, company)) == (person, set(owners))
        assert button(client, url) == f"导出 {rows_each * len(owners)} 条"
        assert (person, "只导出您编辑范围内的 2 条" in control_text) == (person, person == "manager")
    assert [e.changes["行数"][1] for e in AuditEntry.objects.filter(verb="导出").order_by("pk")] == ["2", "6", "8"]


def test_a_filter_narrows_the_export_like_the_list(business, company, sign_in):
    client, url = sign_in(company.manager), reverse("customers:customer_list")
    assert len(rows(client, url, name="客户1")) == 1
    assert button(client, url, name="客户1") == "导出 1 条"
    assert button(client, url, name="周经理") == "导出 2 条"
    control_text = text(control(client, url, name="周经理"))
    assert "编辑范围" not in control_text  # all listed rows are exported: nothing to explain
    assert button(client, url, name="没有") == "导出"


def test_a_list_of_others_records_exports_nothing_and_says_why(business, company, sign_in):
    client = sign_in(company.manager)
    customer = Customer.objects.filter(manager=company.colleague).first()
    for url, query in (
        (reverse("customers:contact_list", args=[customer.pk]), {}),
        (reverse("customers:customer_orders", args=[customer.pk]), {}),
        (reverse("customers:customer_list"), {"name": "陈同事"}),
    ):
        export_control = control(client, url, **query)
        assert "列出的记录都不在您的编辑范围内，不能导出。" in text(export_control)
        assert find_all(export_control, "button, summary, a[href]") == []
        assert rows(client, url, **query) == []
    own_customer = Customer.objects.filter(manager=company.manager).first()
    assert len(rows(client, reverse("customers:contact_list", args=[own_customer.pk]))) == 1


def test_records_shared_by_colleagues_are_not_exported(business, company, sign_in):
    """Where a 客户经理 sees only their own customers, a shared one is visible and still not exported."""
    Role.objects.filter(code="account_manager").update(view_scope="self")
    customer = Customer.objects.filter(manager=company.colleague).first()
    customer.share(company.manager, by=company.colleague, kind="change")
    client, url = sign_in(factories.fresh(company.manager)), reverse("customers:customer_list")
    assert "陈同事的客户" in client.get(url).content.decode()
    assert owners_in(rows(client, url), company) == {"manager"}
    assert "只导出您编辑范围内的 2 条" in text(control(client, url))


def test_an_assigned_request_is_exported_though_its_customer_is_a_colleagues(business, company, sign_in):
    customer = Customer.objects.filter(manager=company.colleague).first()
    factories.dispatched(company.supervisor, company.supervisor, company.manager, customer=customer, summary="他人客户")
    client = sign_in(company.manager)
    assert len(rows(client, reverse("services:archive"))) == 3
    assert [line[1] for line in rows(client, reverse("services:handling"))] == ["他人客户"]
    assert len(rows(client, reverse("customers:customer_list"))) == 2  # its customer is only seen


def test_roles_add_up_and_follow_their_records(business, company, sign_in):
    url = reverse("customers:customer_list")
    Role.objects.filter(code="account_manager").update(edit_scope="department")
    assert len(rows(sign_in(company.manager), url)) == 4
    Role.objects.filter(code="account_manager").update(edit_scope="self")
    company.manager.groups.add(Role.objects.get(code="executive"))
    client = sign_in(factories.fresh(company.manager))
    assert len(rows(client, url)) == 8
    assert button(client, url) == "导出 8 条"


def test_reason_and_limits_count_the_exported_rows(business, company, sign_in, settings):
    settings.CRM_EXPORT_REASON_ROWS = settings.CRM_EXPORT_DIRECT_ROWS = settings.CRM_EXPORT_MAX_ROWS = 2
    client, url = sign_in(company.manager), reverse("customers:customer_list")
    assert len(rows(client, url)) == 2  # of four that they see
    settings.CRM_EXPORT_REASON_ROWS = 1
    assert "将导出 2 行" in export(client, url).content.decode()


def test_the_background_job_writes_the_same_rows(business, company, sign_in, settings):
    settings.CRM_EXPORT_DIRECT_ROWS = 1
    export(sign_in(company.manager), reverse("customers:order_list"))
    job = Job.objects.get()
    assert job.arguments["total"] == 2
    run_job.func(job.pk)
    job.refresh_from_db()
    lines = list(csv.reader(io.StringIO(job.file.read().decode("utf-8-sig"))))[1:]
    assert len(lines) == 2
    assert owners_in(lines, company) == {"manager"}


def test_the_sum_on_the_list_is_of_all_rows_shown(business, company, sign_in):
    page = sign_in(company.manager).get(reverse("customers:order_list"), {"status": "revenue"})
    assert page.context["totals"].startswith("合计 4 张订单")
    assert page.context["export_count"] == 2


@pytest.mark.parametrize("name", LISTS)
def test_counting_the_exported_rows_takes_no_further_statement(name, business, company, sign_in):
    url = reverse(name)
    role = Role.objects.get(code="account_manager")

    def count_statements(narrowed):
        client = sign_in(factories.fresh(company.manager))
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            page = client.get(url, every_state(url))
        assert page.context["export_narrowed"] is narrowed
        return len(captured)

    narrow = count_statements(narrowed=True)
    role.permissions.remove(*role.permissions.filter(codename__startswith="export_"))
    assert narrow <= count_statements(narrowed=False)  # a list that counts once asks for the version of its rows
