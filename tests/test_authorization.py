"""What holds at every address, found by walking the URLconf and the models: a page is covered the day it appears.

The tables of tests/permissions name for each address a record of the world and who may post there; from it follow
the addresses, from the page itself its form, and from the form what may be posted. Each search returns its faults, so
that the controls at the end can show that it sees one. Here: rows, parts, fragments and search.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.urls import reverse

from kit.domain.modules import HitGroup
from kit.lists.list_page import ListPage
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage
from kit.pages.record_page import RecordPage
from tests import factories
from tests.permissions.asking import SECRETS, snapshot, url_of
from tests.permissions.tables import people_who, records_of
from tests.permissions.world import PEOPLE
from tests.walks import CLASSES, FORMS, LISTS, PAGES, body_of

OURS = ("accounts", "audit", "basedata", "customers", "exchange", "jobs", "marketing", "reports", "services")
pytestmark = [pytest.mark.django_db, pytest.mark.walk]


def test_there_is_something_to_walk():
    assert len(PAGES) > 60
    assert len(FORMS) > 30
    assert len(LISTS) >= 9


ABOUT_ROWS = (FormPage, HistoryPage, ListPage, RecordPage)


def test_every_page_about_rows_has_a_row_rule():
    """A page class names a model whose rows start at a person."""
    ruleless = [
        name
        for name, _, view in PAGES
        if issubclass(view, ABOUT_ROWS) and hasattr(view, "model")
        if not hasattr(view.model._default_manager, "visible_to")
    ]
    assert ruleless == []


# Models


def row_ruled() -> list[type[models.Model]]:
    """Return the product's models whose rows start at a person."""
    found = [model for label in OURS if label in LABELS for model in apps.get_app_config(label).get_models()]
    return [model for model in found if hasattr(model._default_manager, "visible_to")]


LABELS = {config.label for config in apps.get_app_configs()}


def test_nobody_without_a_right_sees_or_edits_a_row_of_any_model(world):
    """Without a role, without being active, without signing in: nothing; what one edits one sees."""
    left = factories.fresh(world.people["supervisor"])
    left.is_active = False
    assert len(row_ruled()) >= 9
    for model in row_ruled():
        rows = model._default_manager
        for person in (world.people["nobody"], left):
            assert (model.__name__, person.name, rows.visible_to(person).count()) == (model.__name__, person.name, 0)
        for name in PEOPLE[1:]:
            person = world.people[name]
            if hasattr(rows, "editable_by"):
                unseen = rows.editable_by(person).exclude(pk__in=rows.visible_to(person).values("pk"))
                assert (model.__name__, name, list(unseen)) == (model.__name__, name, [])


# Parents that do not belong together


def parent_model(route: str) -> type[models.Model] | None:
    """Return whose id comes first: the model of another page under the same address with one id."""
    prefix = route[: route.index("<id:")]
    for _, other, view in PAGES:
        if other.startswith(f"{prefix}<id:") and other.count("<id:") == 1 and hasattr(view, "model"):
            return view.model
    return None


OF_NOBODY = ("customers:hint_pause",)  # a product is no part of a customer: any may be paused for each
NESTED = [(name, route) for name, route, _ in PAGES if route.count("<id:") == 2 and name not in OF_NOBODY]


REFUSED = (403, 404, 405, 409)  # the other parent itself may refuse the deed before its part is looked for


def crossed_parents(world, enter, nested: Any = None) -> list[Any]:
    """Return answers other than a refusal to a part asked for under another record that the person sees and edits."""
    faults = []
    for name, route in nested or NESTED:
        model = parent_model(route)
        for record in records_of(name):
            parent, *part = world.addresses[record]
            for person in ("supervisor", "manager"):
                others = list(model._default_manager.visible_to(world.people[person]).exclude(pk=parent)[:3])
                assert others, f"no other {model} in the world"
                for address in (reverse(name, args=[other.pk, *part]) for other in others):
                    client = enter(person)
                    for answer in (client.get(address), client.post(address, world.values)):
                        if answer.status_code not in REFUSED or "高峰" in body_of(answer):
                            faults.append((name, record, person, answer.status_code))
    return faults


def test_every_nested_address_has_a_parent_to_cross():
    assert len(NESTED) >= 12
    assert [name for name, route in NESTED if parent_model(route) is None] == []


def test_a_part_is_not_found_under_another_parent_at_any_address(world, enter):
    for person in ("supervisor", "manager"):
        enter(person).get("/help/")
    before = snapshot()
    assert crossed_parents(world, enter) == []
    assert snapshot() == before


# Fragments


def test_a_hidden_record_is_hidden_from_fragments_too(world, enter):
    faults = []
    for name in CLASSES:
        for record in records_of(name):
            for person in people_who(name, record, "GET", "404"):
                address = url_of(name, record, world)
                answer = enter(person).get(address, headers={"HX-Request": "true", "HX-Target": "dialog"})
                leaks = [word for word in (*SECRETS, world.customer.number) if word in body_of(answer)]
                if answer.status_code != 404 or leaks:
                    faults.append((name, record, person, answer.status_code, leaks))
    assert faults == []


# Search


def test_search_finds_nothing_outside_ones_view(world, enter):
    found = set()
    for person in PEOPLE[1:]:
        user = world.people[person]
        for word in (*SECRETS, world.customer.number, "1", "a"):
            context = enter(person).get("/search/", {"q": word}).context
            shown = {key: context[key] for key in context.keys()}  # noqa: SIM118 (a list of contexts)
            for key, one in [(key, one) for key, value in shown.items() for one in rows_in(value)]:
                found.add(type(one).__name__)
                seen = type(one)._default_manager.visible_to(user).filter(pk=one.pk).exists()
                assert (person, word, key, one.pk, seen) == (person, word, key, one.pk, True)
    assert {"Customer", "Contact", "Opportunity", "ServiceRequest"} <= found


def rows_in(value: Any) -> list[models.Model]:
    """Return the rows of a list in a context, and those that its groups of hits hold."""
    every = value if isinstance(value, list) else []
    hits = [hit.record for group in every if isinstance(group, HitGroup) for hit in group.hits]
    return [*(one for one in every if isinstance(one, models.Model)), *hits]


# Controls: each search sees the fault it looks for


def test_control_a_part_without_its_parents_rule_is_seen(world, enter, monkeypatch):
    monkeypatch.setattr("customers.records.part_pages.rows_of_customer", FormPage.rows)
    monkeypatch.setattr("kit.pages.form_page.earlier_url", lambda user, token: "")
    with transaction.atomic():
        nested = [(name, route) for name, route in NESTED if name == "customers:contact_update"]
        assert crossed_parents(world, enter, nested) != []
        transaction.set_rollback(True)
