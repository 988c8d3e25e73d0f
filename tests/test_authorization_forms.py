"""Every form of the product: what it offers, what it takes, and what nobody sets by posting it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from django import forms
from django.db import connection, models, transaction
from django.urls import resolve

from accounts.models import User
from customers.models import Customer
from customers.records.picker import CustomerField
from kit.pages.form_page import FormPage
from tests import factories
from tests.permissions.asking import STORED, snapshot, url_of
from tests.permissions.tables import people_who, records_of
from tests.walks import CLASSES, FORMS, filled, first_of_each, open_forms

HUGE = 9_223_372_036_854_775_807
pytestmark = [pytest.mark.django_db, pytest.mark.walk]


def test_pickers_offer_nothing_outside_ones_view(world, enter):
    faults, tried = [], 0
    for name, _, person, _, form in open_forms(world, enter):
        user = world.people[person]
        for field_name, field in form.fields.items():
            rows = getattr(field, "queryset", None)
            if rows is None:
                continue
            tried += 1
            if rows.model._meta.app_label == "accounts":  # chosen by what they may take, not by whom one sees
                faults += [(name, field_name, person, one) for one in rows if not getattr(one, "is_active", True)]
            elif hasattr(rows.model._default_manager, "visible_to"):
                seen = rows.model._default_manager.visible_to(user).values("pk")
                outside = set(rows.values_list("pk", flat=True)) - set(seen.values_list("pk", flat=True))
                faults += [(name, field_name, person, pk) for pk in outside]
    assert tried > 40
    assert faults == []


def test_completion_offers_nothing_outside_ones_view(world, enter):
    """The names offered beside a text field are those of customers in view, or of the dictionary."""
    faults = []
    for name in FORMS:
        for record in records_of(name):
            for person in people_who(name, record, "GET", "200"):
                answer = enter(person).get(url_of(name, record, world))
                offered = set((answer.context or {}).get("datalists", {}).get("customers", ()))
                hidden = Customer.objects.exclude(pk__in=Customer.objects.visible_to(world.people[person]).values("pk"))
                faults += [(name, person, one.name) for one in hidden if one.name in offered]
    assert faults == []


def forged_choices(form: Any) -> Iterator[tuple[str, Any]]:
    """Yield (field, a value it does not offer) for every field that chooses."""
    for name, field in form.fields.items():
        rows = getattr(field, "queryset", None)
        if rows is not None:
            offered = set(rows.values_list("pk", flat=True))
            others = rows.model._base_manager.exclude(pk__in=offered).values_list("pk", flat=True)
            yield from ((name, pk) for pk in (*others[:1], HUGE))
        elif isinstance(field, forms.ChoiceField):
            yield name, "forged"
        elif type(field) is CustomerField:
            user = factories.fresh(field.user)
            hidden = Customer.objects.exclude(pk__in=Customer.objects.visible_to(user).values("pk")).first()
            yield from ((name, value) for value in ((hidden.number, hidden.name) if hidden else ()))


def test_a_choice_outside_the_offered_ones_changes_nothing_on_any_form(world, enter):
    factories.CustomerFactory(name="海外客户", manager=world.people["stranger"])
    faults, tried = [], 0
    for name, record, person, address, form in first_of_each(open_forms(world, enter)):
        values, before = filled(form, world), snapshot()
        for field, value in forged_choices(form):
            tried += 1
            with transaction.atomic():
                answer = enter(person).post(address, {**values, field: value})
                wrote = snapshot() != before
                transaction.set_rollback(True)
            if answer.status_code == 302 or wrote:
                faults.append((name, record, field, value, answer.status_code, wrote))
    assert tried > 60
    assert faults == []


def forged_fields(view: Any, form: Any, world) -> dict[str, Any]:
    """Return a value for every field of the model that the form does not show, and for those that make mighty."""
    stranger, found = world.people["stranger"], dict[str, Any]()
    for field in view.model._meta.get_fields():
        if not getattr(field, "concrete", False) or field.name in form.fields:
            continue
        found[field.name] = found[getattr(field, "attname", field.name)] = forged_value(field, stranger)
    mighty = dict.fromkeys(("is_superuser", "is_staff", "is_active", "is_demo", "groups", "user_permissions"), "1")
    extra = {**mighty, "pk": "4711", "id": "4711", **found}
    return {name: value for name, value in extra.items() if name not in form.fields}


def forged_value(field: Any, stranger: User) -> Any:
    """Return a value of the field's own type, of somebody else or of long ago."""
    if field.is_relation:
        rows = field.related_model._base_manager.order_by("-pk")
        return stranger.pk if field.related_model is User else rows.values_list("pk", flat=True).first() or 1
    if isinstance(field, models.DateTimeField):
        return "2020-01-01 00:00"
    if isinstance(field, models.DateField):
        return "2020-01-01"
    if field.choices:
        return list(dict(field.flatchoices))[-1]
    return "on" if isinstance(field, models.BooleanField) else "99"


