"""Two at once, on PostgreSQL with real threads; each race again with its guard switched off, where it must fail."""

from __future__ import annotations

import pytest

from accounts.users import models as administration
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from services.models import ServiceRequest, ServiceRound
from services.requests import rounds
from tests import factories
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL


@pytest.fixture
def two_assign(company, monkeypatch):
    second = factories.person("sales_supervisor", name="副主管", department=company.sales)
    record = factories.service_request(company.colleague)
    moment = before(monkeypatch, ServiceRequest, "save_fields")
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
    assert second.verdict.reason.startswith("服务请求已由 林主管 分配给 周经理")
    assert again(record).assignee == company.manager
    assert AuditEntry.objects.about(record).filter(verb="分配").count() == 1


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_both_assignments_go_through(two_assign):
    record, first, second = two_assign()
    assert (first, second) == (None, None)
    assert AuditEntry.objects.about(record).filter(verb="分配").count() == 2


@pytest.fixture
def two_feedbacks(company, monkeypatch):
    """The customer's stars and the 客户经理's at once."""
    record = factories.handled(company.manager, company.supervisor, company.manager)
    key = record.invite(by=company.manager, result="已归零").rating_key
    moment = before(monkeypatch, rounds, "send_back")
    mine, theirs = again(record), again(record)
    return lambda: (
        record,
        *moment.overtake(
            lambda: mine.feedback(by=company.manager, result="没好", satisfaction=2),
            lambda: theirs.rate(key, by=None, satisfaction=5),
        ),
    )


def test_of_two_feedbacks_at_once_one_counts(two_feedbacks):
    record, first, second = two_feedbacks()
    assert first is None
    assert isinstance(second, Refused)
    record = again(record)
    assert (record.status, record.satisfaction, record.returns) == ("assigned", 2, 1)
    assert ServiceRound.objects.get().satisfaction == 2
    assert AuditEntry.objects.about(record).filter(verb__in=("退回重新处理", "反馈并归档")).count() == 1


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_both_feedbacks_go_through(two_feedbacks):
    record, first, second = two_feedbacks()
    assert (first, second) == (None, None)
    assert AuditEntry.objects.about(record).filter(verb__in=("退回重新处理", "反馈并归档")).count() == 2


@pytest.fixture
def helper_loses_role(company, monkeypatch):
    """An administrator takes a technician's role away while they are asked to help."""
    technician = factories.person("service_helper", name="韩技术")
    record = factories.dispatched(company.manager, company.supervisor, company.manager)
    moment = before(monkeypatch, administration, "save_changes")  # the role is taken, and not yet for others to see
    administrator = factories.fresh(company.administrator)
    return lambda: (
        record,
        *moment.overtake(
            lambda: again(technician).edit(by=administrator, groups=[]),
            lambda: again(record).involve(again(technician), by=company.manager),
        ),
    )


def test_nobody_becomes_a_helper_while_they_lose_the_permission_to_note(helper_loses_role):
    record, first, second = helper_loses_role()
    assert not isinstance(first, Exception), first
    assert isinstance(second, Refused)
    assert "不能做协办人" in second.verdict.reason
    assert not record.helpers.exists()


def test_control_without_holding_the_person_they_help_and_can_note_nothing(helper_loses_role, monkeypatch):
    monkeypatch.setattr("kit.sql.row_locks.lock_in_order", lambda *people: None)
    record, _, second = helper_loses_role()
    assert second is None
    assert record.helpers.exists()
