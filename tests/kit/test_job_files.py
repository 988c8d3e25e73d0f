"""Files that jobs wrote: fetched by their owner while they have the right, and for some days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from kit.jobs.models import Job
from kit.jobs.tasks import forget_old_files, run_job
from tests import factories
from tests.exports import export

pytestmark = pytest.mark.django_db


@pytest.fixture
def exported(company, sign_in, settings):
    """A finished export of the customers' contacts."""
    settings.CRM_EXPORT_DIRECT_ROWS = 0
    customer = factories.CustomerFactory(manager=company.manager)
    factories.ContactFactory(customer=customer, mobile="13877776666")
    export(sign_in(company.manager), reverse("customers:contact_list", args=[customer.pk]))
    job = Job.objects.get()
    run_job.call(job.pk)
    job.refresh_from_db()
    return job


def fetch(job, client):
    return client.get(reverse("job_file", args=[job.pk]))


def test_the_owner_fetches_the_file_and_nobody_else(exported, company, sign_in):
    answer = fetch(exported, sign_in(company.manager))
    assert "13877776666" in b"".join(answer.streaming_content).decode("utf-8-sig")
    assert fetch(exported, sign_in(company.supervisor)).status_code == 404


def test_who_lost_the_right_to_export_no_longer_gets_the_file(exported, company, sign_in):
    role = Role.objects.get(code="account_manager")
    role.permissions.remove(role.permissions.get(codename="export_customer"))
    answer = fetch(exported, sign_in(factories.fresh(company.manager)))
    assert answer.status_code == 403
    assert "您已没有导出的权限" in answer.content.decode()


def test_who_sees_the_customer_no_more_does_not_learn_of_the_list(exported, company, sign_in):
    company.manager.groups.clear()
    assert fetch(exported, sign_in(factories.fresh(company.manager))).status_code == 404


def test_who_lost_all_roles_gets_no_list_of_customers(company, sign_in, settings):
    settings.CRM_EXPORT_DIRECT_ROWS = 0
    factories.CustomerFactory(manager=company.manager)
    export(sign_in(company.manager), reverse("customers:customer_list"))
    job = Job.objects.get()
    run_job.call(job.pk)
    assert fetch(job, sign_in(company.manager)).status_code == 200  # control
    company.manager.groups.clear()
    assert fetch(job, sign_in(factories.fresh(company.manager))).status_code == 403


def test_files_go_after_some_days_and_the_job_says_so(
    exported, company, sign_in, settings, django_capture_on_commit_callbacks
):
    path = Path(exported.file.path)
    Job.objects.filter(pk=exported.pk).update(finished_at=timezone.now() - timedelta(days=6, hours=23))
    assert forget_old_files() == 0
    Job.objects.filter(pk=exported.pk).update(finished_at=timezone.now() - timedelta(days=7, hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert forget_old_files() == 1
    assert not path.exists()
    assert forget_old_files() == 0
    client = sign_in(company.manager)
    answer = client.get(reverse("job_file", args=[exported.pk]), follow=True)
    assert answer.redirect_chain == [(reverse("job_detail", args=[exported.pk]), 302)]
    page = answer.content.decode()
    assert "文件已过期，请重新导出。" in page
    assert reverse("job_file", args=[exported.pk]) not in page
    assert ("jobs.forget", 86400, "kit.jobs.tasks.forget_old_files") in settings.CRM_PERIODIC_TASKS


def test_files_of_open_jobs_stay(company, django_capture_on_commit_callbacks):
    job = Job.objects.create(kind="导出客户", function="x", owner=company.manager, file_name="a.csv")
    job.file.save("a.csv", ContentFile(b"x"))
    assert forget_old_files() == 0


def test_a_file_missing_on_the_disk_is_no_error(exported, company, sign_in):
    Path(exported.file.path).unlink()
    assert fetch(exported, sign_in(company.manager)).status_code == 404


def test_a_job_that_wrote_no_file_has_none(company, sign_in):
    job = Job.objects.create(kind="数据同步", function="x", owner=company.manager)
    assert fetch(job, sign_in(company.manager)).status_code == 404
