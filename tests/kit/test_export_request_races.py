"""Two simultaneous exports of one user, on PostgreSQL with threads: no more start than one user may have."""

from __future__ import annotations

import pytest
from django.test import Client

from kit.exchange.exports import EXPORT_FUNCTION
from kit.jobs.models import Job, unfinished_jobs
from kit.jobs.tasks import start_job
from tests import factories
from tests.exports import export
from tests.races import ON_POSTGRESQL, before

pytestmark = ON_POSTGRESQL
LIST = "/customers/"


@pytest.fixture
def two_clicks(settings, monkeypatch):
    """() requests two exports where one more is allowed, and returns the number of jobs afterwards."""
    settings.CRM_EXPORT_DIRECT_ROWS = 0

    def act():
        person = factories.person("executive", name="沈总")
        customer = factories.CustomerFactory()
        assert customer.pk
        for _ in range(settings.CRM_EXPORTS_AT_ONCE - 1):
            start_job("导出客户", EXPORT_FUNCTION, owner=person)

        def click():
            client = Client()
            client.force_login(person, backend="accounts.backends.RoleBackend")
            return export(client, LIST).status_code

        race = before(monkeypatch, Job, "save")
        race.overtake(click, click)
        return Job.objects.count()

    return act


def test_two_clicks_at_once_start_one_export_where_there_is_room_for_one(company, two_clicks, settings):
    assert two_clicks() == settings.CRM_EXPORTS_AT_ONCE


def test_control_without_the_lock_both_start(company, two_clicks, settings, monkeypatch):
    monkeypatch.setattr(
        "kit.exchange.exports.count_open_jobs", lambda owner, function: unfinished_jobs(owner, function).count()
    )
    assert two_clicks() == settings.CRM_EXPORTS_AT_ONCE + 1
