"""Somebody is disabled while work is given to them, on PostgreSQL; each race again without the lock must fail."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import transaction

from accounts.models import User
from crm.handover import move_work
from customers.merging import bulk
from customers.models import Customer
from kit import transitions
from kit.domain.verdict import Refused
from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL


class Giving:
    """One way of giving work: made for a colleague first; goes to the one who leaves; stops before it is theirs."""

    def __init__(self, company, way):
        self.way, self.by = way, company.supervisor
        if way in ("transfer", "create"):
            self.record = factories.CustomerFactory(manager=company.colleague)
        elif way == "opportunity":
            self.record = factories.opportunity(company.colleague)
        elif way == "opportunity again":
            self.record = factories.assigned(company.colleague, company.supervisor, company.colleague)
        else:
            self.record = factories.service_request(company.supervisor)
            if way == "request again":
                self.record.assign(company.colleague, by=company.supervisor)

    def stop(self, monkeypatch):
        save = "save_fields" if isinstance(self.record, ServiceRequest) else "_save"
        owner, name = {"transfer": (bulk, "move_customers"), "create": (Customer, "save")}.get(
            self.way, (type(self.record), save)
        )
        return before(monkeypatch, owner, name)

    def __call__(self, to):
        mine, to = again(self.record), again(to)
        if self.way == "create":
            with transaction.atomic():
                factories.CustomerFactory(manager=to, by=self.by)
        elif self.way == "transfer":
            mine.transfer(to, by=self.by, reason="换人")
        elif self.way.endswith("again"):
            mine.reassign(to, by=self.by, reason="换人")
        else:
            mine.assign(to, by=self.by)


WAYS = ["transfer", "create", "opportunity", "opportunity again", "request", "request again"]


def leave(company, person, to):
    work = {"customers": to, "opportunities": to, "requests": to}
    again(person).disable(
        by=factories.fresh(company.administrator), hand_over=partial(move_work, person, work, company.administrator)
    )


def strongly(row):
    return type(row)._base_manager.select_for_update()


def owned_by(person):
    open_rows = (
        Customer.objects.filter(manager=person),
        Opportunity.objects.filter(assignee=person, status="assigned"),
        ServiceRequest.objects.in_work().filter(assignee=person),
    )
    return sum(rows.count() for rows in open_rows)


@pytest.mark.parametrize("way", WAYS)
def test_who_is_disabled_meanwhile_hands_over_what_they_were_just_given(company, monkeypatch, way):
    give, leaver = Giving(company, way), company.manager
    moment = give.stop(monkeypatch)
    first, second = moment.overtake(lambda: give(leaver), lambda: leave(company, leaver, company.eastern))
    assert (first, second) == (None, None)
    assert not again(leaver).is_active
    assert (owned_by(leaver), owned_by(company.eastern)) == (0, 1)


@pytest.mark.parametrize("way", WAYS)
def test_control_without_the_lock_they_leave_work_behind(company, monkeypatch, way):
    monkeypatch.setattr("kit.sql.row_locks.lock_in_order", lambda *people: None)
    monkeypatch.setattr("accounts.users.models.lock_in_order", lambda *people: None)
    give, leaver = Giving(company, way), company.manager
    moment = give.stop(monkeypatch)
    moment.overtake(lambda: give(leaver), lambda: leave(company, leaver, company.eastern))
    assert not again(leaver).is_active
    assert owned_by(leaver) == 1


@pytest.mark.parametrize("way", WAYS)
def test_work_is_not_given_to_somebody_who_is_just_being_disabled(company, monkeypatch, way):
    give, leaver = Giving(company, way), company.manager
    moment = before(monkeypatch, User, "save")
    first, second = moment.overtake(lambda: leave(company, leaver, company.eastern), lambda: give(leaver))
    assert first is None
    assert isinstance(second, Refused), repr(second)
    assert "请另选" in str(second)
    assert owned_by(leaver) == 0


@pytest.mark.parametrize("to", ["eastern", "colleague"])
def test_work_taken_away_meanwhile_and_their_leaving_wait_for_each_other_and_never_lock_up(company, monkeypatch, to):
    """The former owner is told, which names their row: locked as strongly as others, it would be waited for in turn."""
    record, leaver = factories.CustomerFactory(manager=company.manager), company.manager
    moment = before(monkeypatch, bulk, "move_customers")
    first, second = moment.overtake(
        lambda: again(record).transfer(company.eastern, by=company.supervisor, reason="换人"),
        lambda: leave(company, leaver, getattr(company, to)),
    )
    assert (first, second) == (None, None)
    assert again(record).manager == company.eastern


def test_control_locked_as_strongly_as_others_the_two_lock_up(company, monkeypatch):
    monkeypatch.setattr(transitions, "lock_row", lambda row: row.refresh_from_db(from_queryset=strongly(row)))
    record, leaver = factories.CustomerFactory(manager=company.manager), company.manager
    moment = before(monkeypatch, bulk, "move_customers")
    outcome = moment.overtake(
        lambda: again(record).transfer(company.eastern, by=company.supervisor, reason="换人"),
        lambda: leave(company, leaver, company.colleague),
    )
    assert any("deadlock" in str(one) for one in outcome)
