"""撤销 against an edit, against itself and of a merge, on PostgreSQL; each race has a control without its guard."""

from __future__ import annotations

import pytest
from django.db import transaction

from crm.handover import move_work
from customers.merging import merge_undo
from customers.merging.bulk import reclassify_customers, transfer_customers
from customers.merging.merge import merge_undoably
from customers.merging.undoing import RECLASSIFIED, TRANSFERRED, watch_classes, watch_transfer
from customers.models import Contact, Customer, Interaction, TimelineEntry
from kit.domain.verdict import Refused
from kit.undo import record_by_record, restoring
from kit.undo.journal import Journal
from kit.undo.models import UndoEntry
from kit.undo.restoring import take_back
from tests import factories
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL


@pytest.fixture
def without_entry_lock(monkeypatch):
    """Undoing locks neither the rows around it nor its entry nor the rows of the change."""
    monkeypatch.setattr(restoring, "lock_row", lambda row: row.refresh_from_db())
    monkeypatch.setattr("customers.undoing.lock_row", lambda row: row.refresh_from_db())
    monkeypatch.setattr("django.db.models.QuerySet.select_for_update", lambda self, **options: self)


# A deleted contact comes back while their interaction is given another one


@pytest.fixture
def undo_meets_edit(company, monkeypatch):
    customer = factories.CustomerFactory(manager=company.manager)
    contact, other = (factories.ContactFactory(customer=customer, name=name) for name in ("高峰", "姜工"))
    talk = factories.interaction(customer, company.manager, contact=contact)
    entry = again(contact).remove(by=company.manager)
    moment, record = before(monkeypatch, restoring, "write_rows"), again(talk)
    return lambda: (
        *moment.overtake(
            lambda: take_back(again(entry), by=company.manager),
            lambda: record.edit(by=company.supervisor, contact=other),
        ),
        Interaction.objects.get().contact.name,
    )


def test_an_edit_during_an_undo_waits_and_stays(undo_meets_edit):
    assert undo_meets_edit() == ("", None, "姜工")


def test_control_without_the_locks_the_edit_is_written_over(undo_meets_edit, without_lock, without_entry_lock):
    assert undo_meets_edit()[2] == "高峰"


# Two clicks


@pytest.fixture
def two_clicks(company, monkeypatch):
    contact = factories.ContactFactory(customer=factories.CustomerFactory(manager=company.manager))
    entry = contact.remove(by=company.manager)
    moment, mine, theirs = before(monkeypatch, restoring, "write_rows"), again(entry), again(entry)
    return lambda: moment.overtake(
        lambda: take_back(mine, by=company.manager), lambda: take_back(theirs, by=company.manager)
    )


def test_of_two_clicks_one_takes_it_back(two_clicks):
    first, second = two_clicks()
    assert (first, isinstance(second, Refused)) == ("", True)
    assert Contact.objects.count() == 1


def test_control_without_the_locks_both_write(two_clicks, without_entry_lock):
    assert not isinstance(two_clicks()[1], Refused)


# A merge is taken back while the survivor's chosen value is edited


@pytest.fixture
def merge_undo_meets_edit(company, monkeypatch):
    kept = factories.CustomerFactory(name="海河水务", manager=company.manager)
    gone = factories.CustomerFactory(name="海河水务", manager=company.manager, fax="022-2")
    entry = merge_undoably(kept, [gone], by=company.supervisor, reason="x")
    moment, record = before(monkeypatch, restoring, "write_rows"), again(kept)
    return lambda: (
        *moment.overtake(
            lambda: take_back(again(entry), by=company.supervisor),
            lambda: record.edit(by=company.manager, fax="022-9"),
        ),
        again(kept).fax,
    )


def test_an_edit_during_the_undo_of_a_merge_waits_and_stays(merge_undo_meets_edit):
    assert merge_undo_meets_edit() == ("", None, "022-9")
    assert Customer.objects.current().count() == 2
    assert UndoEntry.objects.get().undone_at


def test_control_without_the_locks_the_edit_of_the_survivor_is_lost(
    merge_undo_meets_edit, without_lock, without_entry_lock, monkeypatch
):
    monkeypatch.setattr(merge_undo, "lock_customers", lambda keys: None)
    assert merge_undo_meets_edit()[2] == ""


