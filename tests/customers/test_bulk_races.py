"""A bulk change against an edit of one of its rows, on PostgreSQL; the race has a control run without the lock."""

from __future__ import annotations

import pytest

from crm import handover
from customers.models import Customer
from kit.bulk import page as bulk_page
from tests import factories
from tests.html import text, value
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL

TRANSFER = "/customers/transfer/"


@pytest.fixture
def race(company, sign_in, monkeypatch):
    """Somebody edits a customer when the bulk change has compared the stamp and not yet moved anything."""
    one = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    other = factories.CustomerFactory(name="滨城水务有限公司", manager=company.manager)
    client, chosen = sign_in(company.supervisor), {"ids": [one.pk, other.pk]}
    opened = value(client.get(TRANSFER, chosen), "opened")
    sent = {**chosen, "opened": opened, "to": company.eastern.pk, "reason": "换区"}
    moment = before(monkeypatch, handover, "transfer_customers")

    def run():
        mine = again(one)
        answer, edited = moment.overtake(
            lambda: client.post(TRANSFER, sent), lambda: mine.edit(by=company.manager, fax="022-9")
        )
        return again(one), answer, edited

    return run


def test_an_edit_during_a_bulk_change_waits_and_is_asked_again(race, company):
    record, answer, edited = race()
    assert answer.status_code == 302
    assert isinstance(edited, Exception)  # no longer theirs: the guard was asked on the locked row
    assert (record.manager, record.fax, record.version) == (company.eastern, "", 1)


def test_control_without_the_lock_the_edit_changes_what_was_just_confirmed(race, company, monkeypatch):
    monkeypatch.setattr("django.db.models.QuerySet.select_for_update", lambda self, **options: self)
    record, answer, edited = race()
    assert edited is None
    assert (answer.status_code, record.manager, record.fax) == (302, company.eastern, "022-9")


def test_an_edit_before_the_lock_stops_the_bulk_change(company, sign_in, monkeypatch):
    one = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    client = sign_in(company.supervisor)
    opened = value(client.get(TRANSFER, {"ids": one.pk}), "opened")
    sent = {"ids": one.pk, "opened": opened, "to": company.eastern.pk, "reason": "换区"}
    moment = before(monkeypatch, bulk_page.BulkPage, "lock_rows")
    mine = again(one)
    answer, edited = moment.overtake(
        lambda: client.post(TRANSFER, sent), lambda: mine.edit(by=company.manager, fax="022-9")
    )
    assert edited is None
    assert answer.status_code == 409
    assert "「海河水务有限公司」在您打开后被别人修改过" in text(answer)
    assert Customer.objects.get().manager == company.manager
