"""已合并: a case that a merge ended tells of nothing; and a loss stays with the 客户经理 who confirmed it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from customers.merging.merge import possibly_merged_cases
from customers.models import ChurnCase, Customer, Ownership, merge_customers
from customers.search.pages import find_pages
from kit.audit.models import AuditEntry
from tests import factories
from tests.exports import export
from tests.html import find, texts

pytestmark = pytest.mark.django_db
MIGRATION = import_module("customers.migrations.0012_merged_cases_and_manager_then")


def lost(manager, **values):
    case = factories.churn_case(manager, **values)
    case.confirm(by=manager, reason="停产", kind=factories.entry("流失原因", "停业"))
    return case


def again(record):
    return type(record).objects.get(pk=record.pk)


@pytest.fixture
def two_lost(company):
    """Two records of one company, both lost, merged."""
    mine, theirs = lost(company.manager, name="海河水务有限公司"), lost(company.eastern, name="海河水务")
    merge_customers(mine.customer, [theirs.customer], by=company.supervisor, reason="同一家")
    return again(mine), again(theirs)


def without_trail(monkeypatch):
    """As if the trail had expired."""
    monkeypatch.setattr(MIGRATION, "trail_of_cases", lambda apps: AuditEntry.objects.none())


def rows(client, **filters):
    response = client.get("/customers/churn/", filters)
    assert response.status_code == 200
    return response.context["pager"].total


# 已合并


def test_two_lost_customers_merged_are_one_loss_and_nobody_is_won_back(two_lost, company, sign_in):
    mine, theirs = two_lost
    assert (mine.status, theirs.status, mine.customer.status) == ("confirmed", "merged", "lost")
    client = sign_in(company.executive)
    report = client.get("/reports/churn/").context["report"]
    named = {kpi.label: kpi.value for kpi in report.kpis}
    assert (named["确认流失"], named["挽回"]) == ("1", "0")
    steps = {row.label: row.cases for row in report.tables[4].rows}
    assert (steps["列入预警"], steps["恢复下单（已解除）"], steps["其中已挽回"]) == (1, 0, 0)
    assert [rows(client, status=state) for state in ("won_back", "resolved", "confirmed", "merged")] == [0, 0, 1, 1]
    assert rows(client, status="all", counted="1") == 1
    assert "已合并" in client.get("/customers/churn/?status=merged").content.decode()
    page = client.get(theirs.get_absolute_url()).content.decode()
    assert "合并说明" in page
    assert "客户并入 海河水务有限公司" in page
    assert find_pages(company.executive, "已合并") == [("客户流失管理：已合并", "/customers/churn/?status=merged")]


def test_the_rate_of_a_month_counts_the_merged_customer_once(two_lost, company, sign_in):
    long_ago = timezone.now() - timedelta(days=70)
    Customer.objects.update(created_at=long_ago - timedelta(days=30))
    ChurnCase.objects.update(confirmed_at=long_ago)
    client = sign_in(company.executive)
    for row in client.get("/reports/churn/?year=all").context["report"].tables[3].rows:
        assert row.lost <= 1
    first = f"{timezone.localdate().replace(day=1):%Y-%m-%d}"
    assert client.get("/customers/", {"status": "all", "normal_on": first}).context["pager"].total == 0


def test_the_migration_knows_old_cases_by_the_audit_log_or_by_what_it_left(two_lost, company, monkeypatch):
    """As earlier releases left them: one won back, one resolved; and those that really were."""
    _, merged = two_lost
    really = lost(company.manager, name="真的回来了")
    really.win_back(by=company.manager, note="客户并入 我们的框架协议")
    ChurnCase.objects.filter(pk=merged.pk).update(status="won_back")
    MIGRATION.mark_merged(apps, None)
    assert (again(merged).status, again(really).status) == ("merged", "won_back")
    MIGRATION.forget_merged(apps, None)
    assert again(merged).status == "won_back"
    without_trail(monkeypatch)
    MIGRATION.mark_merged(apps, None)
    assert (again(merged).status, again(really).status) == ("merged", "won_back")


def test_what_the_migration_cannot_tell_is_listed(two_lost, company):
    _, merged = two_lost
    assert list(possibly_merged_cases()) == []
    ChurnCase.objects.filter(pk=merged.pk).update(status="won_back", closed_at=timezone.now() + timedelta(hours=2))
    assert list(possibly_merged_cases()) == [merged]


# 确认时的客户经理


@pytest.fixture
def moved(company):
    """周经理 confirmed the loss; the customer went to 王华东 since."""
    case = lost(company.manager, name="济南泉城水务有限公司")
    case.customer.transfer(company.eastern, by=company.supervisor, reason="调整")
    return again(case)


def test_the_loss_stays_with_who_confirmed_it_after_a_transfer(moved, company, sign_in):
    assert (moved.manager_then, moved.customer.manager) == (company.manager, company.eastern)
    client = sign_in(company.supervisor)
    for person, today, then in ((company.manager, 0, 1), (company.eastern, 1, 0)):
        assert rows(client, status="all", manager=person.pk) == today
        assert rows(client, status="all", manager=person.pk, follow="then") == then
        for follow, count in (("", today), ("then", then)):
            address = f"/reports/churn/?manager={person.pk}&follow={follow}"
            report = client.get(address).context["report"]
            assert report.empty is (count == 0)
    page = client.get(f"/reports/churn/?manager={company.manager.pk}&follow=then").content.decode()
    assert "部门和客户经理按确认流失时的归属" in page
    assert "确认时的客户经理" in page
    text = export(client, f"/reports/churn/?manager={company.manager.pk}&follow=then").content.decode("utf-8-sig")
    assert [row["确认时的客户经理"] for row in csv.DictReader(io.StringIO(text))] == ["周经理"]


def test_list_case_and_export_name_both_where_they_differ(moved, company, sign_in):
    client = sign_in(company.supervisor)
    assert "确认时 周经理" in client.get("/customers/churn/?status=all").content.decode()
    fact = find(client.get(moved.get_absolute_url()), "dl.kv div", containing="确认时的客户经理")
    assert texts(fact, "dt, dd") == ["确认时的客户经理", "周经理"]
    text = export(client, "/customers/churn/?status=all").content.decode("utf-8-sig")
    assert [row["确认时的客户经理"] for row in csv.DictReader(io.StringIO(text))] == ["周经理"]
    assert sign_in(company.manager).get(moved.get_absolute_url()).status_code == 404  # sight follows today's


def test_old_cases_get_their_owner_from_the_audit_log_or_from_the_history(moved, company, monkeypatch):
    ChurnCase.objects.update(manager_then=None)
    MIGRATION.name_keepers(apps, None)
    assert again(moved).manager_then == company.manager
    without_trail(monkeypatch)
    ChurnCase.objects.update(manager_then=None)
    MIGRATION.name_keepers(apps, None)
    assert again(moved).manager_then == company.manager
    Ownership.objects.filter(manager=company.manager).update(since=timezone.now())
    ChurnCase.objects.update(manager_then=None)
    Ownership.objects.filter(manager=company.eastern).update(since=timezone.now() + timedelta(days=1))
    MIGRATION.name_keepers(apps, None)
    assert again(moved).manager_then == company.manager  # before the history begins, the first one known


def test_a_case_that_came_by_a_merge_keeps_who_confirmed_it(two_lost, company):
    _, theirs = two_lost
    assert theirs.manager_then == company.eastern
    ChurnCase.objects.update(manager_then=None)
    MIGRATION.name_keepers(apps, None)
    assert again(theirs).manager_then == company.eastern
