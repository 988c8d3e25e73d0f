"""Transitions of a service request: every state × action × person, rounds, waiting, and who sees what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Notification, Role, Scope
from customers.models import Customer, TimelineEntry, transfer_customers
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from services import clock
from services.models import ServiceHelper, ServiceRequest, hand_over_requests
from tests import factories
from tests.factories import fresh

pytestmark = pytest.mark.django_db

# manager keeps the customer, created the request and is assigned it; helper assists; colleague is of the same group.
PEOPLE = ("supervisor", "manager", "colleague", "helper", "outsider", "executive", "administrator")
# y: done; s: refused for the state; n: not over this record; r: no permission at all
TABLE = """
# action     state     supe mana coll help outs exec admi
edit         new       y    y    n    n    n    r    r
edit         assigned  s    s    n    n    n    r    r
edit         handled   s    s    n    n    n    r    r
edit         archived  s    s    n    n    n    r    r
remove       new       y    r    r    r    n    r    r
remove       assigned  s    r    r    r    n    r    r
remove       handled   s    r    r    r    n    r    r
remove       archived  s    r    r    r    n    r    r
assign       new       y    r    r    r    n    r    r
assign       assigned  s    r    r    r    n    r    r
assign       handled   s    r    r    r    n    r    r
assign       archived  s    r    r    r    n    r    r
reassign     new       s    r    r    r    n    r    r
reassign     assigned  y    r    r    r    n    r    r
reassign     handled   y    r    r    r    n    r    r
reassign     archived  s    r    r    r    n    r    r
keep         new       s    r    r    r    n    r    r
keep         assigned  s    r    r    r    n    r    r
keep         returned  y    r    r    r    n    r    r
keep         handled   s    r    r    r    n    r    r
keep         archived  s    r    r    r    n    r    r
wait         new       r    n    n    n    r    r    r
wait         assigned  r    y    n    n    r    r    r
wait         waiting   r    s    n    n    r    r    r
wait         handled   r    s    n    n    r    r    r
wait         archived  r    s    n    n    r    r    r
resume       new       r    n    n    n    r    r    r
resume       assigned  r    s    n    n    r    r    r
resume       waiting   r    y    n    n    r    r    r
resume       handled   r    s    n    n    r    r    r
resume       archived  r    s    n    n    r    r    r
handle       new       r    n    n    n    r    r    r
handle       assigned  r    y    n    n    r    r    r
handle       waiting   r    y    n    n    r    r    r
handle       handled   r    s    n    n    r    r    r
handle       archived  r    s    n    n    r    r    r
feedback     new       r    n    n    n    r    r    r
feedback     assigned  r    s    n    n    r    r    r
feedback     handled   r    y    n    n    r    r    r
feedback     archived  r    s    n    n    r    r    r
invite       new       r    n    n    n    r    r    r
invite       assigned  r    s    n    n    r    r    r
invite       handled   r    y    n    n    r    r    r
invite       archived  r    s    n    n    r    r    r
rate         new       s    s    s    s    s    s    s
rate         handled   s    s    s    s    s    s    s
rate         archived  s    s    s    s    s    s    s
involve      new       s    n    n    n    n    r    r
involve      assigned  y    y    n    n    n    r    r
involve      handled   y    y    n    n    n    r    r
involve      archived  s    s    n    n    n    r    r
release      new       s    n    n    n    n    r    r
release      assigned  y    y    n    n    n    r    r
release      archived  s    s    n    n    n    r    r
note         new       y    n    n    n    n    r    r
note         assigned  y    y    n    y    n    r    r
note         handled   y    y    n    y    n    r    r
note         archived  s    s    n    s    n    r    r
"""
ROWS = [line.split() for line in TABLE.splitlines() if line and not line.startswith("#")]
MEANING = {"s": Kind.STATE, "n": Kind.NOT_YOURS, "r": Kind.NO_PERMISSION}


@pytest.fixture
def helper(company):
    return factories.person("account_manager", name="协办甲", department=company.other)


@pytest.fixture
def in_state(company, helper):
    """The request in a state, with its helper where one may be."""
    customer = factories.CustomerFactory(manager=company.manager, name="天津滨城热电有限公司")

    def make(state, **values):
        values = {"customer": customer, **values}
        maker = {"new": factories.service_request}.get(state, factories.dispatched)
        people = (company.manager,) if state == "new" else (company.manager, company.supervisor, company.manager)
        record = maker(*people, **values)
        if state == "new":
            return record
        record.involve(helper, by=company.manager)
        if state == "waiting":
            record.wait(by=company.manager, note="等样品")
        for _ in range(2 if state == "returned" else 0):
            record.handle(by=company.manager, handling="到场")
            record.feedback(by=company.manager, result="不行", satisfaction=1)
        if state in ("handled", "archived"):
            record.handle(by=company.manager, handling="到场")
        if state == "archived":
            record.feedback(by=company.manager, result="好了", satisfaction=4)
        return record

    return make


def act(record, action, by, company):
    arguments = {
        "edit": {"summary": "改过的概要"},
        "reassign": {"reason": "请假"},
        "keep": {"reason": "他最熟悉"},
        "wait": {"note": "等样品"},
        "resume": {"note": "已寄到"},
        "handle": {"handling": "再次到场"},
        "feedback": {"result": "好了", "satisfaction": 4},
        "invite": {"result": "好了"},
        "rate": {"satisfaction": 4},
        "note": {"text": "看过了"},
    }
    chosen = {"assign": company.colleague, "reassign": company.colleague, "involve": company.eastern, "rate": "key"}
    chosen["release"] = (record.helpers.first() and record.helpers.first().user) or company.eastern
    return getattr(record, action)(*([chosen[action]] if action in chosen else []), by=by, **arguments.get(action, {}))


@pytest.mark.parametrize(("action", "state", "answers"), [(row[0], row[1], row[2:]) for row in ROWS])
def test_every_state_and_action_and_person(action, state, answers, company, helper, in_state):
    record = in_state(state)
    before = ServiceRequest.objects.filter(pk=record.pk).values().get()
    answer_of = {}
    for name in PEOPLE:
        person = fresh(helper if name == "helper" else getattr(company, name))
        by_row = ServiceRequest.objects.get(pk=record.pk)
        verdict = getattr(by_row, f"can_{action}")(person)
        answer_of[name] = next((letter for letter, kind in MEANING.items() if kind is verdict.kind), "y")
        if verdict:
            continue
        with pytest.raises(Refused) as refused:
            act(by_row, action, person, company)
        assert refused.value.verdict == verdict
        assert verdict.reason
    assert answer_of == dict(zip(PEOPLE, answers, strict=True))
    assert ServiceRequest.objects.filter(pk=record.pk).values().get() == before
    allowed = [name for name, answer in answer_of.items() if answer == "y"]
    for name in allowed[:1]:
        act(ServiceRequest.objects.get(pk=record.pk), action, fresh(getattr(company, name)), company)
        row = AuditEntry.objects.about(record).first()
        assert row.actor_name == getattr(company, name).name


def test_the_system_needs_no_permission_to_rate_but_the_right_state_and_key(company, in_state):
    for state in ("new", "assigned", "archived"):
        with pytest.raises(Refused):
            in_state(state).rate("key", by=None, satisfaction=5)
    with pytest.raises(Refused, match="用过或过期"):
        in_state("handled").rate("key", by=None, satisfaction=5)


def test_from_creation_to_the_archive(company, in_state):
    record = in_state("new")
    assert record.number.startswith(f"FW{timezone.localdate():%y%m%d}")
    assert (record.keeper, record.minutes_to_assign) == (company.manager, None)
    record.assign(company.colleague, by=company.supervisor)
    assert (record.assignee, record.assigned_by, record.minutes_to_assign) == (
        company.colleague, company.supervisor, 0,
    )  # fmt: skip
    assert company.colleague.notifications.get().text.endswith("分配给您")
    done = record.handle(by=company.colleague, handling="重新接地")
    assert (done.number, done.handled_by, record.status, record.minutes_to_handle) == (
        1, company.colleague, "handled", 0,
    )  # fmt: skip
    record.feedback(by=company.colleague, result="已归零", satisfaction=3)
    assert (record.status, record.satisfaction, record.satisfaction_by) == ("archived", 3, "manager")
    assert record.archived_at
    assert record.minutes_to_archive == 0
    done.refresh_from_db()
    assert (done.result, done.satisfaction, done.closed_at is None) == ("已归零", 3, False)
    verbs = list(AuditEntry.objects.about(record).order_by("pk").values_list("verb", flat=True))
    assert verbs == ["服务创建", "分配", "处理", "反馈并归档"]
    entry = TimelineEntry.objects.get(customer=record.customer, kind="service")
    assert entry.text.endswith("（已归档）")


def test_a_return_goes_to_the_same_assignee_and_the_second_asks_the_supervisor(company, in_state):
    record = in_state("handled")
    Notification.objects.all().delete()
    record.feedback(by=company.manager, result="还是漂移", satisfaction=2)
    assert (record.status, record.assignee, record.returns) == ("assigned", company.manager, 1)
    assert record.to_decide_since is None
    assert "第 1 次退回" in company.supervisor.notifications.get().text
    assert not company.outsider.notifications.exists()
    record.handle(by=company.manager, handling="换传感器")
    record.feedback(by=company.manager, result="仍不行", satisfaction=1)
    assert record.returns == 2
    assert record.to_decide_since
    assert "请决定是否改派" in company.supervisor.notifications.first().text
    record.handle(by=company.manager, handling="换整机")
    record.feedback(by=company.manager, result="好了", satisfaction=5)
    scores = list(record.rounds.values_list("number", "satisfaction", "result"))
    assert scores == [(1, 2, "还是漂移"), (2, 1, "仍不行"), (3, 5, "好了")]
    assert (record.satisfaction, record.to_decide_since, record.status) == (5, None, "archived")


def test_the_supervisor_decides_by_reassigning_or_keeping(company, in_state):
    record = in_state("returned")
    record.keep(by=company.supervisor, reason="他最熟悉")
    assert (record.to_decide_since, record.assignee) == (None, company.manager)
    other = in_state("returned")
    other.reassign(company.colleague, by=company.supervisor, reason="换人")
    assert (other.to_decide_since, other.assignee, other.status) == (None, company.colleague, "assigned")
    assert "改派给 陈同事" in company.manager.notifications.first().text
    with pytest.raises(Refused, match="现在就由"):
        other.reassign(company.colleague, by=company.supervisor, reason="再换")
    with pytest.raises(Refused, match="不是您范围内"):
        other.reassign(company.stranger, by=company.supervisor, reason="换人")
    with pytest.raises(Refused, match="原因"):
        other.reassign(company.eastern, by=company.supervisor, reason=" ")


def test_a_complaint_has_its_cause_and_improvement_before_it_is_archived(company, in_state):
    record = in_state("handled", kind="投诉")
    cause = factories.entry("投诉原因", "交货延误")
    with pytest.raises(Refused, match="投诉原因"):
        record.feedback(by=company.manager, result="好了", satisfaction=4)
    with pytest.raises(Refused, match="改进措施"):
        record.feedback(by=company.manager, result="好了", satisfaction=4, cause=cause, improvement="")
    with pytest.raises(Refused, match="投诉原因"):
        record.invite(by=company.manager, result="好了")
    record.refresh_from_db()
    assert (record.status, record.cause, record.rounds.get().result) == ("handled", None, "")
    record.feedback(by=company.manager, result="好了", satisfaction=4, cause=cause, improvement="提前确认物流")
    assert (record.status, record.cause, record.improvement) == ("archived", cause, "提前确认物流")


def test_a_complaint_that_returns_needs_no_cause_yet(company, in_state):
    record = in_state("handled", kind="投诉")
    record.feedback(by=company.manager, result="没好", satisfaction=2)
    assert (record.status, record.cause) == ("assigned", None)


def test_a_proposal_is_adopted_or_not_with_a_word_to_the_customer(company, in_state):
    record = in_state("handled", kind="建议")
    with pytest.raises(Refused, match="采纳或不采纳"):
        record.feedback(by=company.manager, result="好了", satisfaction=4)
    with pytest.raises(Refused, match="告知"):
        record.feedback(by=company.manager, result="好了", satisfaction=4, is_adopted=False, reply=" ")
    record.feedback(by=company.manager, result="好了", satisfaction=4, is_adopted=False, reply="电话说明了原因")
    assert (record.status, record.is_adopted, record.reply) == ("archived", False, "电话说明了原因")


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_is_one_to_five_stars(score, company, in_state):
    with pytest.raises(Refused, match="1–5"):
        in_state("handled").feedback(by=company.manager, result="好了", satisfaction=score)


def test_waiting_stops_the_clock_and_moves_the_target(company, in_state, monkeypatch):
    """By a clock on the wall: at night and on Sundays too, whenever this test runs. Working time: test_clock.py."""
    monkeypatch.setattr("services.clock.working_minutes", lambda start, end: int((end - start).total_seconds()) // 60)
    monkeypatch.setattr("services.clock.add_working_minutes", lambda start, n: start + timedelta(minutes=n))
    record = in_state("assigned")
    ServiceRequest.objects.filter(pk=record.pk).update(
        created_at=timezone.now() - timedelta(days=30), due_at=timezone.now() - timedelta(minutes=1)
    )
    record.refresh_from_db()
    assert record.is_overdue
    assert list(ServiceRequest.objects.overdue()) == [record]
    record.wait(by=company.manager, note="等样品")
    assert not record.is_overdue
    assert not ServiceRequest.objects.overdue().exists()
    ServiceRequest.objects.filter(pk=record.pk).update(waiting_since=timezone.now() - timedelta(days=10))
    record.resume(by=company.manager, note="样品到了")
    assert record.waiting_since is None
    assert not record.is_overdue
    waited = record.waiting_minutes
    record.handle(by=company.manager, handling="换膜片")
    assert waited > 0
    assert record.minutes_to_handle == clock.minutes_between(record.created_at, record.handled_at) - waited
    assert [note.text for note in record.notes.all()] == ["等待客户回复：等样品", "恢复处理：样品到了"]


def test_handling_ends_the_wait(company, in_state):
    record = in_state("waiting")
    record.handle(by=company.manager, handling="到场")
    assert (record.waiting_since, record.status) == (None, "handled")


# Who sees


def test_who_sees_a_request(company, helper, in_state):
    record = in_state("assigned")
    sees = {
        name: ServiceRequest.objects.visible_to(fresh(helper if name == "helper" else getattr(company, name))).exists()
        for name in (*PEOPLE, "eastern", "stranger", "nobody")
    }
    assert sees == {
        "supervisor": True, "manager": True, "colleague": True, "helper": True, "outsider": False, "executive": True,
        "administrator": False, "eastern": False, "stranger": False, "nobody": False,
    }  # fmt: skip
    record.release(helper, by=company.manager)
    assert not ServiceRequest.objects.visible_to(fresh(helper)).exists()


def test_whoever_opens_requests_helps_and_notes_whatever_they_may_create(company, in_state):
    """A technician with no other permission over requests than to open them."""
    role = Role.objects.create(name="技术支持", code="technician", view_scope=Scope.SELF, edit_scope=Scope.SELF)
    role.permissions.add(Permission.objects.get(codename="view_servicerequest"))
    technician = factories.UserFactory(department=company.other)
    technician.groups.add(role)
    record = in_state("assigned")
    assert not record.can_note(fresh(technician))
    record.involve(fresh(technician), by=company.manager)
    assert ServiceRequest.objects.visible_to(fresh(technician)).get() == record
    record.note(by=fresh(technician), text="量程应改为 0–1.6 MPa")
    assert record.notes.get().text == "量程应改为 0–1.6 MPa"
    for verdict in (record.can_handle(fresh(technician)), record.can_feedback(fresh(technician))):
        assert verdict.kind == Kind.NO_PERMISSION


def test_an_executive_who_helps_reads_and_writes_nothing(company, in_state):
    record = in_state("assigned")
    ServiceHelper.objects.create(request=record, user=company.executive, by=company.manager)  # by an earlier version
    with pytest.raises(Refused, match="您的角色不编辑业务数据"):
        record.note(by=fresh(company.executive), text="请抓紧")
    assert not record.notes.exists()


def test_only_who_can_write_a_note_is_offered_and_taken_as_a_helper(company, in_state):
    record = in_state("assigned")
    technician = factories.person("service_helper", name="韩技术")
    disabled = factories.person("service_helper", is_active=False)
    offered = set(record.possible_helpers())
    assert {technician, company.supervisor, company.colleague, company.stranger} <= offered
    refused = {company.executive, company.administrator, company.nobody, disabled, company.manager}
    assert not refused & offered
    for person in refused:
        with pytest.raises(Refused, match="不能做协办人"):
            record.involve(person, by=company.manager)
    for person in offered:
        record.involve(person, by=company.manager)
        assert record.can_note(fresh(person)), person


def test_two_roles_of_which_neither_sees_and_writes_make_no_helper(company, in_state):
    """The permission of one and the edit scope of the other do not add up."""
    person = company.executive
    person.groups.add(Role.objects.create(name="只编辑", view_scope=Scope.SELF, edit_scope=Scope.SELF))
    record = in_state("assigned")
    assert person not in record.possible_helpers()
    ServiceHelper.objects.create(request=record, user=person, by=company.manager)
    assert not record.can_note(fresh(person))


def test_the_customers_manager_sees_what_others_create_and_its_creator_the_request(company):
    customer = factories.CustomerFactory(manager=company.stranger)
    record = factories.service_request(company.manager, customer=customer)
    assert record.keeper == company.stranger
    assert ServiceRequest.objects.visible_to(fresh(company.stranger)).get() == record
    assert ServiceRequest.objects.visible_to(fresh(company.manager)).get() == record
    assert not ServiceRequest.objects.visible_to(fresh(company.colleague)).exists()
    assert not ServiceRequest.objects.editable_by(fresh(company.supervisor)).exists()


def test_a_creator_keeps_the_page_of_a_request_until_it_is_archived(company):
    customer = factories.CustomerFactory(manager=company.stranger)
    record = factories.dispatched(company.manager, company.outsider, company.stranger, customer=customer)
    rows = ServiceRequest.objects
    assert rows.visible_to(fresh(company.manager)).get() == record
    assert not Customer.objects.visible_to(fresh(company.manager)).exists()
    record.handle(by=company.stranger, handling="到场")
    assert rows.visible_to(fresh(company.manager)).get() == record
    record.feedback(by=company.stranger, result="好了", satisfaction=5)
    assert not rows.visible_to(fresh(company.manager)).exists()
    assert not rows.filter(rows.belonging_to(fresh(company.manager))).exists()
    assert rows.visible_to(fresh(company.stranger)).get() == record


def test_an_open_assignment_lets_see_the_customer_and_ends_with_the_archive(company):
    customer = factories.CustomerFactory(manager=company.manager)
    record = factories.dispatched(company.manager, company.supervisor, company.eastern, customer=customer)
    assert Customer.objects.visible_to(fresh(company.eastern)).get() == customer
    assert not Customer.objects.editable_by(fresh(company.eastern)).exists()
    record.handle(by=company.eastern, handling="到场")
    assert Customer.objects.visible_to(fresh(company.eastern)).exists()
    record.feedback(by=company.eastern, result="好了", satisfaction=5)
    assert not Customer.objects.visible_to(fresh(company.eastern)).exists()
    assert ServiceRequest.objects.visible_to(fresh(company.eastern)).get() == record


def test_the_view_of_customers_costs_one_query_more(company, django_assert_num_queries):
    person = fresh(company.manager)
    person.has_perm("x")
    with django_assert_num_queries(4):  # members of the department, their open requests, the customers twice
        list(Customer.objects.visible_to(person))
        list(Customer.objects.visible_to(person))


def test_a_share_of_the_customer_covers_its_requests(company):
    customer = factories.CustomerFactory(manager=company.manager)
    record = factories.service_request(company.manager, customer=customer)
    customer.share(company.stranger, by=company.supervisor, kind="change")
    assert ServiceRequest.objects.visible_to(fresh(company.stranger)).get() == record
    assert not record.can_edit(fresh(company.stranger))


def test_requests_keep_a_customer_from_being_deleted(company):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.service_request(company.manager, customer=customer)
    with pytest.raises(Refused, match="1 条服务请求"):
        customer.remove(by=company.manager)


# 移交


def test_open_requests_move_with_their_customer(company):
    customer = factories.CustomerFactory(manager=company.manager)
    make = {"customer": customer}
    mine = factories.dispatched(company.manager, company.supervisor, company.manager, **make)
    done = factories.archived(company.manager, company.supervisor, company.manager, **make)
    third = factories.dispatched(company.manager, company.supervisor, company.colleague, **make)
    new = factories.service_request(company.manager, **make)
    other = factories.dispatched(company.manager, company.supervisor, company.manager)
    with transaction.atomic():
        transfer_customers([customer], company.eastern, by=company.supervisor, reason="换区")
        former = {customer.pk: company.manager.pk}
        moved = hand_over_requests(former, company.eastern, by=company.supervisor, reason="换区")
    assert moved == 1
    rows = ServiceRequest.objects.in_bulk([mine.pk, done.pk, third.pk, new.pk, other.pk])
    assert [rows[one.pk].assignee for one in (mine, done, third, new, other)] == [
        company.eastern, company.manager, company.colleague, None, company.manager,
    ]  # fmt: skip
    assert [rows[one.pk].keeper for one in (mine, done, third, new, other)] == [company.eastern] * 4 + [company.manager]
    assert AuditEntry.objects.about(mine).first().verb == "移交"
    strays = ServiceRequest.objects.filter(customer__isnull=False).exclude(keeper=F("customer__manager"))
    assert not strays.exists()


# Shapes that hold at rest


@pytest.mark.parametrize(
    "broken",
    [
        {"organisation": ""},
        {"status": "assigned"},
        {"status": "archived"},
        {"waiting_since": timezone.now()},
        {"assignee_id": 1},
    ],
)
def test_the_database_refuses_what_no_transition_makes(broken, company):
    record = factories.service_request(company.manager)
    broken = {**broken, **({"assignee_id": company.manager.pk} if "assignee_id" in broken else {})}
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceRequest.objects.filter(pk=record.pk).update(**broken)