# A bulk change is taken back while one of its customers gets another level


@pytest.fixture
def bulk_undo_meets_edit(company, monkeypatch):
    rows = [factories.CustomerFactory(name=name, manager=company.manager) for name in ("海河水务", "滨城水务")]
    level, other = factories.entry("客户等级", "大客户"), factories.entry("客户等级", "重点开发客户")
    with transaction.atomic():
        journal = Journal()
        watch_classes(journal, [one.pk for one in rows])
        reclassify_customers(rows, by=company.supervisor, level=level, reason="x")
        entry = journal.keep(RECLASSIFIED, "批量修改", "2 家客户", by=company.supervisor)
    moment, record = before(monkeypatch, record_by_record, "write_rows"), again(rows[0])
    return lambda: (
        *moment.overtake(
            lambda: take_back(again(entry), by=company.supervisor),
            lambda: record.reclassify(by=company.supervisor, level=other, reason="y"),
        ),
        again(rows[0]).level,
        other,
    )


def test_an_edit_during_the_undo_of_a_bulk_change_waits_and_stays(bulk_undo_meets_edit):
    first, second, level, other = bulk_undo_meets_edit()
    assert (first, second, level) == ("", None, other)


def test_control_without_the_locks_the_new_level_is_lost(bulk_undo_meets_edit, without_lock, without_entry_lock):
    *_, level, other = bulk_undo_meets_edit()
    assert level != other


# Two clicks on a bulk change


@pytest.fixture
def two_clicks_on_many(company, monkeypatch):
    customer = factories.CustomerFactory(manager=company.manager)
    with transaction.atomic():
        journal = Journal()
        watch_transfer(journal, [customer.pk], company.eastern)
        transfer_customers([customer], company.eastern, by=company.supervisor, reason="x")
        entry = journal.keep(TRANSFERRED, "移交", "1 家客户", by=company.supervisor)
    moment, mine, theirs = before(monkeypatch, record_by_record, "write_rows"), again(entry), again(entry)
    return lambda: moment.overtake(
        lambda: take_back(mine, by=company.supervisor), lambda: take_back(theirs, by=company.supervisor)
    )


def test_of_two_clicks_on_many_one_takes_it_back(two_clicks_on_many):
    first, second = two_clicks_on_many()
    assert (first, isinstance(second, Refused)) == ("", True)
    assert TimelineEntry.objects.filter(text__startswith="撤销移交").count() == 1


def test_control_without_the_locks_both_take_it_back(two_clicks_on_many, without_lock, without_entry_lock, monkeypatch):
    monkeypatch.setattr(record_by_record, "lock_row", lambda row: row.refresh_from_db())
    two_clicks_on_many()
    assert TimelineEntry.objects.filter(text__startswith="撤销移交").count() == 2


# Customers go back to somebody whose account is disabled at that moment


@pytest.fixture
def undo_meets_leaving(company, monkeypatch):
    customer = factories.CustomerFactory(manager=company.manager)
    with transaction.atomic():
        journal = Journal()
        watch_transfer(journal, [customer.pk], company.eastern)
        transfer_customers([customer], company.eastern, by=company.supervisor, reason="x")
        entry = journal.keep(TRANSFERRED, "移交", "1 家客户", by=company.supervisor)
    moment, leaver = before(monkeypatch, record_by_record, "write_rows"), again(company.manager)
    successors = {"customers": company.colleague}
    return lambda: (
        *moment.overtake(
            lambda: take_back(again(entry), by=company.supervisor),
            lambda: leaver.disable(
                by=company.administrator, hand_over=lambda: move_work(leaver, successors, company.administrator)
            ),
        ),
        again(customer).manager,
    )


def test_who_leaves_during_the_undo_hands_over_what_came_back(undo_meets_leaving, company):
    first, second, manager = undo_meets_leaving()
    assert (first, second, manager) == ("", None, company.colleague)


def test_control_without_the_lock_on_the_former_owner_it_is_left_with_who_left(
    undo_meets_leaving, company, without_lock, without_entry_lock, monkeypatch
):
    assert undo_meets_leaving()[2] == company.manager
