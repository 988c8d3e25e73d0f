"""What is done in the background stands in the trail with the address of who asked for it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from kit.audit.log import current_ip_address, log_event
from kit.audit.models import AuditEntry
from kit.jobs.management.commands.run_due import run_once
from kit.jobs.models import Job
from kit.jobs.tasks import run_job, start_job
from tests import factories

pytestmark = pytest.mark.django_db


def write_down(job: Job) -> str:
    log_event(job.owner, "核对", text="后台")
    return "完成"


def write_down_due() -> int:
    log_event(None, "核对", text="定时")
    return 1


def test_what_a_job_does_carries_the_address_of_who_asked(company):
    token = current_ip_address.set("10.0.0.7")
    job = start_job("核对", f"{__name__}.write_down", owner=company.manager)
    current_ip_address.reset(token)
    run_job.func(job.pk)
    entry = AuditEntry.objects.get(verb="核对")
    assert (entry.actor, entry.address) == (company.manager, "10.0.0.7")
    assert current_ip_address.get() is None


def test_what_the_schedule_does_carries_none():
    run_once("drill", 60, f"{__name__}.write_down_due")
    entry = AuditEntry.objects.get(verb="核对")
    assert (entry.actor, entry.actor_name, entry.address) == (None, "系统", None)


def test_an_export_in_the_background_has_the_address_of_its_asker(company, sign_in, settings):
    settings.CRM_EXPORT_DIRECT_ROWS = 0
    factories.CustomerFactory(manager=company.manager)
    client = sign_in(company.manager)
    client.post(reverse("customers:customer_list"), {"export": "csv"}, REMOTE_ADDR="10.0.0.9")
    run_job.func(Job.objects.get().pk)
    assert AuditEntry.objects.get(verb="导出").address == "10.0.0.9"
