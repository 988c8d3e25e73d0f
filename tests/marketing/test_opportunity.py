"""What each action leaves behind with the opportunity, and what the table itself refuses at rest."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Notification, Role
from customers.models import Customer
from customers.records.duplicates import SearchTerms
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from marketing.models import ForecastChange, Opportunity, PlanItem
from marketing.opportunities.duplicates import opportunity_matches
from tests import factories
from tests.marketing.states import STATES, everything, record_in

pytestmark = pytest.mark.django_db


# 新建


@pytest.mark.parametrize("name", ["supervisor", "manager", "outsider"])
def test_supervisors_and_managers_create_opportunities_nobody_is_assigned_to(company, name):
    person = getattr(company, name)
    record = factories.opportunity(person)
    stored = Opportunity.objects.get(pk=record.pk)
    assert (stored.status, stored.assignee, stored.assigned_at, stored.created_by) == ("unassigned", None, None, person)
    row = AuditEntry.objects.about(record).get()
    assert (row.verb, row.actor_id) == ("新建", person.pk)
    assert row.changes == {"客户名称": ["", "沈阳北辰重型机械有限公司"], "成功机率": ["", "60%"]}


@pytest.mark.parametrize("name", ["executive", "administrator", "nobody"])
def test_others_create_none(company, name):
    with pytest.raises(Refused, match="您的角色不能新建销售机会"):
        factories.opportunity(getattr(company, name))
    assert not Opportunity.objects.exists()
    assert not AuditEntry.objects.exists()


# 编辑


def test_an_edit_leaves_old_and_new_in_the_words_of_the_screen_and_raises_the_version(company):
    record = factories.opportunity(company.colleague, region=factories.entry("地区", "华北"))
    record.edit(by=company.manager, summary="新概要", region=factories.entry("地区", "东北"), success_rate=60)
    stored = Opportunity.objects.get(pk=record.pk)
    assert (stored.summary, stored.region.item, stored.version) == ("新概要", "东北", 1)
    assert (stored.status, stored.created_by) == ("unassigned", company.colleague)
    row = AuditEntry.objects.about(record)[0]
    assert (row.verb, row.changes) == ("编辑", {"概要": ["压力变送器改造", "新概要"], "地区": ["华北", "东北"]})


def test_an_edit_that_changes_nothing_leaves_no_row_and_no_new_version(company):
    record = factories.opportunity(company.colleague, expected_amount=Decimal("100.00"))
    before = everything(record)
    record.edit(by=company.colleague, summary=record.summary, region=None, expected_amount=Decimal("100.00"))
    assert everything(record) == before


def test_an_amount_typed_without_decimals_is_no_change(company):
    record = factories.opportunity(company.colleague, expected_amount=Decimal("100.00"))
    before = everything(record)
    record.edit(by=company.colleague, expected_amount=Decimal("100"))
    assert everything(record) == before


def test_another_introducer_of_the_same_name_is_saved(company):
    first, second = (factories.CustomerFactory(name="同名公司", manager=company.manager) for _ in range(2))
    record = factories.opportunity(company.colleague, introduced_by=first)
    record.edit(by=company.colleague, introduced_by=second)
    assert Opportunity.objects.get(pk=record.pk).introduced_by == second


# 删除


def test_a_removed_opportunity_takes_its_plan_items_along_and_stays_in_the_audit_log(company):
    record, other = factories.opportunity(company.colleague), record_in("assigned", company)
    other_item = factories.plan_item(other, company.manager)
    PlanItem.objects.create(opportunity=record, on=date(2026, 1, 5), text="拜访")
    key = record.pk
    record.remove(by=company.colleague)
    assert list(Opportunity.objects.all()) == [other]
    assert list(PlanItem.objects.all()) == [other_item]
    row = AuditEntry.objects.get(verb="删除")
    assert (row.object_id, row.actor_id, row.object_text) == (key, company.colleague.pk, "压力变送器改造")
    assert row.changes == {"客户名称": ["", "沈阳北辰重型机械有限公司"], "概要": ["", "压力变送器改造"]}


def test_a_manager_removes_only_what_they_created_themselves(company):
    own, other = factories.opportunity(company.manager), factories.opportunity(company.supervisor)
    own.remove(by=company.manager)
    with pytest.raises(Refused, match="只有创建人（林主管）可以删除"):
        other.remove(by=company.manager)
    assert list(Opportunity.objects.all()) == [other]


# 指派


def test_an_assignment_sets_person_time_and_state_and_tells_the_assignee(company):
    record, started = factories.opportunity(company.colleague), timezone.now()
    record.assign(company.manager, by=company.supervisor)
    stored = Opportunity.objects.get(pk=record.pk)
    assert (stored.status, stored.assignee, stored.assigned_by) == ("assigned", company.manager, company.supervisor)
    assert started <= stored.assigned_at <= timezone.now()
    row = AuditEntry.objects.about(record)[0]
    assert (row.verb, row.actor_id, row.changes) == ("指派", company.supervisor.pk, {"指派给": ["", "周经理"]})
    note = Notification.objects.get()
    assert (note.recipient, note.record) == (company.manager, record)
    assert note.text == "林主管 将机会「压力变送器改造」指派给您"


def test_a_second_assignment_is_told_who_was_first(company):
    record = record_in("assigned", company)
    with pytest.raises(Refused, match="机会已由 林主管 指派给 周经理，不能再次指派"):
        record.assign(company.colleague, by=company.supervisor)
    assert Opportunity.objects.get(pk=record.pk).assignee == company.manager


def wrong_candidates(company):
    left = factories.person("account_manager", name="离职", department=company.north, is_active=False)
    return (company.supervisor, company.stranger, company.executive, company.administrator, company.nobody, left)


@pytest.mark.parametrize("position", range(6))
def test_only_an_active_manager_inside_the_supervisors_scope_takes_over(company, position):
    wrong = wrong_candidates(company)[position]
    record, running = factories.opportunity(company.colleague), record_in("assigned", company)
    acts = (partial(record.assign, wrong), partial(running.reassign, wrong, reason="换人"))
    for opportunity, act in zip((record, running), acts, strict=True):
        before = everything(opportunity)
        with pytest.raises(Refused, match=f"{wrong} 不是您范围内在职的客户经理"):
            act(by=company.supervisor)
        assert everything(opportunity) == before


def test_the_candidates_are_the_active_managers_below_the_supervisor(company):
    wrong_candidates(company)
    assert set(Opportunity.candidates(company.supervisor)) == {company.manager, company.colleague, company.eastern}
    assert set(Opportunity.candidates(company.outsider)) == {company.stranger}
    assert not Opportunity.candidates(company.manager)


def test_a_supervisor_who_is_a_manager_too_assigns_to_themselves_without_being_told(company):
    company.supervisor.groups.add(Role.objects.get(code="account_manager"))
    both = factories.fresh(company.supervisor)
    record = factories.opportunity(company.colleague)
    record.assign(both, by=both)
    assert Opportunity.objects.get(pk=record.pk).assignee == both
    assert not Notification.objects.exists()


# 改派


def test_a_reassignment_keeps_the_state_and_tells_both_people_and_the_reason(company):
    record = record_in("assigned", company)
    first_time = record.assigned_at
    Notification.objects.all().delete()
    record.reassign(company.eastern, by=company.supervisor, reason="负责华东")
    stored = Opportunity.objects.get(pk=record.pk)
    assert (stored.status, stored.assignee, stored.assigned_by) == ("assigned", company.eastern, company.supervisor)
    assert stored.assigned_at > first_time
    row = AuditEntry.objects.about(record)[0]
    assert row.verb == "改派"
    assert row.changes == {"指派给": ["周经理", "王华东"], "原因": ["", "负责华东"]}
    notices = dict(Notification.objects.values_list("recipient__name", "text"))
    assert set(notices) == {"周经理", "王华东"}
    assert notices["周经理"].endswith("改派给 王华东：负责华东")
    assert notices["王华东"] == "林主管 将机会「压力变送器改造」改派给您：负责华东"


def test_the_former_assignee_reads_that_it_went_to_another_group(company):
    record = factories.assigned(company.supervisor, company.supervisor, company.manager)
    record.reassign(company.eastern, by=company.supervisor, reason="负责华东")
    assert record not in Opportunity.objects.visible_to(company.manager)
    assert any("改派给 王华东" in note.text for note in Notification.visible(company.manager))


@pytest.mark.parametrize("reason", ["", "  ", "\n\t", "　"])
def test_a_reassignment_needs_a_reason(company, reason):
    record = record_in("assigned", company)
    before = everything(record)
    with pytest.raises(Refused, match="请填写改派原因"):
        record.reassign(company.colleague, by=company.supervisor, reason=reason)
    assert everything(record) == before


def test_a_reassignment_to_the_same_person_is_refused(company):
    record = record_in("assigned", company)
    before = everything(record)
    with pytest.raises(Refused, match="机会现在就由周经理负责"):
        record.reassign(company.manager, by=company.supervisor, reason="再来")
    assert everything(record) == before


def test_after_a_reassignment_the_former_assignee_may_no_longer_develop(company):
    record = record_in("assigned", company)
    record.reassign(company.colleague, by=company.supervisor, reason="换人")
    assert record.can_win(company.colleague)
    with pytest.raises(Refused, match=r"只有被指派的客户经理（陈同事）可以执行"):
        record.win(by=company.manager, reason="客户已下单")


# 更新预测


def test_a_new_forecast_keeps_the_former_one_with_its_reason(company):
    record = record_in("assigned", company, expected_amount=Decimal("1000.50"))
    record.update_forecast(
        by=company.manager,
        success_rate=80,
        expected_amount=Decimal(2000),
        expected_on=date(2026, 3, 1),
        reason="预算",
    )
    stored = Opportunity.objects.get(pk=record.pk)
    assert (stored.success_rate, stored.expected_amount, stored.expected_on) == (80, Decimal(2000), date(2026, 3, 1))
    assert stored.status == "assigned"
    former = ForecastChange.objects.get()
    assert (former.opportunity, former.by, former.reason) == (record, company.manager, "预算")
    assert (former.former_success_rate, former.success_rate) == (60, 80)
    assert (former.former_expected_amount, former.expected_amount) == (Decimal("1000.50"), Decimal(2000))
    assert (former.former_expected_on, former.expected_on) == (None, date(2026, 3, 1))
    row = AuditEntry.objects.about(record)[0]
    assert row.verb == "更新预测"
    assert row.changes == {
        "成功机率": ["60", "80"],
        "预计金额": ["1000.50", "2000"],
        "预计成交日期": ["", "2026-03-01"],
        "原因": ["", "预算"],
    }


def test_each_forecast_is_kept_newest_first(company):
    record = record_in("assigned", company)
    for rate in (70, 80, 90):
        record.update_forecast(
            by=company.manager, success_rate=rate, expected_amount=None, expected_on=None, reason="进展"
        )
    pairs = record.forecast_changes.values_list("former_success_rate", "success_rate")
    assert list(pairs) == [(80, 90), (70, 80), (60, 70)]


def test_the_same_forecast_again_leaves_no_row(company):
    record = record_in("assigned", company)
    before = everything(record)
    record.update_forecast(by=company.manager, success_rate=60, expected_amount=None, expected_on=None, reason="核对")
    assert everything(record) == before


def test_a_forecast_needs_a_reason(company):
    record = record_in("assigned", company)
    before = everything(record)
    with pytest.raises(Refused, match="请填写更新原因"):
        record.update_forecast(by=company.manager, success_rate=70, expected_amount=None, expected_on=None, reason="  ")
    assert everything(record) == before


@pytest.mark.parametrize("rate", [0, 100])
def test_a_forecast_reaches_the_ends_of_the_scale(company, rate):
    record = record_in("assigned", company)
    record.update_forecast(by=company.manager, success_rate=rate, expected_amount=None, expected_on=None, reason="到头")
    assert Opportunity.objects.get(pk=record.pk).success_rate == rate


@pytest.mark.parametrize("rate", [-1, 101])
def test_a_forecast_beyond_the_scale_is_refused_by_the_table_itself(company, rate):
    record = record_in("assigned", company)
    with pytest.raises(IntegrityError), transaction.atomic():
        record.update_forecast(
            by=company.manager, success_rate=rate, expected_amount=None, expected_on=None, reason="超出"
        )
    assert Opportunity.objects.get(pk=record.pk).success_rate == 60
    assert not ForecastChange.objects.exists()


# 更正联系方式, 终止开发


def test_a_corrected_contact_changes_the_two_fields_only(company):
    record = record_in("assigned", company)
    before = Opportunity.objects.values().get(pk=record.pk)
    record.correct_contact(by=company.manager, contact_name="高大峰", contact_phone="024-5555 6610")
    after = Opportunity.objects.values().get(pk=record.pk)
    assert {name for name in after if after[name] != before[name]} == {"contact_name", "version"}
    row = AuditEntry.objects.about(record)[0]
    assert (row.verb, row.changes) == ("更正联系方式", {"联系人": ["高峰", "高大峰"]})


def test_a_lost_opportunity_keeps_reason_competitor_and_time(company):
    record, started = record_in("assigned", company), timezone.now()
    rival = factories.entry("竞争对手", "进口品牌")
    record.lose(by=company.manager, reason="价格", competitor=rival)
    stored = Opportunity.objects.get(pk=record.pk)
    assert (stored.status, stored.lost_reason, stored.competitor) == ("lost", "价格", rival)
    assert started <= stored.closed_at <= timezone.now()
    assert stored.assignee == company.manager
    row = AuditEntry.objects.about(record)[0]
    assert (row.verb, row.actor_id) == ("终止开发", company.manager.pk)
    assert row.changes == {"失败原因": ["", "价格"], "竞争对手": ["", "进口品牌"]}
    assert not Customer.objects.exists()


@pytest.mark.parametrize("reason", ["", " ", "　\n"])
def test_a_loss_needs_a_reason(company, reason):
    record = record_in("assigned", company)
    before = everything(record)
    with pytest.raises(Refused, match="请填写失败原因"):
        record.lose(by=company.manager, reason=reason)
    assert everything(record) == before


# At rest


BROKEN = [
    ("unassigned", {"success_rate": 101}),
    ("unassigned", {"success_rate": -1}),
    ("unassigned", {"status": "somewhere"}),
    ("unassigned", {"status": "assigned"}),
    ("unassigned", {"assigned_at": timezone.now()}),
    ("unassigned", {"closed_at": timezone.now()}),
    ("assigned", {"status": "unassigned"}),
    ("assigned", {"assignee": None}),
    ("assigned", {"assigned_at": None}),
    ("assigned", {"closed_at": timezone.now()}),
    ("assigned", {"status": "won"}),
    ("assigned", {"status": "lost", "closed_at": timezone.now()}),
    ("won", {"customer": None}),
    ("won", {"closed_at": None}),
    ("won", {"assignee": None}),
    ("won", {"status": "lost"}),
    ("won", {"status": "assigned"}),
    ("lost", {"lost_reason": ""}),
    ("lost", {"closed_at": None}),
    ("lost", {"status": "assigned"}),
    ("lost", {"status": "won"}),
]


@pytest.mark.parametrize(("state", "values"), BROKEN, ids=[f"{s}-{'-'.join(v)}" for s, v in BROKEN])
def test_what_cannot_be_is_refused_by_the_table_itself(company, state, values):
    record = record_in(state, company)
    before = everything(record)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opportunity.objects.filter(pk=record.pk).update(**values)
    copy = Opportunity.objects.get(pk=record.pk)
    for name, value in values.items():
        setattr(copy, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opportunity.objects.bulk_update([copy], list(values))
    copy.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        Opportunity.objects.bulk_create([copy])
    assert everything(record) == before


def test_an_assigned_opportunity_has_no_customer_yet(company):
    record = record_in("assigned", company)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opportunity.objects.filter(pk=record.pk).update(customer=factories.CustomerFactory())


# Row rules that belong to the model


def test_development_lists_everything_ever_assigned(company):
    records = {state: record_in(state, company, customer_name=f"{state}公司") for state in STATES}
    assert set(Opportunity.objects.in_development()) == {records[state] for state in ("assigned", "won", "lost")}
    assert set(Opportunity.objects.open()) == {records["unassigned"], records["assigned"]}


def test_progress_counts_the_plan_of_each_row(company):
    planned, empty = record_in("assigned", company), record_in("assigned", company)
    factories.plan_item(planned, company.manager)
    factories.plan_item(planned, company.manager, result="已拜访")
    counts = {row.pk: (row.items_all, row.items_done) for row in Opportunity.objects.with_progress()}
    assert counts == {planned.pk: (2, 1), empty.pk: (0, 0)}


def test_closed_since_counts_the_shanghai_day(company):
    record = record_in("lost", company)
    midnight = timezone.make_aware(datetime(2026, 3, 1))
    Opportunity.objects.filter(pk=record.pk).update(closed_at=midnight)
    assert list(Opportunity.objects.closed_since(date(2026, 3, 1))) == [record]
    Opportunity.objects.filter(pk=record.pk).update(closed_at=midnight - timedelta(seconds=1))
    assert not Opportunity.objects.closed_since(date(2026, 3, 1))


def test_an_opportunity_without_a_name_to_compare_is_found_by_its_number(company):
    """Rows that a program wrote past save() have none: they are compared by number alone."""
    record = factories.opportunity(company.manager, contact_phone="024-88890001")
    Opportunity.objects.update(name_normalized=None, name_pinyin=None)
    terms = SearchTerms("沈阳某公司", phones=("024-88890001",))
    assert [(match.record, match.why) for match in opportunity_matches(terms, company.manager)] == [
        (record, "电话相同")
    ]
