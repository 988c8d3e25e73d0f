"""数据同步: its permission, its button, and matching a parked order with a customer."""

from __future__ import annotations

import pytest
from django.urls import reverse

from basedata.models import SyncRefusal, SyncRun
from customers.models import Order, ParkedOrder
from customers.sync.engine import sync
from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from tests import factories
from tests.customers.feeds import FEED, put

pytestmark = pytest.mark.django_db


def test_only_users_who_run_the_mirror_open_the_page(company, sign_in):
    run = SyncRun.objects.create(source="x", status="done", counts={"orders": {"refused": 1}})
    SyncRefusal.objects.create(run=run, table="orders", line=2, key="D1", reason="日期不对")
    addresses = [
        reverse("customers:sync"),
        reverse("customers:sync_parked"),
        reverse("customers:sync_run", args=[run.pk]),
    ]
    for address in addresses:
        assert sign_in(company.manager).get(address).status_code == 403
        assert sign_in(company.administrator).get(address).status_code == 200
    assert "日期不对" in sign_in(company.administrator).get(addresses[2]).text
    assert sign_in(company.administrator).get(reverse("customers:sync_run", args=[run.pk + 1])).status_code == 404


def test_the_button_starts_a_job_only_with_a_source(company, sign_in, settings, tmp_path):
    client, address = sign_in(company.administrator), reverse("customers:sync_start")
    settings.CRM_SYNC_SOURCE = ""
    client.post(address)
    assert not Job.objects.exists()
    assert "还没有设置同步来源" in client.get(reverse("customers:sync")).text
    settings.CRM_SYNC_SOURCE = "postgres://user:geheim@host/db"
    assert "geheim" not in client.get(reverse("customers:sync")).text
    assert client.get(address).status_code == 405
    client.post(address)
    assert Job.objects.get().function == "customers.sync.jobs.run"


def test_matching_takes_the_orders_up(company, sign_in, tmp_path):
    customer = factories.CustomerFactory(manager=company.manager, by=company.manager, name="海河水务")
    sync(put(tmp_path / "feed", **FEED))
    client, address = sign_in(company.administrator), reverse("customers:sync_parked")
    assert client.post(address, {"key": "C9", "customer": "没有"}).status_code == 422
    assert client.post(address, {"key": "C7", "customer": customer.number}).status_code == 422
    page = client.post(address, {"key": "C9", "customer": "海河水务"}).text
    assert f"归入 {customer.number} 海河水务" in page
    assert not Order.objects.exists()
    client.post(address, {"key": "C9", "customer": customer.number, "confirmed": customer.number})
    assert Order.objects.get().customer == customer
    assert ParkedOrder.objects.get().customer_key == "C1"
    customer.refresh_from_db()
    assert customer.external_number == "C9"
    assert AuditEntry.objects.filter(verb="匹配销售系统客户", object_id=customer.pk).count() == 1
    again = {"key": "C1", "customer": customer.number, "confirmed": customer.number}
    assert client.post(address, again).status_code == 422