def by_name() -> dict[str, list[dict[str, Any]]]:
    """Return every stored row of the product's own tables."""
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in STORED}


def outcome(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what a request changed, with neither times nor the ids of new rows: two runs of it compare equal."""
    known = {label: {row["id"] for row in rows if "id" in row} for label, rows in before.items()}
    return {
        label: [plain(row, known[label]) for row in rows if row not in before[label]] for label, rows in after.items()
    }


def plain(row: dict[str, Any], known: set[int]) -> dict[str, Any]:
    return {name: plain_value(name, value, known) for name, value in row.items()}


RANDOM = ("token", "password", "salt", "rating_key")


def plain_value(name: str, value: Any, known: set[int]) -> Any:
    if isinstance(value, datetime | UUID) or name in RANDOM:
        return value is None
    if isinstance(value, str):
        return re.sub(r"/\d+/", "/n/", value)
    return "new" if name.endswith("id") and isinstance(value, int) and value > max(known, default=0) else value


@contextmanager
def keys_given_again() -> Iterator[None]:
    """Put sequences back where they stood: PostgreSQL gives no key twice, taken back or not."""
    asked = "SELECT sequencename, last_value FROM pg_sequences"
    with connection.cursor() as cursor:
        stood = dict(cursor.execute(asked).fetchall()) if connection.vendor == "postgresql" else {}
        yield
        if stood:
            moved = [(name, last) for name, last in cursor.execute(asked).fetchall() if stood[name] != last]
            for name, _ in moved:
                cursor.execute("SELECT setval(%s::regclass, %s, %s)", [name, stood[name] or 1, stood[name] is not None])


def mass_assignment(world, enter, names: Any = None) -> list[Any]:
    """Return forms whose outcome differs when fields are posted that they do not show."""
    faults, tried = [], 0
    for name, record, person, address, form in first_of_each(open_forms(world, enter, names)):
        view = CLASSES[name]
        if not hasattr(view, "model"):
            continue
        values, outcomes, before = filled(form, world), [], by_name()
        for extra in ({}, forged_fields(view, form, world)):
            with keys_given_again(), transaction.atomic():
                answer = enter(person).post(address, {**extra, **values})
                outcomes.append((answer.status_code, outcome(before, by_name())))
                transaction.set_rollback(True)
        tried += outcomes[0][0] == 302
        if outcomes[0] != outcomes[1]:
            faults.append((name, record, person, *difference(*outcomes)))
    assert tried > 25 or names, "hardly a form went through"
    return faults


def difference(plain: Any, forged: Any) -> list[Any]:
    changed = [(label, rows, forged[1][label]) for label, rows in plain[1].items() if rows != forged[1][label]]
    return [plain[0], forged[0], *changed[:2]]


def test_fields_no_form_shows_have_no_effect_wherever_they_are_posted(world, enter):
    faults = mass_assignment(world, enter)
    assert [fault[:3] for fault in faults] == [], faults


# Controls: each search sees the fault it looks for


def test_control_a_posted_field_that_takes_effect_is_seen(world, enter, monkeypatch):
    original = FormPage.make_form

    def careless(self, record, data=None):
        if data and "number" in data and isinstance(record, Customer):
            Customer.objects.filter(pk=record.pk).update(number=data["number"])
        return original(self, record, data)

    monkeypatch.setattr(FormPage, "make_form", careless)
    assert mass_assignment(world, enter, ["customers:customer_update"]) != []


def test_control_the_forged_values_would_fit(world):
    """Each has the type of its column, so that a careless form would take it."""
    for field in Customer._meta.concrete_fields:
        value = forged_value(field, world.people["stranger"])
        assert field.is_relation or field.to_python("1" if value == "on" else value) is not None
    assert resolve("/customers/").url_name == "customer_list"
    assert date(2020, 1, 1) == Customer._meta.get_field("won_back_on").to_python("2020-01-01")
