"""Whatever a page writes stands in the trail: found by posting at every address as somebody who may."""

from __future__ import annotations

import pytest
from django.db import transaction

from kit.audit.models import AuditEntry
from tests.permissions.asking import HANDLER, snapshot, url_of
from tests.permissions.tables import ROWS

pytestmark = [pytest.mark.django_db, pytest.mark.walk]
# Written without a deed: what the system notes by itself, and what was only begun.
UNTOLD = {
    "accounts.UserSession", "accounts.Notification", "audit.AuditEntry", "basedata.NumberSequence",
    "customers.ImportFile", "imports.ImportRun", "imports.ImportRow", "imports.RememberedSheet",
    "customers.TimelineEntry", "customers.RevenueYear", "customers.RevenueMonth",
    "customers.CustomerMetrics", "customers.RevenueChange",
    "customers.ChurnChange", "marketing.OpportunityChange", "jobs.Job", "services.Draft",
}  # fmt: skip
# Of one's own account: how its pages look.
OWN_TASTE = {"accounts:theme", "accounts:density", "notifications_mail"}
# Of each module some that must have written, so that a walk in which nothing goes through fails.
CERTAIN = {
    "accounts:user_create", "accounts:role_copy", "accounts:department_create", "accounts:profile_edit", "user_disable",
    "basedata:dictionary_create", "customers:customer_update", "customers:contact_delete", "customer_transfer",
    "customers:churn_defer", "marketing:opportunity_create", "marketing:opportunity_assign",
    "marketing:opportunity_lose", "services:request_assign",
}  # fmt: skip


def deeds(world, sign_in):
    """Yield (address, tables written, rows of the trail) for every post that wrote; leaves the world as it was."""
    for name, record, verb, answers in ROWS:
        people = [person for person, answer in answers.items() if answer in ("200", "204", "302")]
        if verb != "POST" or name in OWN_TASTE or not (people := [who for who in people if world.people[who]]):
            continue
        with transaction.atomic():
            client = sign_in(world.people[people[0]])
            client.handler = HANDLER
            before, told = snapshot(), AuditEntry.objects.count()
            client.post(url_of(name, record, world), world.posted(name))
            after = snapshot()
            written = {table for table in after if after[table] != before[table]} - UNTOLD
            rows = AuditEntry.objects.count() - told
            transaction.set_rollback(True)
        if written:
            yield name, written, rows


def untold(world, sign_in):
    """Return (addresses that wrote, those of them that told nothing)."""
    found = list(deeds(world, sign_in))
    return {name for name, *_ in found}, {name: tables for name, tables, rows in found if not rows}


def test_every_page_that_writes_leaves_a_row_in_the_trail(world, sign_in):
    wrote, silent = untold(world, sign_in)
    assert silent == {}
    assert CERTAIN - wrote == set()


def test_control_a_deed_without_a_row_is_seen(world, sign_in, monkeypatch):
    monkeypatch.setattr("marketing.opportunities.models.log_event", lambda *args, **kwargs: None)
    _, silent = untold(world, sign_in)
    assert "marketing:opportunity_assign" in silent
