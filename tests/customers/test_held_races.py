"""Nothing is written past a merge, a removal or a 移交 of the customer it hangs on: every model with a key to Customer.

Each way to make such a row runs while its customer goes, on PostgreSQL; the controls run without the lock, and there
the row is lost. A model that is neither among the ways nor explained fails the first test.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest
from django.db import transaction

from customers.churn import scan
from customers.churn.scan import scan_churn
from customers.merging import bulk, merge
from customers.models import Contact, Customer, merge_customers
from customers.records import locks as held
from customers.records import models as customer
from customers.sync import orders as feed
from kit.domain.verdict import Refused
from kit.pages import versioned_save
from services.models import ServiceRequest
from tests import factories
from tests.customers.feeds import ORDER
from tests.races import ON_POSTGRESQL, again, before

NAME = "海河水务"

# The ways: what is prepared before the race, and the act that runs in it


def new_contact(company, one) -> Callable[[], Any]:
    def act():
        with transaction.atomic():
            return Contact.create(by=company.manager, customer=one, name="李工", position="工程师", office_phone="1")

    return act


def new_interaction(company, one):
    return lambda: factories.interaction(one, company.manager)


def new_grant(company, one):
    return lambda: one.share(company.colleague, by=company.manager, kind="change")


def new_branch(company, one):
    return lambda: factories.CustomerFactory(manager=company.manager, by=company.manager, parent=one)


def another_parent(company, one):
    branch = factories.CustomerFactory(manager=company.manager)
    return lambda: branch.edit(by=company.manager, parent=one)


def new_request(company, one):
    return lambda: factories.service_request(company.manager, customer=one)


def another_caller(company, one):
    request = factories.service_request(company.manager)
    return lambda: request.edit(by=company.manager, customer=one, organisation="")


def new_referral(company, one):
    return lambda: factories.opportunity(company.manager, introduced_by=one)


def another_referral(company, one):
    opportunity = factories.opportunity(company.manager)
    return lambda: opportunity.edit(by=company.manager, introduced_by=one)


def won_into(company, one):
    opportunity = factories.assigned(company.manager, company.supervisor, company.manager, customer_name=NAME)
    return lambda: opportunity.win(by=company.manager, reason="已签约", link_to=one)


def new_order(company, one):
    Customer.objects.filter(external_number="X-9").update(external_number="")
    Customer.objects.filter(pk=one.pk).update(external_number="X-9")

    def act():
        with transaction.atomic():
            found = feed.find_customers(["X-9"])
            feed.write_orders([{**ORDER, "number": f"S{one.pk}"}] if found else [], found)

    return act


def new_case(company, one):
    Customer.objects.filter(pk=one.pk).update(last_purchase_on="2024-01-01")
    return scan_churn


WAYS: dict[str, tuple[Callable[..., Callable[[], Any]], ...]] = {
    "customers.Contact.customer": (new_contact,),
    "customers.Interaction.customer": (new_interaction,),
    "customers.CustomerGrant.content_object": (new_grant,),
    "customers.Customer.parent": (new_branch, another_parent),
    "customers.Order.customer": (new_order,),
    "customers.ChurnCase.customer": (new_case,),
    "marketing.Opportunity.introduced_by": (new_referral, another_referral),
    "marketing.Opportunity.customer": (won_into,),
    "services.ServiceRequest.customer": (new_request, another_caller),
}
NEED_NONE = {
    "customers.TimelineEntry.customer": "told by a deed that holds the customer, or a row that a merge waits for",
    "customers.Ownership.customer": "written with a new customer, and by 移交, which locks it",
    "customers.CustomerMetrics.customer": "computed under the customer's lock, again for whoever took the orders over",
    "customers.SearchText.customer": "written with what it is computed from, again for whoever took that over",
    "customers.FormerName.customer": "written by an edit, which holds the customer",
    "customers.AlertPause.customer": "written by a transition that holds the customer and asks whether it is there",
    "customers.HintPause.customer": "written by a creation that holds the customer and asks whether it is there",
    "customers.BacktestRow.customer": "computed anew each month; rows of removed customers are in nobody's view",
    "customers.RevenueMonth.customer": "as RevenueYear.customer",
    "customers.RevenueYear.customer": "counted under the customer's lock, again for whoever took the orders over",
    "customers.Customer.merged_into": "written by merges themselves",
}


def keys(relations: Any) -> set[str]:
    return {f"{one.related_model._meta.label}.{one.field.name}" for one in relations}


def test_every_key_to_a_customer_has_its_way_or_says_why_it_needs_none():
    assert keys(Customer._meta.related_objects) == WAYS.keys() | NEED_NONE.keys()
    assert not WAYS.keys() & NEED_NONE.keys()


def test_control_a_key_that_nobody_named_is_seen():
    assert keys(ServiceRequest._meta.related_objects) - WAYS.keys() - NEED_NONE.keys()


# What becomes of the customer meanwhile


def merged(company, one, patch):
    kept = factories.CustomerFactory(name=one.name, manager=company.manager)
    moment = before(patch, merge, "_soft_delete")
    return moment, lambda: merge_customers(again(kept), [again(one)], by=company.supervisor, reason="重复")


def removed(company, one, patch):
    moment = before(patch, customer, "log_event")
    return moment, lambda: again(one).remove(by=company.supervisor)


def handed_over(company, one, patch):
    moment = before(patch, bulk, "log_events")
    return moment, lambda: again(one).transfer(company.eastern, by=company.supervisor, reason="换区")


def free(patch) -> None:
    """No row is kept, no turn taken."""
    patch.setattr(held, "lock_row", lambda row: row.refresh_from_db())
    for module in ("kit.sql.row_locks", "kit.transitions"):
        patch.setattr(f"{module}.lock_row", lambda row: row.refresh_from_db())
    patch.setattr("kit.sql.row_locks.lock_in_order", lambda *rows: None)
    patch.setattr(feed, "take_merge_lock", lambda *, merging: None)
    patch.setattr(scan, "take_scan_lock", lambda: None)


def outcome(key: str, one: Customer, second: Any) -> str:
    """The words of a refusal; or where the new row is: lost at a customer that is gone, elsewhere, there."""
    (relation,) = (one for one in Customer._meta.related_objects if keys([one]) == {key})
    model, field = relation.related_model, relation.field.name
    if isinstance(second, Refused):
        return second.verdict.reason
    if isinstance(second, Exception):
        return repr(second)
    rows = model._base_manager.filter(**{field: one})
    if again(one).deleted_at is not None:
        return "lost" if rows.exists() else "elsewhere"
    if model is ServiceRequest and rows.exclude(keeper=again(one).manager).exists():
        return "kept by the former"
    return "there"


@pytest.fixture
def run(company, monkeypatch):
    """run(event) gives {way: outcome}, one race after the other."""

    def race(key, way, event, freely):
        one = factories.CustomerFactory(name=NAME, manager=company.manager)
        mine = again(one)
        act = way(company, mine)
        with monkeypatch.context() as patch:
            if freely:
                free(patch)
            moment, first = event(company, one, patch)
            done, second = moment.overtake(first, act)
        Customer.objects.filter(name=NAME).update(name="往日", name_normalized="往日")  # out of the next one's way
        assert not isinstance(done, Exception), (way.__name__, done)
        return outcome(key, one, second)

    def every(event, freely=False):
        return {way.__name__: race(key, way, event, freely) for key, ways in WAYS.items() for way in ways}

    return every


def on_postgresql(test):
    return reduce(lambda marked, mark: mark(marked), ON_POSTGRESQL, test)


BY_THEMSELVES = {"new_order": "elsewhere", "new_case": "elsewhere"}  # they look for the customer anew


@on_postgresql
def test_nothing_is_written_past_a_merge(run):
    found = run(merged)
    words = {way: text for way, text in found.items() if way not in BY_THEMSELVES}
    assert {way for way, text in words.items() if "客户已并入「海河水务」" not in text} == set(), found
    assert {way: found[way] for way in BY_THEMSELVES} == BY_THEMSELVES


@on_postgresql
def test_control_without_the_lock_everything_is_written_past_a_merge(run):
    assert set(run(merged, freely=True).values()) == {"lost"}


@on_postgresql
def test_nothing_is_written_past_a_removal(run):
    found = run(removed)
    words = {way: text for way, text in found.items() if way not in BY_THEMSELVES}
    assert {way for way, text in words.items() if "客户已删除" not in text} == set(), found
    assert {way: found[way] for way in BY_THEMSELVES} == BY_THEMSELVES


@on_postgresql
def test_control_without_the_lock_everything_is_written_past_a_removal(run):
    assert set(run(removed, freely=True).values()) == {"lost"}


KEEPERS_ONLY = ("new_contact", "new_interaction", "new_grant", "won_into")


@on_postgresql
def test_what_only_its_owner_writes_is_not_written_past_a_handover(run):
    found = run(handed_over)
    refused = {way for way, text in found.items() if text.startswith("只有")}
    assert refused == set(KEEPERS_ONLY), found
    assert {text for way, text in found.items() if way not in KEEPERS_ONLY} == {"there"}, found


@on_postgresql
def test_control_without_the_lock_the_former_owner_writes_past_a_handover(run):
    found = run(handed_over, freely=True)
    assert {found[way] for way in KEEPERS_ONLY} == {"there"}
    assert found["new_request"] == "kept by the former"


# A request is moved from one customer to the other while the two are merged


@pytest.fixture
def request_moved_while_merged(company, monkeypatch, sign_in):
    """The merge holds both customers and comes for the request, whose page is about to change it."""
    one, other = (factories.CustomerFactory(name=NAME, manager=company.manager) for _ in range(2))
    request = factories.service_request(company.manager, customer=one)
    client, address = sign_in(company.manager), f"/services/{request.pk}/edit/"
    form = client.get(address).context["form"]
    typed = {"customer": other.number, "kind": request.kind_id, "summary": "搬迁后调试", "content": request.content}
    values = {**typed, "contact": "", "organisation": "", "opened": form["opened"].value()}
    moment = before(monkeypatch, merge, "_move_relations")
    return lambda: (
        again(request),
        *moment.overtake(
            lambda: merge_customers(again(one), [again(other)], by=company.supervisor, reason="重复"),
            lambda: client.post(address, values),
        ),
        one,
    )


@on_postgresql
def test_a_request_moved_to_a_customer_that_is_merged_waits_and_keeps_its_text(request_moved_while_merged):
    request, done, answer, one = request_moved_while_merged()
    assert done == 1
    assert answer.status_code == 200
    assert "没有找到这个客户" in answer.content.decode()
    assert "搬迁后调试" in answer.content.decode()
    assert again(request).customer == one


@on_postgresql
def test_control_without_the_customers_first_merge_and_request_lock_up(request_moved_while_merged, monkeypatch):
    monkeypatch.setattr(versioned_save, "lock_before_row", lambda page: None)
    monkeypatch.setattr("kit.sql.row_locks.lock_in_order", lambda *rows: None)
    _, done, answer, _ = request_moved_while_merged()
    assert any("deadlock" in str(one) for one in (done, answer))
