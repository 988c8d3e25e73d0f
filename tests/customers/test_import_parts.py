"""A large import on SQLite is written in parts between which others get in; it is all there or nothing is."""

from __future__ import annotations

import gc
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from basedata.models import DictionaryEntry
from customers.imports import arrivals
from customers.imports import in_parts as import_parts
from customers.imports import tasks as import_job
from customers.imports.importing import CustomerImport
from customers.imports.results import ImportRefused
from customers.models import (
    Arrival,
    ChurnChange,
    Customer,
    ImportFile,
    Ownership,
    TimelineEntry,
    withdraw_stale_imports,
)
from kit.audit.models import AuditEntry
from kit.sql import turns
from services.models import ServiceChange
from tests.customers.tables import table
from tests.factories import CustomerFactory, interaction

ROWS = 9
in_parts = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """As a process that is gone: nothing of it cleans up."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL writes in one transaction, which nobody waits for")
    monkeypatch.setattr(arrivals, "MAX_ROWS_AT_ONCE", 8)
    monkeypatch.setattr(arrivals, "ROWS_PER_TRANSACTION", 2)
    monkeypatch.setattr(import_parts, "ROWS_PER_TRANSACTION", 2)
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: None)


def rows(count=ROWS):
    return [[f"沈阳第{n}仪表有限公司", "东北", ""] for n in range(count)]


def read(tmp_path, manager, content=None, **options):
    task = CustomerImport(manager=manager, **options)
    task.read(table(tmp_path, content or rows(), headers=["名称", "地区", "上级单位"]))
    assert task.errors == []
    return task


def after(monkeypatch, part, action):
    """Run the action after so many parts are written."""
    written, insert = [], CustomerImport.insert

    def insert_and_do(self, customers):
        insert(self, customers)
        written.append(customers)
        if len(written) == part:
            action()

    monkeypatch.setattr(CustomerImport, "insert", insert_and_do)


def die():
    raise Killed


def killed(task, monkeypatch, *, part=3):
    """The import as kill -9 leaves it: the parts before the last one, and nothing that took them out."""
    with monkeypatch.context() as patch:
        after(patch, part, die)
        patch.setattr(Arrival, "withdraw", lambda self: 0)
        with pytest.raises(Killed):
            task.write()


def grow_silent():
    Arrival.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=3))


def nothing_is_left(manager):
    kept = Customer.objects.filter(manager=manager, name__startswith="沈阳第")
    return not (
        kept.exists() or Arrival.objects.exists() or TimelineEntry.objects.exists() or Ownership.objects.exists()
    )


@in_parts
def test_all_rows_are_there_with_owners_audit_log_and_timeline(tmp_path, company):
    beats = []
    content = [*rows(), ["沈阳分公司", "东北", "沈阳第1仪表有限公司"]]
    task = read(tmp_path, company.manager, content)
    assert task.write(beat=lambda done, total: beats.append((done, total))) == ROWS + 1
    customers = Customer.objects.current()
    assert (customers.count(), Ownership.objects.count(), TimelineEntry.objects.count()) == (ROWS + 1,) * 3
    assert AuditEntry.objects.filter(verb="导入").count() == ROWS + 1
    assert str(customers.get(name="沈阳分公司").parent) == "沈阳第1仪表有限公司"
    assert (Arrival.objects.count(), customers.exclude(arrival=None).count()) == (0, 0)
    assert beats == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]


@in_parts
def test_python_looks_for_circles_between_the_parts_and_not_while_others_wait(tmp_path, company, monkeypatch):
    """With 150,000 rows in memory that took ten seconds on a busy machine."""
    during, between = [], []
    after(monkeypatch, 3, lambda: during.append(gc.isenabled()))
    monkeypatch.setattr(Arrival, "publish", lambda self: during.append(gc.isenabled()))
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: between.append(gc.isenabled()))
    read(tmp_path, company.manager).write()
    assert (during, between) == ([False, False], [True] * 5)
    assert gc.isenabled()


@in_parts
def test_others_write_between_the_parts_and_see_nothing_of_it(tmp_path, company, monkeypatch):
    customer = CustomerFactory(manager=company.manager)
    counts = []

    def look_and_write(seconds):
        counts.append((connection.in_atomic_block, Customer.objects.visible_to(company.manager).count()))
        counts.append(Customer.objects.restorable_by(company.administrator).count())
        interaction(customer, company.manager)

    monkeypatch.setattr(turns.time, "sleep", look_and_write)
    read(tmp_path, company.manager).write()
    assert counts == [(False, 1), 0] * 5
    assert Customer.objects.visible_to(company.manager).count() == ROWS + 1


@in_parts
def test_no_transaction_holds_more_than_one_part(tmp_path, company, monkeypatch):
    sizes, insert = [], CustomerImport.insert

    def measured(self, customers):
        sizes.append(len(customers))
        insert(self, customers)

    monkeypatch.setattr(CustomerImport, "insert", measured)
    read(tmp_path, company.manager).write()
    assert sizes == [2, 2, 2, 2, 1]


@in_parts
def test_an_import_that_is_stopped_takes_out_what_it_wrote(tmp_path, company, monkeypatch):
    after(monkeypatch, 3, die)
    with pytest.raises(Killed):
        read(tmp_path, company.manager).write()
    assert nothing_is_left(company.manager)
    assert AuditEntry.objects.get(verb="撤回导入").changes == {"撤回客户": ["", "4"]}


@in_parts
def test_what_a_killed_import_left_is_not_seen_and_taken_out_when_silent(tmp_path, company, monkeypatch):
    content = [[f"沈阳第{n}仪表有限公司", "辽西", "沈阳第0仪表有限公司" if n else ""] for n in range(ROWS)]
    killed(read(tmp_path, company.manager, content, create_regions=True), monkeypatch)
    assert (Customer.objects.current().count(), Customer.objects.count()) == (0, 4)
    assert withdraw_stale_imports() == 0  # it may be alive
    grow_silent()
    assert withdraw_stale_imports() == 4
    assert nothing_is_left(company.manager)
    assert not DictionaryEntry.objects.filter(item="辽西").exists()


@in_parts
def test_a_job_whose_worker_was_killed_imports_all_rows_when_it_runs_again(tmp_path, company, monkeypatch):
    path = table(tmp_path, [row[:2] for row in rows()])
    upload = ImportFile(owner=company.supervisor, name="名单.csv", manager=company.manager)
    with path.open("rb") as stream:
        upload.file.save("名单.csv", stream)
    job = import_job.start(upload)
    killed_task = CustomerImport(manager=company.manager, by=company.supervisor)
    killed_task.read(path)
    killed(killed_task, monkeypatch)
    grow_silent()
    assert import_job.run(job) == f"已新增客户 {ROWS} 个，已存在 0 行。"
    assert (job.done, job.total) == (ROWS, ROWS)
    assert Customer.objects.current().count() == Customer.objects.count() == ROWS


@in_parts
def test_an_import_taken_for_dead_adds_nothing_more(tmp_path, company, monkeypatch):
    def take_out():
        Arrival.objects.update(withdrawn_at=timezone.now())

    after(monkeypatch, 2, take_out)
    with pytest.raises(ImportRefused, match="中断了太久"):
        read(tmp_path, company.manager).write()
    assert nothing_is_left(company.manager)


@in_parts
@pytest.mark.parametrize("part", [1, 5], ids=["after the first part", "after the last one"])
def test_the_same_customer_made_between_the_parts_refuses_all(tmp_path, company, monkeypatch, part):
    pauses = []

    def make_one(seconds):
        pauses.append(seconds)
        if len(pauses) == part:
            with transaction.atomic():
                Customer.create(by=None, manager=company.manager, name="沈阳第5仪表有限公司")

    monkeypatch.setattr(turns.time, "sleep", make_one)
    with pytest.raises(ImportRefused, match="有人新建了同样的客户"):
        read(tmp_path, company.manager).write()
    assert [one.name for one in Customer.objects.all()] == ["沈阳第5仪表有限公司"]


@in_parts
def test_a_customer_renamed_between_the_parts_refuses_all(tmp_path, company, monkeypatch):
    other = CustomerFactory(manager=company.manager)
    after(monkeypatch, 1, lambda: other.edit(by=company.manager, name="沈阳第6仪表有限公司"))
    with pytest.raises(ImportRefused, match="有人新建了同样的客户"):
        read(tmp_path, company.manager).write()
    assert Customer.objects.count() == 1


@in_parts
def test_a_parent_deleted_between_the_parts_refuses_all(tmp_path, company, monkeypatch):
    parent = CustomerFactory(manager=company.manager, name="总公司")
    after(monkeypatch, 1, lambda: Customer.objects.filter(pk=parent.pk).update(deleted_at=timezone.now()))
    task = read(tmp_path, company.manager, [*rows(), ["沈阳分公司", "东北", "总公司"]])
    with pytest.raises(ImportRefused):
        task.write()
    assert Customer.objects.count() == 1


@in_parts
def test_another_import_of_the_same_rows_says_that_one_is_writing_them(tmp_path, company, monkeypatch):
    killed(read(tmp_path, company.manager), monkeypatch)
    other = read(tmp_path, company.manager)
    assert len(other.rows) == ROWS - 4
    assert {str(remark).split("：")[1] for remark in other.remarks} == {
        "正由另一次导入写入，没有导入；请等它结束后再导入一次。"
    }


@in_parts
def test_a_row_of_an_unfinished_import_cannot_be_restored(tmp_path, company, monkeypatch):
    killed(read(tmp_path, company.manager), monkeypatch)
    row = Customer.objects.first()
    assert not row.can_restore(company.administrator)
    assert "正由一次导入写入" in row.can_restore(company.administrator).reason


@in_parts
def test_the_command_takes_out_what_a_killed_one_left(tmp_path, company, monkeypatch):
    killed(read(tmp_path, company.manager), monkeypatch)
    grow_silent()
    company.manager.username = "owner"
    company.manager.save()
    call_command("import_customers", table(tmp_path, [row[:2] for row in rows()]), manager="owner")
    assert Customer.objects.current().count() == Customer.objects.count() == ROWS


@in_parts
def test_a_small_table_is_one_transaction(tmp_path, company, monkeypatch):
    monkeypatch.setattr(import_parts.PartwiseImport, "write", lambda *_: pytest.fail("in parts"))
    read(tmp_path, company.manager, rows(8)).write()
    assert Customer.objects.count() == 8


@in_parts
def test_rows_that_arrive_leave_no_marks_for_reports_and_their_appearing_leaves_one(tmp_path, company, monkeypatch):
    CustomerFactory(manager=company.manager)
    marks, hidden = (ChurnChange, ServiceChange), []
    before = [mark.stamp() for mark in marks]
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: hidden.append([mark.stamp() for mark in marks]))
    read(tmp_path, company.manager).write()
    assert hidden == [before] * 5
    assert [mark.stamp()[1] for mark in marks] == [count + 1 for _, count, _ in before]
    Customer.objects.filter(name="沈阳第0仪表有限公司").update(satisfaction=4)
    assert [mark.stamp()[1] for mark in marks] == [count + 2 for _, count, _ in before]


@in_parts
def test_rows_that_are_taken_out_again_leave_no_marks(tmp_path, company, monkeypatch):
    CustomerFactory(manager=company.manager)
    before = ChurnChange.stamp(), ServiceChange.stamp()
    after(monkeypatch, 3, die)
    with pytest.raises(Killed):
        read(tmp_path, company.manager).write()
    assert (ChurnChange.stamp(), ServiceChange.stamp()) == before


@in_parts
def test_of_two_rows_of_one_name_one_is_the_known_customer_and_the_other_is_new(tmp_path, owner):
    CustomerFactory(name="沈阳仪表有限公司", manager=owner)
    content = [["C1", "沈阳仪表有限公司"], ["C2", "沈阳仪表有限公司"], *([f"X{n}", f"客户{n}"] for n in range(ROWS))]
    task = CustomerImport(manager=owner)
    task.read(table(tmp_path, content, headers=["销售系统客户编号", "名称"]))
    assert task.write() == ROWS + 1
    numbers = set(Customer.objects.filter(name="沈阳仪表有限公司").values_list("external_number", flat=True))
    assert numbers == {"C1", "C2"}
