"""Two at once around opportunities, numbers, jobs and the audit log, on PostgreSQL; each race with its control run."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User, check_not_last_administrator, check_role_change
from basedata.dictionary import models as basedata
from basedata.models import NumberSequence, reserve_numbers
from customers.models import Contact, Customer
from customers.records import locks
from kit.audit import log, seals
from kit.audit.models import AuditEntry, AuditSeal
from kit.audit.verification import verify
from kit.domain.verdict import Kind, Refused
from kit.jobs import tasks
from kit.jobs.management.commands import run_due
from kit.jobs.models import DueRun, Job
from marketing.models import ForecastChange, Opportunity, PlanItem, SameNameExists
from tests import factories
from tests.races import GIVE_UP, ON_POSTGRESQL, again, alone, before

pytestmark = ON_POSTGRESQL


@pytest.fixture
def without_names_lock(monkeypatch) -> None:
    """Customers are named without the lock that whoever names one waits for."""
    monkeypatch.setattr(locks, "take_lock", lambda lock: None)


# Two supervisors assign one opportunity


@pytest.fixture
def two_assign(company, monkeypatch):
    second = factories.person("sales_supervisor", name="副主管", department=company.sales)
    record = factories.opportunity(company.colleague)
    moment = before(monkeypatch, Opportunity, "_save")
    mine, theirs = again(record), again(record)
    return lambda: (
        record,
        *moment.overtake(
            lambda: mine.assign(company.manager, by=company.supervisor),
            lambda: theirs.assign(company.eastern, by=second),
        ),
    )


def test_of_two_supervisors_assigning_at_once_the_second_is_told_who_was_first(two_assign, company):
    record, first, second = two_assign()
    assert first is None
    assert isinstance(second, Refused)
    assert second.verdict.kind is Kind.STATE
    assert second.verdict.reason.startswith("机会已由 林主管 指派给 周经理")
    assert again(record).assignee == company.manager
    assert AuditEntry.objects.about(record).filter(verb="指派").count() == 1


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_both_assignments_go_through(two_assign):
    record, first, second = two_assign()
    assert (first, second) == (None, None)
    assert AuditEntry.objects.about(record).filter(verb="指派").count() == 2


# One opportunity is won twice


@pytest.fixture
def win_twice(company, monkeypatch):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    moment = before(monkeypatch, Opportunity, "_new_customer")
    one, two = again(record), again(record)
    return lambda: moment.overtake(
        lambda: one.win(by=company.manager, reason="客户已下单"),
        lambda: two.win(by=company.manager, reason="客户已下单"),
    )


def test_winning_twice_at_once_makes_one_customer(win_twice):
    first, second = win_twice()
    assert first == Customer.objects.get()
    assert isinstance(second, Refused)
    assert "开发成功" in second.verdict.reason
    assert Contact.objects.count() == 1


@pytest.mark.usefixtures("without_lock", "without_names_lock")
def test_control_without_the_locks_winning_twice_makes_two_customers(win_twice):
    win_twice()
    assert Customer.objects.count() == 2


# Two opportunities of one name are won


@pytest.fixture
def win_same_name(company, monkeypatch):
    people = (company.manager, company.eastern)
    records = [factories.assigned(company.colleague, company.supervisor, person) for person in people]
    moment = before(monkeypatch, Opportunity, "_new_customer")
    return lambda: moment.overtake(
        lambda: records[0].win(by=company.manager, reason="客户已下单"),
        lambda: records[1].win(by=company.eastern, reason="客户已下单"),
    )


def test_of_two_opportunities_of_one_name_won_at_once_the_second_sees_the_firsts_customer(win_same_name):
    first, second = win_same_name()
    assert isinstance(second, SameNameExists)
    assert second.customers == [first]
    assert list(Customer.objects.all()) == [first]


@pytest.mark.usefixtures("without_names_lock")
def test_control_without_the_names_lock_two_customers_of_one_name_appear_unnoticed(win_same_name):
    win_same_name()
    assert Customer.objects.count() == 2


# A result is recorded while the opportunity closes


@pytest.fixture
def result_against_close(company, monkeypatch):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    item = factories.plan_item(record, company.manager)
    moment = before(monkeypatch, PlanItem, "save")
    return lambda: moment.overtake(
        lambda: again(item).record_result(by=company.manager, result="客户同意试装"),
        lambda: again(record).lose(by=company.manager, reason="价格"),
    )


def verbs():
    return list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))


def test_a_result_is_written_before_the_close_or_not_at_all(result_against_close):
    assert result_against_close() == (None, None)
    assert verbs()[-2:] == ["填写执行效果", "终止开发"]


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_a_result_is_written_after_the_close(result_against_close):
    result_against_close()
    assert verbs()[-2:] == ["终止开发", "填写执行效果"]


# The opportunity closes while a result is recorded


@pytest.fixture
def close_against_result(company, monkeypatch):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    item = factories.plan_item(record, company.manager)
    moment = before(monkeypatch, Opportunity, "_save")
    return lambda: moment.overtake(
        lambda: again(record).lose(by=company.manager, reason="价格"),
        lambda: again(item).record_result(by=company.manager, result="客户同意试装"),
    )


def test_a_result_that_comes_while_the_opportunity_closes_is_refused(close_against_result):
    first, second = close_against_result()
    assert first is None
    assert isinstance(second, Refused)
    assert PlanItem.objects.get().result == ""


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_the_result_slips_in_while_the_opportunity_closes(close_against_result):
    assert close_against_result() == (None, None)
    assert PlanItem.objects.get().result == "客户同意试装"


# An item is added while the opportunity closes


@pytest.fixture
def close_against_plan(company, monkeypatch):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    moment = before(monkeypatch, Opportunity, "_save")
    return lambda: moment.overtake(
        lambda: again(record).lose(by=company.manager, reason="价格"),
        lambda: factories.plan_item(again(record), company.manager),
    )


def test_no_item_is_added_while_the_opportunity_closes(close_against_plan):
    assert isinstance(close_against_plan()[1], Refused)
    assert not PlanItem.objects.exists()


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_an_item_is_added_to_a_closed_opportunity(close_against_plan, monkeypatch):
    monkeypatch.setattr("marketing.plans.models.lock_row", lambda row: row.refresh_from_db())
    close_against_plan()
    assert PlanItem.objects.get().opportunity.status == "lost"


# Two forecasts at once


@pytest.fixture
def two_forecasts(company, monkeypatch):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    moment = before(monkeypatch, Opportunity, "save")

    def update(rate):
        again(record).update_forecast(
            by=company.manager, success_rate=rate, expected_amount=None, expected_on=None, reason="进展"
        )

    return lambda: moment.overtake(lambda: update(70), lambda: update(80))


def forecasts():
    return list(ForecastChange.objects.order_by("pk").values_list("former_success_rate", "success_rate"))


def test_two_forecasts_at_once_follow_each_other(two_forecasts):
    assert two_forecasts() == (None, None)
    assert forecasts() == [(60, 70), (70, 80)]


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_both_forecasts_start_from_the_same_one(two_forecasts):
    two_forecasts()
    assert [former for former, _ in forecasts()] == [60, 60]


# Two delete one opportunity


def test_of_two_deletions_at_once_one_happens(company, monkeypatch):
    record = factories.opportunity(company.colleague)
    moment = before(monkeypatch, Opportunity, "delete")
    one, two = again(record), again(record)
    first, second = moment.overtake(lambda: one.remove(by=company.colleague), lambda: two.remove(by=company.colleague))
    assert first is None
    assert isinstance(second, Opportunity.DoesNotExist | Refused)
    assert AuditEntry.objects.filter(verb="删除").count() == 1


# Numbers


@pytest.fixture
def eight_reserve(transactional_db, monkeypatch):
    """Eight at once take twenty numbers each; all have read the row before anybody saves, unless a lock prevents it."""
    meeting, save = Barrier(8), NumberSequence.save

    def after_the_others(*args, **kwargs):
        with suppress(BrokenBarrierError):  # a lock keeps the others away
            meeting.wait(0.5)
        save(*args, **kwargs)

    monkeypatch.setattr(NumberSequence, "save", after_the_others)

    def reserve():
        with ThreadPoolExecutor(8) as pool:
            acts = [pool.submit(alone, lambda: [reserve_numbers("KH")[0] for _ in range(20)]) for _ in range(8)]
            return [number for act in acts for number in act.result(GIVE_UP)]

    return reserve


def test_numbers_never_repeat(eight_reserve):
    numbers = eight_reserve()
    assert len(numbers) == 160
    assert len(set(numbers)) == 160
    assert NumberSequence.objects.get().last == 160


def test_control_without_the_row_lock_numbers_repeat(eight_reserve, monkeypatch):
    rows = NumberSequence.objects

    def unlocked(prefix, day):
        return rows.filter(prefix=prefix, day=day).first() or rows.get_or_create(prefix=prefix, day=day)[0]

    monkeypatch.setattr(basedata, "_locked_sequence", unlocked)
    NumberSequence.objects.bulk_create([NumberSequence(prefix="KH", day=basedata.timezone.localdate())])
    numbers = eight_reserve()
    assert len(set(numbers)) < len(numbers)


# The last two administrators remove each other


def demote(by: User, person: User) -> None:
    check_role_change(by, person, [])
    yield_here()
    person.groups.clear()


def disable(by: User, person: User) -> None:
    check_not_last_administrator(person)
    yield_here()
    User.objects.filter(pk=person.pk).update(is_active=False)


def yield_here() -> None:
    """Between check and save; the tests stop here."""


@pytest.fixture
def remove_each_other(company, monkeypatch):
    one, other = company.administrator, factories.person("administrator", name="副管理")
    moment = before(monkeypatch, sys.modules[__name__], "yield_here")

    def remove(how, by, person):
        with transaction.atomic():
            how(factories.fresh(by), factories.fresh(person))

    return lambda how: moment.overtake(lambda: remove(how, one, other), lambda: remove(how, other, one))


@pytest.mark.parametrize("how", [demote, disable])
def test_two_administrators_removing_each_other_leave_one(remove_each_other, how):
    first, second = remove_each_other(how)
    assert first is None
    assert isinstance(second, ValidationError)
    assert "最后一位可用的系统管理员" in second.messages[0]
    assert User.objects.administrators().count() == 1


@pytest.mark.parametrize("how", [demote, disable])
def test_control_without_the_lock_two_administrators_removing_each_other_leave_none(
    remove_each_other, how, monkeypatch
):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *args, **kwargs: rows.all())
    remove_each_other(how)
    assert not User.objects.administrators().exists()


# Two workers take one job

RUNS: list[int] = []


def work(job: Job) -> str:
    RUNS.append(job.pk)
    return "已完成"


@pytest.fixture
def two_workers(transactional_db, monkeypatch):
    RUNS.clear()
    job = Job.objects.create(kind="导出", function=f"{__name__}.work")
    moment = before(monkeypatch, Job, "claim")
    return lambda: moment.overtake(lambda: tasks.run_job.call(job.pk), lambda: tasks.run_job.call(job.pk))


def test_two_workers_run_one_job_once(two_workers):
    assert two_workers() == (None, None)
    assert len(RUNS) == 1
    assert (Job.objects.get().status, Job.objects.get().attempts) == ("done", 1)


def test_control_a_claim_that_asks_the_copy_in_memory_runs_the_job_twice(two_workers, monkeypatch):
    stopped = Job.claim

    def gullible(job):
        free = job.status == Job.Status.QUEUED
        stopped(job)
        return free

    monkeypatch.setattr(Job, "claim", gullible)
    two_workers()
    assert len(RUNS) == 2


# Two schedulers run one periodic task


def tick() -> int:
    RUNS.append(0)
    return 0


@pytest.fixture
def two_schedulers(transactional_db, monkeypatch):
    RUNS.clear()
    moment = before(monkeypatch, DueRun.objects, "create")
    once = partial(run_due.run_once, "test.tick", 10**9, f"{__name__}.tick")
    return lambda: moment.overtake(once, once)


def test_two_schedulers_run_a_task_once_per_period(two_schedulers):
    assert sorted(two_schedulers()) == [False, True]
    assert len(RUNS) == 1
    assert DueRun.objects.count() == 1


def test_control_without_the_constraint_both_schedulers_run_the_task(two_schedulers):
    (once,) = (c for c in DueRun._meta.constraints if c.name == "jobs_due_run_once")
    with connection.schema_editor() as editor:
        editor.remove_constraint(DueRun, once)
    try:
        assert two_schedulers() == (True, True)
        assert len(RUNS) == 2
    finally:
        DueRun.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(DueRun, once)


# Two seal the audit log


@pytest.fixture
def two_seal(transactional_db, monkeypatch):
    log.log_event(None, "登录失败", text="甲")
    moment = before(monkeypatch, AuditSeal.objects, "create")

    def record_and_seal():
        log.log_event(None, "登录失败", text="乙")
        return seals.seal_pending()

    return lambda: moment.overtake(seals.seal_pending, record_and_seal)


def sealed_ids():
    return [pk for ids in AuditSeal.objects.order_by("pk").values_list("row_ids", flat=True) for pk in ids]


def test_two_sealing_at_once_make_one_chain(two_seal):
    assert two_seal() == (1, 1)
    assert sealed_ids() == list(AuditEntry.objects.order_by("pk").values_list("pk", flat=True))
    assert verify() == []


def test_control_without_the_advisory_lock_the_chain_forks(two_seal, monkeypatch):
    monkeypatch.setattr(seals, "take_lock", lambda lock: None)
    two_seal()
    assert len(set(sealed_ids())) < len(sealed_ids())
    assert any("被改动过" in finding for finding in verify())
