"""A job ends whatever its work leaves in the row, and what nothing moves any more is ended by the nightly look."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts import stuck_jobs
from customers.imports import tasks as import_job
from kit.domain.file_names import cut_file_name
from kit.jobs.models import Job
from kit.jobs.tasks import run_job
from tests import factories
from tests.exports import export

pytestmark = pytest.mark.django_db
HERE = __name__


def names_too_much(job: Job) -> str:
    job.file.save(f"{job.pk}.xlsx", ContentFile(b"x"), save=False)
    job.file_name = "名" * 196 + "-错误行.xlsx"
    return "写完了\0"


def kind_too_long(job: Job) -> str:
    """Leaves something in the row that PostgreSQL refuses."""
    job.kind = "x" * 51
    job.file.save(f"{job.pk}.xlsx", ContentFile(b"x"), save=False)
    job.file_name = "a.xlsx"
    raise DatabaseError("value too long")


def job(**values):
    return Job.objects.create(**{"kind": "导入客户", "function": f"{HERE}.names_too_much", **values})


def stored(made):
    return Job.objects.get(pk=made.pk)


@pytest.mark.parametrize("length", [195, 196, 199, 200])
def test_a_file_name_at_its_limit_leaves_no_import_running(length, company, sign_in, monkeypatch):
    monkeypatch.setattr(import_job, "PREVIEWED_ROWS", 1)
    name = "客" * (length - 4) + ".csv"
    rows = "名称,地区\r\n青岛水务,火星\r\n烟台泵业,东北\r\n"
    client = sign_in(company.manager)
    client.post("/import/", {"file": SimpleUploadedFile(name, rows.encode())})
    made = Job.objects.get()
    run_job.call(made.pk)
    made = stored(made)
    assert (made.status, "1 行有错误" in made.result) == ("done", True)
    assert made.file_name.startswith("错误行-客客")
    assert made.file_name.endswith(".xlsx")
    assert len(made.file_name) <= 200
    assert client.get(f"/jobs/{made.pk}/file/").status_code == 200


def test_whatever_work_calls_its_file_is_cut_before_its_suffix():
    made = job()
    run_job.call(made.pk)
    made = stored(made)
    assert (made.status, len(made.file_name), made.file_name[-5:], made.result) == ("done", 200, ".xlsx", "写完了")


@pytest.mark.parametrize(("name", "limit", "found"), [("a.csv", 5, "a.csv"), ("abcdef.csv", 8, "abcd.csv"),
    ("abcdef", 3, "abc"), ("名" * 300 + ".xlsx", 200, "名" * 195 + ".xlsx")])  # fmt: skip
def test_a_name_is_cut_to_the_limit_and_keeps_its_suffix(name, limit, found):
    assert cut_file_name(name, limit) == found


def test_a_job_fails_whatever_its_work_left_and_its_half_file_goes(caplog, django_capture_on_commit_callbacks):
    made = job(function=f"{HERE}.kind_too_long")
    with caplog.at_level(logging.CRITICAL), django_capture_on_commit_callbacks(execute=True):
        run_job.call(made.pk)
    made = stored(made)
    assert (made.status, made.file.name, made.file_name) == ("failed", "", "")
    assert made.result.startswith("任务未能完成")
    assert [path for path in Path(made.file.storage.location).rglob("*") if path.is_file()] == []


def test_a_list_of_a_long_name_is_exported_under_a_cut_one(company, sign_in, settings):
    settings.CRM_EXPORT_DIRECT_ROWS = 0
    customer = factories.CustomerFactory(manager=company.manager)
    factories.ContactFactory(customer=customer)
    export(sign_in(company.manager), f"/customers/{customer.pk}/contacts/")
    made = Job.objects.get()
    Job.objects.update(arguments={**made.arguments, "name": "长" * 300 + ".csv"})
    run_job.call(made.pk)
    assert (stored(made).status, len(stored(made).file_name)) == ("done", 200)


# The nightly look


def long_ago(made, **values):
    past = timezone.now() - timedelta(days=2)
    Job.objects.filter(pk=made.pk).update(**{"created_at": past, **values})
    return made


def test_jobs_that_nothing_moves_are_ended_in_words_and_their_owners_told(company, settings):
    past, now = timezone.now() - timedelta(hours=7), timezone.now()
    silent = long_ago(job(owner=company.manager), status="running", heartbeat_at=past)
    mute = long_ago(job(owner=company.colleague), status="running", heartbeat_at=None)
    alive = long_ago(job(), status="running", heartbeat_at=now)
    lost, done = long_ago(job(owner=company.manager)), long_ago(job(), status="done")
    waiting, new = long_ago(job()), job()
    run_job.enqueue(waiting.pk)
    assert stuck_jobs.fail_stuck() == 3
    assert [stored(made).status for made in (silent, mute, lost)] == ["failed"] * 3
    assert [stored(made).status for made in (alive, done, waiting, new)] == ["running", "done", "queued", "queued"]
    assert stored(silent).result == stuck_jobs.FAILURE_MESSAGE
    assert company.manager.notifications.count() == 2
    assert f"编号 {mute.pk}" in company.colleague.notifications.get().text
    assert stuck_jobs.fail_stuck() == 0
    assert ("jobs.check", 86400, "accounts.stuck_jobs.fail_stuck") in settings.CRM_PERIODIC_TASKS


def test_one_that_resists_does_not_keep_the_others_running(monkeypatch, caplog):
    past = timezone.now() - timedelta(hours=7)
    first, second = (long_ago(job(), status="running", heartbeat_at=past) for _ in range(2))
    fail = Job.fail

    def resist(made, reason):
        if made.pk == first.pk:
            raise DatabaseError
        fail(made, reason)

    monkeypatch.setattr(Job, "fail", resist)
    with caplog.at_level(logging.CRITICAL):
        assert stuck_jobs.fail_stuck() == 1
    assert [stored(made).status for made in (first, second)] == ["running", "failed"]


def test_a_job_that_moved_on_meanwhile_is_left_alone(company):
    made = long_ago(job(owner=company.manager), status="running", heartbeat_at=timezone.now() - timedelta(hours=7))
    seen = stuck_jobs.stuck_jobs()[0]
    stored(made).heartbeat(5)
    assert not stuck_jobs.fail_if_unchanged(seen)
    assert (stored(made).status, DBTaskResult.objects.count()) == ("running", 0)
