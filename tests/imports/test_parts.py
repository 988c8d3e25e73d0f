"""A large sheet on SQLite is written in parts: killed anywhere it shows nothing, run again it shows all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from customers.imports import arrivals, in_parts
from customers.imports.arrivals import Arrival
from customers.imports.sheet_import import SheetImport
from customers.models import Contact, Customer
from kit.imports import tasks
from kit.imports.models import ImportRun
from kit.imports.tasks import UNDO, WRITE, start, take_step
from kit.jobs.models import Job
from kit.jobs.tasks import run_job
from tests.factories import CustomerFactory
from tests.imports.sheets import previewed, sheet

pytestmark = pytest.mark.django_db(transaction=True)
HEADS = ["客户名称", "地区", "电话", "客户经理", "联系人", "手机"]


class Killed(BaseException):
    """The process is gone: nothing cleans up after it."""


@pytest.fixture
def existing(company):
    return CustomerFactory(name="已有的公司", manager=company.manager, phone="")


@pytest.fixture
def run(tmp_path, company, existing, monkeypatch):
    monkeypatch.setattr(arrivals, "MAX_ROWS_AT_ONCE", 3)
    monkeypatch.setattr(in_parts, "ROWS_PER_TRANSACTION", 2)
    new = [[f"第{n}公司", "华北", "", "周经理", f"人{n}", ""] for n in range(7)]
    return previewed(
        sheet(tmp_path, *new, ["已有的公司", "", "022-55553300", "", "", ""], heads=HEADS), company.supervisor
    )


def visible():
    customers = Customer.objects.filter(deleted_at=None)
    return customers.count(), Contact.objects.filter(customer__in=customers).count()


def kill_at(monkeypatch, calls):
    """Kill the process at the n-th step of writing."""
    monkeypatch.setattr(Arrival, "withdraw", lambda arrival: 0)
    seen = []
    for owner, name in ((SheetImport, "insert"), (SheetImport, "fill"), (SheetImport, "finish")):
        plain = getattr(owner, name)

        def step(task, *args, plain=plain):
            seen.append(1)
            if len(seen) == calls:
                raise Killed
            return plain(task, *args)

        monkeypatch.setattr(owner, name, step)


@pytest.mark.parametrize("calls", [1, 2, 3, 5, 6])
def test_killed_anywhere_it_shows_nothing_and_run_again_all(run, company, existing, monkeypatch, calls):
    if connection.vendor != "sqlite" and calls > 3:
        pytest.skip("PostgreSQL inserts in one step")
    with monkeypatch.context() as patched:
        kill_at(patched, calls)
        with pytest.raises(Killed):
            start(run, WRITE, company.supervisor)
    assert visible() == (1, 0)
    existing.refresh_from_db()
    assert existing.phone == ""
    Arrival.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    again = ImportRun.objects.get(pk=run.pk)
    take_step(again, WRITE, company.supervisor)
    assert visible() == (8, 7)
    existing.refresh_from_db()
    assert existing.phone == "022-55553300"
    again.refresh_from_db()
    assert (again.state, again.counts) == ("done", {"create": 7, "update": 1})
    take_step(again, WRITE, company.supervisor)
    assert visible() == (8, 7)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL writes in one transaction")
def test_control_it_was_written_in_parts(run, company, monkeypatch):
    parts = []
    plain = SheetImport.insert
    monkeypatch.setattr(SheetImport, "insert", lambda task, rows: (parts.append(len(rows)), plain(task, rows)))
    start(run, WRITE, company.supervisor)
    assert parts == [2, 2, 2, 1]


def test_a_large_sheet_is_a_job_with_progress_and_its_undo_too(run, company, monkeypatch):
    monkeypatch.setattr(tasks, "ROWS_AT_ONCE", 2)
    for step, state, rows in ((WRITE, "done", 8), (UNDO, "undone", 1)):
        start(run, step, company.supervisor)
        job = Job.objects.latest("pk")
        run_job.call(job.pk)
        job.refresh_from_db()
        run.refresh_from_db()
        assert (job.status, run.state, visible()[0]) == ("done", state, rows), job.result


def test_who_lost_the_right_meanwhile_imports_nothing(run, company, monkeypatch):
    monkeypatch.setattr(tasks, "ROWS_AT_ONCE", 2)
    start(run, WRITE, company.supervisor)
    company.supervisor.groups.clear()
    job = Job.objects.latest("pk")
    run_job.call(job.pk)
    job.refresh_from_db()
    assert job.status == "failed"
    assert visible() == (1, 0)
