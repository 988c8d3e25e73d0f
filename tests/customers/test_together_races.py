"""Two at once around 移交, 合并, 批量修改 and sharing, on PostgreSQL; each race has a control run without its guard."""

from __future__ import annotations

import pytest
from django.db import transaction

from customers.merging import bulk, merge
from customers.models import Contact, Customer, Order, Ownership, merge_customers, transfer_customers
from customers.records.models import CustomerGrant
from customers.sync import orders as sync
from kit.domain.verdict import Refused
from tests import factories
from tests.customers.feeds import ORDER
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL


# Two supervisors hand one customer over


@pytest.fixture
def two_transfers(company, monkeypatch):
    """The second begins when the first has closed the former ownership and not yet opened the new one."""
    second = factories.person("sales_supervisor", name="副主管", department=company.sales)
    record = factories.CustomerFactory(manager=company.manager)
    moment = before(monkeypatch, bulk, "log_events")
    mine, theirs = again(record), again(record)
    return lambda: (
        record,
        *moment.overtake(
            lambda: mine.transfer(company.colleague, by=company.supervisor, reason="一"),
            lambda: theirs.transfer(company.eastern, by=second, reason="二"),
        ),
    )


def test_of_two_transfers_at_once_one_follows_the_other(two_transfers, company):
    record, first, second = two_transfers()
    assert (first, second) == (None, None)
    past = [owner.manager.name for owner in record.ownerships.order_by("since", "pk")]
    assert past == ["周经理", "陈同事", "王华东"]
    assert again(record).manager == company.eastern
    assert record.ownerships.get(until=None).manager == company.eastern


def test_control_without_the_lock_two_transfers_collide_or_forget_an_owner(two_transfers, without_lock, company):
    record, first, second = two_transfers()
    past = [owner.manager.name for owner in record.ownerships.order_by("since", "pk")]
    assert isinstance(second, Exception) or isinstance(first, Exception) or past != ["周经理", "陈同事", "王华东"]


# The last owner is told apart from the one who edits meanwhile


def test_a_customer_transferred_meanwhile_is_not_shared_by_its_former_manager(company, monkeypatch):
    record = factories.CustomerFactory(manager=company.manager)
    moment = before(monkeypatch, bulk, "log_events")
    mine, theirs = again(record), again(record)
    first, second = moment.overtake(
        lambda: mine.transfer(company.eastern, by=company.supervisor, reason="换区"),
        lambda: theirs.share(company.colleague, by=company.manager, kind="change"),
    )
    assert first is None
    assert isinstance(second, Refused)
    assert not CustomerGrant.objects.exists()


def test_control_without_the_lock_the_former_manager_still_shares_it(company, monkeypatch, without_lock):
    record = factories.CustomerFactory(manager=company.manager)
    moment = before(monkeypatch, bulk, "log_events")
    mine, theirs = again(record), again(record)
    _, second = moment.overtake(
        lambda: mine.transfer(company.eastern, by=company.supervisor, reason="换区"),
        lambda: theirs.share(company.colleague, by=company.manager, kind="change"),
    )
    assert second is None
    assert CustomerGrant.objects.exists()


# Two merges of the same pair, each the other way round


@pytest.fixture
def two_merges(company, monkeypatch):
    one, other = (factories.CustomerFactory(name="海河水务", manager=company.manager) for _ in range(2))
    moment = before(monkeypatch, merge, "_move_relations")
    by = company.supervisor

    def run():
        pairs = [(again(one), again(other)), (again(other), again(one))]
        return moment.overtake(
            *(lambda pair=pair: merge_customers(pair[0], [pair[1]], by=by, reason="x") for pair in pairs)
        )

    return run


def test_of_two_merges_of_one_pair_one_wins_and_one_customer_stays(two_merges):
    first, second = two_merges()
    assert first == 1
    assert isinstance(second, Refused)
    assert Customer.objects.current().count() == 1
    assert Customer.objects.get(deleted_at__isnull=False).merged_into == Customer.objects.current().get()


def test_control_without_the_locks_both_are_merged_away(two_merges, without_lock, monkeypatch):
    monkeypatch.setattr(merge, "take_merge_and_scan_locks", lambda: None)
    monkeypatch.setattr(merge, "lock_row", lambda row: row.refresh_from_db())
    monkeypatch.setattr("django.db.models.QuerySet.select_for_update", lambda self, **options: self)
    first, second = two_merges()
    assert (first, second) != (1, None)
    assert not isinstance(second, Refused)


# An order arrives for a customer that is just being merged


@pytest.fixture
def order_meets_merge(company, monkeypatch):
    kept = factories.CustomerFactory(name="海河水务", manager=company.manager)
    gone = factories.CustomerFactory(name="海河水务", manager=company.manager, external_number="X-9")
    moment = before(monkeypatch, merge, "_soft_delete")

    def write():
        with transaction.atomic():
            sync.write_orders([{**ORDER}], sync.find_customers(["X-9"]))

    return lambda: (
        kept,
        *moment.overtake(lambda: merge_customers(again(kept), [again(gone)], by=company.supervisor, reason="x"), write),
    )


def test_an_order_that_arrives_during_a_merge_goes_to_the_survivor(order_meets_merge):
    kept, merged, written = order_meets_merge()
    assert (merged, written) == (1, None)
    assert Order.objects.get().customer == kept


def test_control_without_taking_turns_the_order_stays_with_the_merged_customer(order_meets_merge, monkeypatch):
    monkeypatch.setattr(sync, "take_merge_lock", lambda *, merging: None)
    kept, _, _ = order_meets_merge()
    assert not Order.objects.filter(customer=kept).exists()


# A customer is merged away while an opportunity is won into it


@pytest.fixture
def win_meets_merge(company, monkeypatch):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    kept, gone = (
        factories.CustomerFactory(name=record.customer_name, manager=company.manager, by=company.manager)
        for _ in range(2)
    )
    moment = before(monkeypatch, merge, "_soft_delete")
    mine, link = again(record), again(gone)
    return lambda: (
        record,
        kept,
        *moment.overtake(
            lambda: merge_customers(again(kept), [again(gone)], by=company.supervisor, reason="x"),
            lambda: mine.win(by=company.manager, reason="已签约", link_to=link),
        ),
    )


def test_an_opportunity_is_not_won_into_a_customer_that_was_just_merged_away(win_meets_merge):
    record, _, merged, won = win_meets_merge()
    assert merged == 1
    assert isinstance(won, Refused)
    assert again(record).status == "assigned"


def test_control_without_the_lock_it_is_won_into_the_merged_customer(win_meets_merge, monkeypatch):
    monkeypatch.setattr("customers.records.locks.lock_row", lambda row: None)
    monkeypatch.setattr("kit.sql.row_locks.lock_in_order", lambda *rows: None)
    record, kept, _, won = win_meets_merge()
    assert isinstance(won, Customer)
    assert again(record).customer != kept


# Many handed over while one of them is changed


def test_a_thousand_handed_over_leave_nothing_behind(company):
    customers = [factories.CustomerFactory(manager=company.manager) for _ in range(40)]
    for one in customers[:5]:
        Contact.objects.create(customer=one, name="李工")
    with transaction.atomic():
        assert transfer_customers(customers, company.eastern, by=company.supervisor, reason="离职") == 40
    assert not Customer.objects.filter(manager=company.manager).exists()
    assert Ownership.objects.filter(until=None, manager=company.eastern).count() == 40
