"""Background work: claimed once, failed in words, rescued when its worker died; periodic work once per period."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Role, User
from kit.audit.models import AuditEntry
from kit.exchange.exports import run_export
from kit.exchange.readers import read_table
from kit.jobs.management.commands.run_due import run_once
from kit.jobs.models import DueRun, Job
from kit.jobs.tasks import rescue_silent_jobs, run_job, start_job
from tests import factories

pytestmark = pytest.mark.django_db
HERE = __name__
calls: list[object] = []


@pytest.fixture(autouse=True)
def _forget_calls():
    calls.clear()


def work(job: Job) -> str:
    calls.append(job.pk)
    job.heartbeat(5, 10)
    return "已处理 10 行。"


def broken_work(job: Job) -> str:
    raise ValueError("secret detail")


def tick() -> int:
    calls.append("tick")
    return 3


def broken_tick() -> int:
    raise ValueError("坏了")


def job(**values):
    return Job.objects.create(**{"kind": "导出客户", "function": f"{HERE}.work", **values})


def stored(made):
    return Job.objects.get(pk=made.pk)


# Claimed once


def test_a_job_is_claimed_once(company):
    made = job()
    one, two = stored(made), stored(made)
    assert one.claim() is True
    assert two.claim() is False
    assert (stored(made).status, stored(made).attempts) == ("running", 1)
    assert stored(made).started_at == stored(made).heartbeat_at is not None


@pytest.mark.parametrize("status", [Job.Status.RUNNING, Job.Status.DONE, Job.Status.FAILED])
def test_only_a_queued_job_is_claimed(status):
    made = job(status=status)
    assert made.claim() is False
    assert (stored(made).status, stored(made).attempts) == (status, 0)


def test_a_job_that_ran_twice_in_the_queue_works_once():
    made = job()
    for _ in range(2):
        run_job.call(made.pk)
    assert calls == [made.pk]


def test_a_job_that_is_gone_is_no_error():
    run_job.call(10**9)
    assert calls == []


def test_a_finished_job_says_what_it_did():
    made = job()
    run_job.call(made.pk)
    kept = stored(made)
    assert (kept.status, kept.result, kept.done, kept.total) == ("done", "已处理 10 行。", 5, 10)
    assert kept.finished_at >= kept.started_at
    assert kept.percent == 100
    assert not kept.is_open


@pytest.mark.parametrize("function", [f"{HERE}.broken_work", f"{HERE}.nothing_here", "no.such.module"])
def test_a_failure_is_told_in_words_without_inner_details(function, caplog):
    made = job(function=function)
    with caplog.at_level(logging.CRITICAL):
        run_job.call(made.pk)
    kept = stored(made)
    assert (kept.status, kept.is_open) == ("failed", False)
    assert kept.result.startswith("任务未能完成，请稍后重试")
    assert "secret" not in kept.result
    assert kept.finished_at is not None


def test_a_long_result_is_cut_to_what_the_table_holds():
    made = job()
    made.finish("长" * 1000)
    assert len(stored(made).result) == 500


@pytest.mark.parametrize(("done", "total", "percent"), [(0, 0, 0), (0, 10, 0), (1, 3, 33), (10, 10, 99), (20, 10, 99)])
def test_a_running_job_never_says_that_it_is_complete(done, total, percent):
    assert Job(status=Job.Status.RUNNING, done=done, total=total).percent == percent


def test_an_unknown_state_is_refused_by_the_table_itself():
    made = job()
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=made.pk).update(status="asleep")


def test_a_job_reaches_the_workers_when_its_transaction_commits(company, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        made = start_job("导出客户", f"{HERE}.work", owner=company.manager, path="/customers/")
    assert (made.status, made.owner, made.arguments) == ("queued", company.manager, {"path": "/customers/"})
    assert not DBTaskResult.objects.exists()
    for callback in callbacks:
        callback()
    assert DBTaskResult.objects.get().args_kwargs["args"] == [made.pk]


# Rescue


def silent(seconds, **values):
    return job(
        status=Job.Status.RUNNING, heartbeat_at=timezone.now() - timedelta(seconds=seconds), attempts=1, **values
    )


def test_a_job_silent_for_two_minutes_is_queued_again(settings):
    dead, alive = silent(settings.JOB_SILENT_SECONDS + 1), silent(settings.JOB_SILENT_SECONDS - 30)
    waiting, done = job(), job(status=Job.Status.DONE, heartbeat_at=timezone.now() - timedelta(days=1))
    assert rescue_silent_jobs() == 1
    assert [stored(made).status for made in (dead, alive, waiting, done)] == ["queued", "running", "queued", "done"]
    assert [task.args_kwargs["args"] for task in DBTaskResult.objects.all()] == [[dead.pk]]
    assert rescue_silent_jobs() == 0


def test_a_heartbeat_keeps_a_job_with_its_worker(settings):
    made = silent(settings.JOB_SILENT_SECONDS + 1)
    made.heartbeat(7)
    assert rescue_silent_jobs() == 0
    assert (stored(made).status, stored(made).done) == ("running", 7)


def test_a_job_that_lost_its_worker_three_times_fails_with_a_reason():
    made = job()
    for attempt in (1, 2, 3):
        assert stored(made).claim()
        Job.objects.filter(pk=made.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
        assert rescue_silent_jobs() == (1 if attempt < 3 else 0)
    kept = stored(made)
    assert (kept.status, kept.attempts) == ("failed", 3)
    assert "三次中断" in kept.result
    assert DBTaskResult.objects.count() == 2


def test_a_rescued_job_runs_to_its_end(settings):
    made = silent(settings.JOB_SILENT_SECONDS + 1)
    rescue_silent_jobs()
    run_job.call(made.pk)
    assert (stored(made).status, stored(made).attempts, calls) == ("done", 2, [made.pk])


# Periodic work


def at(monkeypatch, seconds):
    moment = datetime.fromtimestamp(seconds, tz=timezone.get_current_timezone())
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_a_task_runs_once_per_period(monkeypatch):
    outcomes = []
    for seconds in (6000, 6059, 6060, 6119, 6120):
        at(monkeypatch, seconds)
        outcomes.append(run_once("test.tick", 60, f"{HERE}.tick"))
    assert outcomes == [True, False, True, False, True]
    assert list(DueRun.objects.order_by("pk").values_list("period", "result")) == [(100, "3"), (101, "3"), (102, "3")]
    assert DueRun.objects.filter(finished_at=None).count() == 0


def test_two_tasks_have_periods_of_their_own():
    assert run_once("one", 10**9, f"{HERE}.tick")
    assert run_once("two", 10**9, f"{HERE}.tick")
    assert not run_once("two", 10**9, f"{HERE}.tick")


def test_a_failing_task_says_so_and_stops_no_other(settings, caplog):
    settings.CRM_PERIODIC_TASKS = (
        ("broken", 10**9, f"{HERE}.broken_tick"),
        ("missing", 10**9, f"{HERE}.nothing_here"),
        ("fine", 10**9, f"{HERE}.tick"),
    )
    with caplog.at_level(logging.CRITICAL):
        call_command("run_due")
    results = dict(DueRun.objects.values_list("task", "result"))
    assert calls == ["tick"]
    assert results["broken"] == "失败：坏了"
    assert results["missing"].startswith("失败：")
    assert results["fine"] == "3"


def test_a_scheduler_that_comes_second_leaves_the_task_alone(settings):
    settings.CRM_PERIODIC_TASKS = (("fine", 10**9, f"{HERE}.tick"),)
    call_command("run_due")
    call_command("run_due")
    assert calls == ["tick"]


def test_old_runs_are_forgotten_of_the_same_task_only(monkeypatch):
    at(monkeypatch, 60 * 1000)
    DueRun.objects.create(task="test.tick", period=899)
    DueRun.objects.create(task="test.tick", period=900)
    DueRun.objects.create(task="other", period=1)
    run_once("test.tick", 60, f"{HERE}.tick")
    kept = sorted(DueRun.objects.values_list("task", "period"))
    assert kept == [("other", 1), ("test.tick", 900), ("test.tick", 1000)]


def test_every_declared_task_runs(settings):
    call_command("run_due")
    results = dict(DueRun.objects.values_list("task", "result"))
    assert set(results) == {name for name, _, _ in settings.CRM_PERIODIC_TASKS}
    assert not [result for result in results.values() if result.startswith("失败")]


# Exports in the background


def export(owner, *, query="", file_format="csv", total=2):
    """The export job of the customer list as the worker runs it."""
    made = start_job(
        "导出客户",
        "kit.exchange.exports.run_export",
        owner=owner,
        path=reverse("customers:customer_list"),
        query=query,
        format=file_format,
        name=f"客户.{file_format}",
        total=total,
    )
    run_job.call(made.pk)
    return stored(made)


def names_in(made, tmp_path):
    """The customers in the file, whichever column holds their names."""
    path = tmp_path / f"again.{made.file.name.rpartition('.')[2]}"
    path.write_bytes(made.file.read())
    return [value for _, cells in read_table(path) for value in cells.values() if value.endswith("的客户")]


@pytest.fixture
def customers(company):
    return [factories.CustomerFactory(name=f"{person.name}的客户", manager=person) for person in (
        company.manager, company.colleague, company.eastern, company.stranger,
    )]  # fmt: skip


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_export_holds_the_rows_its_owner_takes_away(company, customers, tmp_path, file_format):
    factories.CustomerFactory(name="第二个周经理的客户", manager=company.manager)
    made = export(company.manager, file_format=file_format)
    assert (made.status, made.result, made.file_name) == ("done", "已导出 2 行。", f"客户.{file_format}")
    assert sorted(names_in(made, tmp_path)) == ["周经理的客户", "第二个周经理的客户"]
    row = AuditEntry.objects.get(verb="导出")
    assert (row.actor_id, row.changes["行数"]) == (company.manager.pk, ["", "2"])


def test_an_export_keeps_the_filters_of_the_list(company, customers, tmp_path):
    made = export(company.supervisor, query="name=周经理&status=all")
    assert names_in(made, tmp_path) == ["周经理的客户"]
    assert AuditEntry.objects.get(verb="导出").changes["条件"] == ["", "name = 周经理；status = all"]


def test_an_export_whose_conditions_mean_nothing_any_more_is_refused_and_says_which(company, customers):
    made = export(company.supervisor, query=f"manager={company.stranger.pk}")
    assert (made.status, bool(made.file)) == ("failed", False)
    assert "没有导出：「客户经理」" in made.result


def test_an_export_holds_what_its_owner_sees_when_it_runs(company, customers, tmp_path):
    User.objects.filter(pk=company.supervisor.pk).update(department=company.other)
    made = export(company.supervisor)
    assert set(names_in(made, tmp_path)) == {"外人甲的客户"}


def test_an_export_of_somebody_disabled_holds_nothing(company, customers, tmp_path):
    User.objects.filter(pk=company.manager.pk).update(is_active=False)
    made = export(company.manager)
    assert not made.file or names_in(made, tmp_path) == []


def test_an_export_of_somebody_who_lost_the_right_holds_nothing(company, customers, tmp_path):
    Role.objects.get(code="account_manager").permissions.remove(
        *Role.objects.get(code="account_manager").permissions.filter(codename="export_customer")
    )
    made = export(company.manager)
    assert not made.file or names_in(made, tmp_path) == []


def test_an_export_beats_while_it_writes(company, customers, monkeypatch):
    beats = []
    monkeypatch.setattr(Job, "heartbeat", lambda made, done, total=None: beats.append((done, total)))
    export(company.manager, total=2)
    assert beats == [(0, 2)]


def test_an_export_that_runs_again_gives_the_same_file(company, customers, tmp_path):
    made = export(company.manager)
    before = names_in(made, tmp_path)
    run_export(made)
    assert names_in(made, tmp_path) == before
