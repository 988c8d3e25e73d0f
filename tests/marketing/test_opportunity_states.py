"""The opportunity's table of states: every state × every action × every person."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import transaction

from customers.models import Customer
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from marketing.models import Opportunity, PlanItem
from tests.marketing.states import STATES, everything, record_in

pytestmark = pytest.mark.django_db

A, R, N, S = Kind.ALLOWED, Kind.NO_PERMISSION, Kind.NOT_YOURS, Kind.STATE
PEOPLE = (
    "colleague", "manager", "supervisor", "eastern", "stranger", "outsider", "executive", "administrator", "nobody",
)  # fmt: skip
# colleague created the opportunity; from 已指派 on, manager is its assignee (both 华北组, under supervisor).
# eastern is in another group of the same supervisor; stranger and outsider (a supervisor) are of another department.
TABLE = """
action           state       coll mana supe east stra outs exec admi nobo
edit             unassigned  A    A    A    -    -    -    R    R    R
edit             assigned    S    S    S    S    S    S    R    R    R
edit             won         S    S    S    S    S    S    R    R    R
edit             lost        S    S    S    S    S    S    R    R    R
remove           unassigned  A    N    N    N    N    N    R    R    R
remove           assigned    S    N    N    N    N    N    R    R    R
remove           won         S    N    N    N    N    N    R    R    R
remove           lost        S    N    N    N    N    N    R    R    R
assign           unassigned  R    R    A    R    R    N    R    R    R
assign           assigned    R    R    S    R    R    N    R    R    R
assign           won         R    R    S    R    R    N    R    R    R
assign           lost        R    R    S    R    R    N    R    R    R
reassign         unassigned  R    R    S    R    R    N    R    R    R
reassign         assigned    R    R    A    R    R    N    R    R    R
reassign         won         R    R    S    R    R    N    R    R    R
reassign         lost        R    R    S    R    R    N    R    R    R
plan             unassigned  S    S    S    S    S    S    R    R    R
plan             assigned    N    A    A    N    N    N    R    R    R
plan             won         S    S    S    S    S    S    R    R    R
plan             lost        S    S    S    S    S    S    R    R    R
update_forecast  unassigned  S    S    R    S    S    R    R    R    R
update_forecast  assigned    N    A    R    N    N    R    R    R    R
update_forecast  won         S    S    R    S    S    R    R    R    R
update_forecast  lost        S    S    R    S    S    R    R    R    R
correct_contact  unassigned  S    S    R    S    S    R    R    R    R
correct_contact  assigned    N    A    R    N    N    R    R    R    R
correct_contact  won         S    S    R    S    S    R    R    R    R
correct_contact  lost        S    S    R    S    S    R    R    R    R
win              unassigned  S    S    R    S    S    R    R    R    R
win              assigned    N    A    R    N    N    R    R    R    R
win              won         S    S    R    S    S    R    R    R    R
win              lost        S    S    R    S    S    R    R    R    R
lose             unassigned  S    S    R    S    S    R    R    R    R
lose             assigned    N    A    R    N    N    R    R    R    R
lose             won         S    S    R    S    S    R    R    R    R
lose             lost        S    S    R    S    S    R    R    R    R
share            unassigned  A    N    A    N    N    N    R    R    R
share            assigned    N    A    A    N    N    N    R    R    R
share            won         N    S    S    N    N    N    R    R    R
share            lost        N    S    S    N    N    N    R    R    R
"""  # "-": the person has the permission, but the row does not exist for them
KINDS = {"A": A, "R": R, "N": N, "S": S}
CELLS = [
    (action, state, dict(zip(PEOPLE, kinds, strict=True)))
    for action, state, *kinds in (line.split() for line in TABLE.strip().splitlines()[1:])
]
VERBS = {
    "edit": "编辑", "remove": "删除", "assign": "指派", "reassign": "改派", "plan": "制定计划",
    "update_forecast": "更改", "correct_contact": "更改", "win": "更改", "lose": "更改",
    "share": "共享",
}  # fmt: skip


def call(action, record, by, company):
    """The action as this person, with arguments that would be fine."""
    arguments = {
        "edit": {"summary": "另一件事"},
        "remove": {},
        "assign": {"to": company.manager},
        "reassign": {"to": company.colleague, "reason": "换人"},
        "update_forecast": {"success_rate": 10, "expected_amount": None, "expected_on": None, "reason": "推迟"},
        "correct_contact": {"contact_name": "新联系人", "contact_phone": "1"},
        "win": {"reason": "客户已下单"},
        "lose": {"reason": "价格"},
        "share": {"person": company.eastern, "kind": "view"},
    }
    if action == "plan":
        with transaction.atomic():
            return PlanItem.create(by=by, opportunity=record, on=date(2026, 1, 5), text="拜访")
    return getattr(record, action)(by=by, **arguments[action])


def expected_reason(action, state, kind, record):
    if kind is R:
        return {
            "edit": "您的角色不能修改销售机会",
            "remove": "您的角色不能删除销售机会",
            "assign": "只有销售主管可以指派销售机会",
            "reassign": "只有销售主管可以改派销售机会",
            "plan": "您的角色不能制定开发计划",
            "share": "您的角色不能共享销售机会",
        }.get(action, "您的角色不能执行开发计划")
    if kind is N:
        return {
            "remove": "只有创建人（陈同事）可以删除。",
            "assign": "这个机会不在您的指派范围内。",
            "reassign": "这个机会不在您的改派范围内。",
            "plan": "只有被指派的客户经理（周经理）和他的主管可以制定计划。",
            "share": "只有负责这个销售机会的人和他的主管可以共享。",
        }.get(action, "只有被指派的客户经理（周经理）可以执行，您可以查看。")
    if state == "unassigned":
        return {"reassign": "机会还没有指派，请先指派。", "plan": "机会还没有指派，指派后才能制定计划。"}.get(
            action, "机会还没有指派，指派后才能执行。"
        )
    if state == "assigned":
        assigned = "机会已由 林主管 指派给 周经理，"
        if action == "assign":
            return assigned + "不能再次指派；需要换人时请改派。"
        return assigned + f"只有「未分配」的机会可以{VERBS[action]}。"
    return f"机会已{record.get_status_display()}，只能查看，不能{VERBS[action]}。"


def test_the_table_has_every_state_of_every_action():
    assert {(action, state) for action, state, _ in CELLS} == {(a, s) for a in VERBS for s in Opportunity.Status}
    assert set(STATES) == set(Opportunity.Status.values)


@pytest.mark.parametrize(("action", "state", "cells"), CELLS, ids=[f"{a}-{s}" for a, s, _ in CELLS])
def test_every_person_gets_the_answer_of_the_table_and_a_refusal_changes_nothing(company, action, state, cells):
    record = record_in(state, company)
    for name, letter in cells.items():
        person = getattr(company, name)
        if letter == "-":
            assert record not in Opportunity.objects.visible_to(person), name
            continue
        kind = KINDS[letter]
        assert getattr(record, f"can_{action}")(person).kind is kind, name
        if kind is A:
            assert record in Opportunity.objects.visible_to(person), name
            continue
        before = everything(record)
        with pytest.raises(Refused) as refused:
            call(action, record, person, company)
        assert refused.value.verdict.kind is kind, name
        assert refused.value.verdict.reason == expected_reason(action, state, kind, record), name
        assert everything(record) == before, name


ALLOWED = [(action, state, name) for action, state, cells in CELLS for name in PEOPLE if cells[name] == "A"]


@pytest.mark.parametrize(("action", "state", "name"), ALLOWED, ids=["-".join(cell) for cell in ALLOWED])
def test_whoever_the_table_allows_does_it_and_leaves_one_audit_row_about_it(company, action, state, name):
    record, person = record_in(state, company), getattr(company, name)
    key, before = record.pk, AuditEntry.objects.about(record).count()
    call(action, record, person, company)
    rows = AuditEntry.objects.filter(object_id=key, content_type__model="opportunity").order_by("-pk")
    assert rows.count() == before + 1
    assert rows[0].actor_id == person.pk
    assert rows[0].actor_name == person.name


def test_a_stale_copy_in_memory_is_refused_by_the_row_as_it_stands(company):
    record = record_in("assigned", company)
    stale = Opportunity.objects.get(pk=record.pk)
    record.lose(by=company.manager, reason="价格")
    assert stale.status == "assigned"
    with pytest.raises(Refused, match="开发失败"):
        stale.win(by=company.manager, reason="客户已下单")
    assert not Customer.objects.exists()
