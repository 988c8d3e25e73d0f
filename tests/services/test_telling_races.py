"""Two schedulers at once, on PostgreSQL with real threads: no mail goes out twice, nothing is told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification, User, notify
from accounts.notifications import mail
from services.models import ServiceRequest
from services.requests import due_times
from tests import factories
from tests.accounts.mail_server import SERVER, start_server
from tests.races import ON_POSTGRESQL, before

pytestmark = ON_POSTGRESQL


@pytest.fixture
def without_taking(monkeypatch):
    """A sender that does not ask whether another has the row."""
    monkeypatch.setattr(mail, "claim", lambda row: True)


@pytest.fixture
def without_occasion(monkeypatch):
    """Notifications that do not say what they are told for, so that the database refuses none."""
    about = Notification.about
    monkeypatch.setattr(
        Notification, "about", lambda record, pk, text, kind, occasion="": about(record, pk, text, kind)
    )


@pytest.fixture
def two_senders(company, settings, monkeypatch):
    start_server(settings)
    User.objects.filter(pk=company.manager.pk).update(email="zhou@example.com")
    notify(factories.fresh(company.manager), "一")
    moment = before(monkeypatch, mail, "claim")
    return lambda: moment.overtake(mail.send_queued, mail.send_queued)


def test_two_senders_at_once_send_one_copy(two_senders):
    assert sorted(two_senders()) == ["发送 0 封", "发送 1 封"]
    assert len(SERVER.sent) == 1


@pytest.mark.usefixtures("without_taking")
def test_control_without_taking_both_send(two_senders):
    two_senders()
    assert len(SERVER.sent) == 2


@pytest.fixture
def two_watchers(company, monkeypatch):
    record = factories.dispatched(company.manager, company.supervisor, company.manager)
    ServiceRequest.objects.filter(pk=record.pk).update(due_at=timezone.now() - timedelta(hours=1))
    moment = before(monkeypatch, due_times, "notify_many")
    return lambda: moment.overtake(
        lambda: due_times.send_due_notices("overdue"), lambda: due_times.send_due_notices("overdue")
    )


def test_two_watchers_at_once_tell_whoever_took_it_over_once(two_watchers, company):
    due_times.send_due_notices("overdue")
    ServiceRequest.objects.get().reassign(company.colleague, by=company.supervisor, reason="换人")
    two_watchers()
    notices = Notification.objects.filter(kind="overdue")
    people = (company.manager, company.colleague, company.supervisor)
    assert [notices.filter(recipient=person).count() for person in people] == [1, 1, 2]


def test_two_watchers_at_once_tell_each_person_once(two_watchers):
    two_watchers()
    assert Notification.objects.filter(kind="overdue").count() == 2  # the assignee and their supervisor


@pytest.mark.usefixtures("without_occasion")
def test_control_without_an_occasion_everybody_is_told_twice(two_watchers):
    two_watchers()
    assert Notification.objects.filter(kind="overdue").count() == 4
