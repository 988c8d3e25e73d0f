"""The development plan: items are planned while 已指派, closed by their result, and rest with the opportunity."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from marketing.models import PlanItem
from tests import factories

pytestmark = pytest.mark.django_db

A, R, N, S = Kind.ALLOWED, Kind.NO_PERMISSION, Kind.NOT_YOURS, Kind.STATE
PEOPLE = (
    "colleague", "manager", "supervisor", "eastern", "stranger", "outsider", "executive", "administrator", "nobody",
)  # fmt: skip
# The opportunity was created by colleague and is assigned to manager; "open" has no result yet, "done" has one.
TABLE = """
action         item  state     coll mana supe east stra outs exec admi nobo
edit           open  assigned  N    A    A    N    N    N    R    R    R
edit           done  assigned  N    S    S    N    N    N    R    R    R
edit           open  won       S    S    S    S    S    S    R    R    R
edit           open  lost      S    S    S    S    S    S    R    R    R
remove         open  assigned  N    A    A    N    N    N    R    R    R
remove         done  assigned  N    S    S    N    N    N    R    R    R
remove         open  won       S    S    S    S    S    S    R    R    R
remove         open  lost      S    S    S    S    S    S    R    R    R
record_result  open  assigned  N    A    R    N    N    R    R    R    R
record_result  done  assigned  N    A    R    N    N    R    R    R    R
record_result  open  won       S    S    R    S    S    R    R    R    R
record_result  done  won       S    S    R    S    S    R    R    R    R
record_result  open  lost      S    S    R    S    S    R    R    R    R
record_result  done  lost      S    S    R    S    S    R    R    R    R
"""
KINDS = {"A": A, "R": R, "N": N, "S": S}
CELLS = [
    (action, item, state, dict(zip(PEOPLE, (KINDS[letter] for letter in kinds), strict=True)))
    for action, item, state, *kinds in (line.split() for line in TABLE.strip().splitlines()[1:])
]
ARGUMENTS = {"edit": {"on": date(2026, 5, 6), "text": "改期"}, "remove": {}, "record_result": {"result": "谈妥"}}


@pytest.fixture
def under_way(company):
    return factories.assigned(company.colleague, company.supervisor, company.manager)


def item_in(item, state, record, company):
    made = factories.plan_item(record, company.manager, result="已拜访" if item == "done" else "")
    if state == "won":
        record.win(by=company.manager)
    if state == "lost":
        record.lose(by=company.manager, reason="价格")
    return PlanItem.objects.get(pk=made.pk)


def stored(item):
    return PlanItem.objects.filter(pk=item.pk).values().first()


@pytest.mark.parametrize(("action", "item", "state", "kinds"), CELLS, ids=["-".join(cell[:3]) for cell in CELLS])
def test_every_person_gets_the_answer_of_the_table_and_a_refusal_changes_nothing(
    company, under_way, action, item, state, kinds
):
    made = item_in(item, state, under_way, company)
    for name, kind in kinds.items():
        person = getattr(company, name)
        assert getattr(made, f"can_{action}")(person).kind is kind, name
        if kind is A:
            continue
        before, rows = stored(made), AuditEntry.objects.count()
        with pytest.raises(Refused) as refused:
            getattr(made, action)(by=person, **ARGUMENTS[action])
        assert refused.value.verdict.kind is kind, name
        assert (stored(made), AuditEntry.objects.count()) == (before, rows), name


REASONS = [
    ("edit", "done", "assigned", "已填写执行效果的计划项不能再修改。"),
    ("remove", "done", "assigned", "已填写执行效果的计划项不能删除。"),
    ("edit", "open", "won", "机会已开发成功，只能查看，不能制定计划。"),
    ("remove", "open", "lost", "机会已开发失败，只能查看，不能制定计划。"),
    ("record_result", "done", "won", "机会已开发成功，只能查看，不能更改。"),
    ("record_result", "open", "lost", "机会已开发失败，只能查看，不能更改。"),
]


@pytest.mark.parametrize(("action", "item", "state", "reason"), REASONS, ids=["-".join(case[:3]) for case in REASONS])
def test_a_refusal_says_why(company, under_way, action, item, state, reason):
    made = item_in(item, state, under_way, company)
    with pytest.raises(Refused) as refused:
        getattr(made, action)(by=company.manager, **ARGUMENTS[action])
    assert refused.value.verdict.reason == reason


@pytest.mark.parametrize("name", ["manager", "supervisor"])
def test_a_new_item_is_written_into_the_opportunitys_history(company, under_way, name):
    person = getattr(company, name)
    with transaction.atomic():
        item = PlanItem.create(by=person, opportunity=under_way, on=date(2026, 1, 5), text="首次拜访")
    assert list(under_way.items.values_list("on", "text", "result", "executed_at")) == [
        (date(2026, 1, 5), "首次拜访", "", None)
    ]
    row = AuditEntry.objects.about(under_way)[0]
    assert (row.verb, row.actor_id, row.changes) == ("制定计划", person.pk, {"计划项": ["", "2026-01-05 首次拜访"]})
    assert not AuditEntry.objects.about(item).exists()


def test_no_item_is_added_by_others_or_to_a_closed_opportunity(company, under_way):
    def add(by):
        with transaction.atomic():
            PlanItem.create(by=by, opportunity=under_way, on=date(2026, 1, 5), text="首次拜访")

    with pytest.raises(Refused, match="只有被指派的客户经理（周经理）和他的主管可以制定计划"):
        add(company.colleague)
    under_way.lose(by=company.manager, reason="价格")
    rows = AuditEntry.objects.count()
    with pytest.raises(Refused, match="不能制定计划"):
        add(company.manager)
    assert not PlanItem.objects.exists()
    assert AuditEntry.objects.count() == rows


def test_no_item_is_added_to_an_opportunity_that_closed_meanwhile(company, under_way):
    stale = type(under_way).objects.get(pk=under_way.pk)
    under_way.lose(by=company.manager, reason="价格")
    with pytest.raises(Refused, match="开发失败"):
        factories.plan_item(stale, company.manager)


def test_an_edited_item_leaves_old_and_new(company, under_way):
    item = factories.plan_item(under_way, company.manager)
    old = item.dated_text()
    item.edit(by=company.supervisor, on=date(2026, 5, 6), text="改期")
    assert (stored(item)["on"], stored(item)["text"], stored(item)["version"]) == (date(2026, 5, 6), "改期", 1)
    row = AuditEntry.objects.about(under_way)[0]
    assert (row.verb, row.changes) == ("修改计划", {"计划项": [old, "2026-05-06 改期"]})


def test_an_edit_that_changes_nothing_leaves_no_row(company, under_way):
    item = factories.plan_item(under_way, company.manager)
    before, rows = stored(item), AuditEntry.objects.count()
    item.edit(by=company.manager, on=item.on, text=item.text)
    assert (stored(item), AuditEntry.objects.count()) == (before, rows)


def test_a_removed_item_stays_in_the_history(company, under_way):
    item, other = (factories.plan_item(under_way, company.manager, text=text) for text in ("一", "二"))
    words = item.dated_text()
    item.remove(by=company.manager)
    assert list(under_way.items.all()) == [other]
    row = AuditEntry.objects.about(under_way)[0]
    assert (row.verb, row.changes) == ("删除计划", {"计划项": [words, ""]})


def test_a_result_says_when_and_by_whom(company, under_way):
    item, started = factories.plan_item(under_way, company.manager), timezone.now()
    item.record_result(by=company.manager, result="客户同意试装")
    made = PlanItem.objects.get(pk=item.pk)
    assert (made.result, made.executed_by, made.is_done) == ("客户同意试装", company.manager, True)
    assert started <= made.executed_at <= timezone.now()
    row = AuditEntry.objects.about(under_way)[0]
    assert row.verb == "填写执行效果"
    assert row.changes == {"计划项": ["", "确认需求"], "执行效果": ["", "客户同意试装"]}


def test_a_result_is_corrected_until_the_opportunity_closes(company, under_way):
    item = factories.plan_item(under_way, company.manager, result="客户同意")
    item.record_result(by=company.manager, result="客户同意试装")
    assert stored(item)["result"] == "客户同意试装"
    assert AuditEntry.objects.about(under_way)[0].changes["执行效果"] == ["客户同意", "客户同意试装"]
    under_way.win(by=company.manager)
    with pytest.raises(Refused, match="开发成功"):
        item.record_result(by=company.manager, result="又改")
    assert stored(item)["result"] == "客户同意试装"


def test_the_same_result_again_leaves_no_row_and_keeps_the_time(company, under_way):
    item = factories.plan_item(under_way, company.manager, result="客户同意")
    before, rows = stored(item), AuditEntry.objects.count()
    item.record_result(by=company.manager, result="客户同意")
    assert (stored(item), AuditEntry.objects.count()) == (before, rows)


@pytest.mark.parametrize("result", ["", " ", "\n　"])
def test_a_result_is_not_emptied(company, under_way, result):
    item = factories.plan_item(under_way, company.manager, result="客户同意")
    before = stored(item)
    with pytest.raises(Refused, match="请填写执行效果"):
        item.record_result(by=company.manager, result=result)
    assert stored(item) == before


def test_an_item_is_late_from_the_day_after_until_its_result(company, under_way):
    today, yesterday = (factories.plan_item(under_way, company.manager, days=days) for days in (0, -1))
    assert (today.days_late, yesterday.days_late) == (0, 1)
    yesterday.record_result(by=company.manager, result="已拜访")
    assert yesterday.days_late == 0


def test_due_are_the_open_items_of_opportunities_under_way(company, under_way):
    today = timezone.localdate()
    late, now, later = (factories.plan_item(under_way, company.manager, days=days) for days in (-1, 0, 1))
    factories.plan_item(under_way, company.manager, days=-1, result="已拜访")
    closed = factories.assigned(company.colleague, company.supervisor, company.manager)
    factories.plan_item(closed, company.manager, days=-1)
    closed.lose(by=company.manager, reason="价格")
    assert list(PlanItem.objects.due(today)) == [late, now]
    assert list(PlanItem.objects.due(today + timedelta(days=1))) == [late, now, later]


def test_an_item_is_seen_by_whoever_sees_its_opportunity(company, under_way):
    item = factories.plan_item(under_way, company.manager)
    for name in ("colleague", "manager", "supervisor", "executive"):
        assert list(PlanItem.objects.visible_to(getattr(company, name))) == [item], name
    for name in ("eastern", "stranger", "outsider", "administrator", "nobody"):
        assert not PlanItem.objects.visible_to(getattr(company, name)), name
