"""The menu's statement is kept compiled: what it counts must follow rights, rows, people and the clock at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification, Role
from accounts.roles.shipped import SALES_SUPERVISOR
from crm import navigation
from services.models import ServiceRequest
from tests import factories

pytestmark = pytest.mark.django_db


def numbers(person):
    return navigation.open_items(factories.fresh(person))


def test_nothing_is_remembered_of_rights_rows_and_people(company):
    factories.opportunity(company.stranger, customer_name="外部门的机会")
    assert numbers(company.supervisor)["unassigned"] == 0
    company.stranger.department = company.manager.department
    company.stranger.save()
    assert numbers(company.supervisor)["unassigned"] == 1
    factories.opportunity(company.manager)
    assert numbers(company.supervisor)["unassigned"] == 2
    Role.objects.filter(code=SALES_SUPERVISOR).update(edit_scope="none")
    assert numbers(company.supervisor)["unassigned"] == 0
    company.supervisor.groups.clear()
    assert numbers(company.supervisor) == {"unread": 0}


def test_an_unread_note_leaves_with_its_record(company):
    record = factories.opportunity(company.manager)
    record.share(company.stranger, by=company.manager, kind="view")
    assert Notification.objects.filter(recipient=company.stranger).count() == 1
    assert numbers(company.stranger)["unread"] == 1
    record.withdraw_share(record.grants.get(), by=company.manager)
    assert numbers(company.stranger)["unread"] == 0


def test_the_moment_is_the_moment_of_asking(company, monkeypatch):
    made = factories.service_request(company.manager)
    asked = ServiceRequest.objects.filter(pk=made.pk)
    asked.update(due_at=timezone.now() + timedelta(hours=1))
    assert (numbers(company.supervisor)["dispatch"], numbers(company.supervisor)["dispatch_due"]) == (1, 0)
    monkeypatch.setattr(navigation, "statement", lambda user: pytest.fail("made again"))
    asked.update(due_at=timezone.now() - timedelta(seconds=1))
    assert numbers(company.supervisor)["dispatch_due"] == 1


def test_the_statement_is_made_once_for_the_same_person(company, monkeypatch):
    navigation.STATEMENTS.entries.clear()
    first = numbers(company.manager)
    monkeypatch.setattr(navigation, "statement", lambda user: pytest.fail("made again"))
    assert numbers(company.manager) == first
