"""What holds at every address, found by walking the URLconf and the models: a page is covered the day it appears.

The table of test_permissions.py names for each address a record of the world and who may post there; from it follow
the addresses, from the page itself its form, and from the form what may be posted. Each search returns its faults, so
that the controls at the end can show that it sees one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from html import escape
from typing import Any
from uuid import UUID

import pytest
from django import forms
from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Q
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from accounts.models import User
from customers.forms.picker import CustomerField
from customers.models import ChurnCase, Contact, Customer, Order
from kit.exchange.exports import resolve_list
from kit.pages.bulk import BulkList
from kit.pages.lists import RecordList
from kit.pages.records import FormView, RecordView
from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories
from tests.exports import export
from tests.test_permissions import HANDLER, PEOPLE, ROWS, SECRETS, STORED, snapshot, url_of, world  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db
OURS = ("accounts", "audit", "basedata", "customers", "exchange", "jobs", "marketing", "reports", "services")
HUGE = 9_223_372_036_854_775_807


# The addresses


def pages(resolver: Any = None, prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str, Any]]:
    """(URL name, route, page class) of every address outside the admin that is a class."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from pages(pattern, route, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "view_class"):
            yield f"{namespace}{pattern.name}", route, pattern.callback.view_class


PAGES = list(pages())
CLASSES = {name: view for name, _, view in PAGES}
LISTS = [name for name, _, view in PAGES if issubclass(view, RecordList)]
FORMS = [name for name, _, view in PAGES if issubclass(view, FormView)]


def records_of(name: str) -> list[str]:
    """The kinds of records the table tries this address with."""
    return list(dict.fromkeys(record for row_name, record, *_ in ROWS if row_name == name))


def people_who(name: str, record: str, verb: str, *statuses: str) -> list[str]:
    answers = next((row[3:] for row in ROWS if row[:3] == [name, record, verb]), [])
    return [person for person, status in zip(PEOPLE, answers, strict=False) if status in statuses]


@pytest.fixture
def enter(world, sign_in):  # noqa: F811
    """enter(name of a person) gives his browser; each signs in once."""
    kept: dict[str, Client] = {}

    def of(person: str) -> Client:
        if person not in kept:
            user = world.people[person]
            kept[person] = sign_in(user) if user else Client()
            kept[person].handler = HANDLER
        return kept[person]

    return of


def test_there_is_something_to_walk():
    assert len(PAGES) > 60
    assert len(FORMS) > 30
    assert len(LISTS) >= 9


def test_every_page_about_rows_has_a_row_rule():
    """A page class names a model whose rows start at a person."""
    ruleless = [
        name
        for name, _, view in PAGES
        if issubclass(view, RecordView | RecordList) and hasattr(view, "model")
        if not hasattr(view.model._default_manager, "visible_to")
    ]
    assert ruleless == []


# Models


def row_ruled() -> list[type[models.Model]]:
    found = [model for label in OURS if label in LABELS for model in apps.get_app_config(label).get_models()]
    return [model for model in found if hasattr(model._default_manager, "visible_to")]


LABELS = {config.label for config in apps.get_app_configs()}


def test_nobody_without_a_right_sees_or_edits_a_row_of_any_model(world):  # noqa: F811
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
    """Whose id comes first: the model of another page under the same address with one id."""
    prefix = route[: route.index("<id:")]
    for _, other, view in PAGES:
        if other.startswith(f"{prefix}<id:") and other.count("<id:") == 1 and hasattr(view, "model"):
            return view.model
    return None


NESTED = [(name, route) for name, route, _ in PAGES if route.count("<id:") == 2]


REFUSED = (403, 404, 405, 409)  # the other parent itself may refuse the deed before its part is looked for


def crossed_parents(world, enter, nested: Any = None) -> list[Any]:  # noqa: F811
    """Answers other than a refusal to a part asked for under another record that the person sees and edits."""
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
                        if answer.status_code not in REFUSED or "高峰" in text(answer):
                            faults.append((name, record, person, answer.status_code))
    return faults


def text(answer: Any) -> str:
    return "" if answer.streaming else answer.content.decode()


def test_every_nested_address_has_a_parent_to_cross():
    assert len(NESTED) >= 12
    assert [name for name, route in NESTED if parent_model(route) is None] == []


def test_a_part_is_not_found_under_another_parent_at_any_address(world, enter):  # noqa: F811
    for person in ("supervisor", "manager"):
        enter(person).get("/help/")
    before = snapshot()
    assert crossed_parents(world, enter) == []
    assert snapshot() == before


# Fragments


def test_a_hidden_record_is_hidden_from_fragments_too(world, enter):  # noqa: F811
    faults = []
    for name in CLASSES:
        for record in records_of(name):
            for person in people_who(name, record, "GET", "404"):
                address = url_of(name, record, world)
                answer = enter(person).get(address, headers={"HX-Request": "true", "HX-Target": "dialog"})
                leaks = [word for word in (*SECRETS, world.customer.number) if word in text(answer)]
                if answer.status_code != 404 or leaks:
                    faults.append((name, record, person, answer.status_code, leaks))
    assert faults == []


# Forms: pickers, forged choices, fields no form shows


def open_forms(world, enter, names: Any = None) -> Iterator[tuple[str, str, str, str, Any]]:  # noqa: F811
    """(URL name, record, person, address, form) of every form page, as each person gets it who may send it."""
    for name in names or FORMS:
        for record in records_of(name):
            for person in people_who(name, record, "POST", "302", "200") or people_who(name, record, "GET", "200"):
                address = url_of(name, record, world)
                answer = enter(person).get(address)
                if answer.status_code == 200 and "form" in (answer.context or {}):
                    yield name, record, person, address, answer.context["form"]


def first_of_each(opened: Iterator[Any]) -> list[Any]:
    """One person for each form page and record."""
    return list({(name, record): (name, record, *rest) for name, record, *rest in opened}.values())


def filled(form: Any, world) -> dict[str, Any]:  # noqa: F811
    """Values with which the form goes through: those of the world, else its own, and the memory it opened with."""
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    values = {name: value for name, value in values.items() if name != "submission" and value not in (None, [])}
    values |= {name: world.values[name] for name in form.fields if name in world.values}
    if "opened" in form.fields:
        values["opened"] = form.initial["opened"]
    return values


def test_pickers_offer_nothing_outside_ones_view(world, enter):  # noqa: F811
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


def test_completion_offers_nothing_outside_ones_view(world, enter):  # noqa: F811
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
    """(field, a value it does not offer) for every field that chooses."""
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


def test_a_choice_outside_the_offered_ones_changes_nothing_on_any_form(world, enter):  # noqa: F811
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


def forged_fields(view: Any, form: Any, world) -> dict[str, Any]:  # noqa: F811
    """A value for every field of the model that the form does not show, and for those that make a person mighty."""
    stranger, found = world.people["stranger"], dict[str, Any]()
    for field in view.model._meta.get_fields():
        if not getattr(field, "concrete", False) or field.name in form.fields:
            continue
        found[field.name] = found[field.attname if hasattr(field, "attname") else field.name] = forged(field, stranger)
    mighty = dict.fromkeys(("is_superuser", "is_staff", "is_active", "is_demo", "groups", "user_permissions"), "1")
    extra = {**mighty, "pk": "4711", "id": "4711", **found}
    return {name: value for name, value in extra.items() if name not in form.fields}


def forged(field: Any, stranger: User) -> Any:
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
    """Every stored row of the product's own tables."""
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in STORED}


def outcome(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What a request changed, with neither times nor the ids of new rows: two runs of it compare equal."""
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
    """PostgreSQL gives no key twice, taken back or not: afterwards its sequences stand where they stood."""
    asked = "SELECT sequencename, last_value FROM pg_sequences"
    with connection.cursor() as cursor:
        stood = dict(cursor.execute(asked).fetchall()) if connection.vendor == "postgresql" else {}
        yield
        if stood:
            moved = [(name, last) for name, last in cursor.execute(asked).fetchall() if stood[name] != last]
            for name, _ in moved:
                cursor.execute("SELECT setval(%s::regclass, %s, %s)", [name, stood[name] or 1, stood[name] is not None])


def mass_assignment(world, enter, names: Any = None) -> list[Any]:  # noqa: F811
    """Forms whose outcome differs when fields are posted that they do not show."""
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


def test_fields_no_form_shows_have_no_effect_wherever_they_are_posted(world, enter):  # noqa: F811
    faults = mass_assignment(world, enter)
    assert [fault[:3] for fault in faults] == [], faults


# Many at once


BULK = sorted(
    {target for name in LISTS if issubclass(CLASSES[name], BulkList) for _, target, _ in CLASSES[name].bulk_actions}
)


def test_rows_chosen_together_change_only_ones_own(world, enter):  # noqa: F811
    foreign = factories.CustomerFactory(name="海外客户", manager=world.people["stranger"])
    supervisor = world.people["supervisor"]
    foreign.share(supervisor, by=factories.fresh(world.people["outsider"]), kind="change")  # seen and shared, not his
    assert len(BULK) >= 3
    client, went_through = enter("supervisor"), []
    for name in BULK:
        rows = CLASSES[name].model._base_manager
        own = set(CLASSES[name].model._default_manager.editable_by(supervisor).values_list("pk", flat=True))
        ids = [*rows.values_list("pk", flat=True), 999_999, HUGE, HUGE * 10, -1, "x", "", "1_0"]
        with transaction.atomic():
            before = {row["id"]: row for row in rows.values()}
            page = client.get(reverse(name), {"ids": ids})
            assert foreign.name not in text(page)
            values = filled(page.context["form"], world) if page.status_code == 200 else world.values
            answer = client.post(reverse(name), {**values, "ids": ids})
            changed = {row["id"] for row in rows.values() if row != before.get(row["id"])}
            transaction.set_rollback(True)
        assert (name, changed - own) == (name, set())
        went_through += [name] if changed and answer.status_code == 302 else []
    assert {"customer_merge", "customer_reclassify", "customer_transfer_many"} <= set(went_through)


# Lists and their exports


def exported(answer: Any) -> list[list[str]]:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]


def as_cell(value: Any) -> str:
    """A csv text as the page shows it: without the apostrophe before signs of formulas."""
    return value[1:] if value[:1] == "'" else value


def test_an_export_holds_exactly_the_rows_of_the_persons_list_that_are_his_to_take(world, enter):  # noqa: F811
    factories.CustomerFactory(name="海外客户", manager=world.people["stranger"])
    factories.opportunity(world.people["stranger"], customer_name="海外机会")
    tried = 0
    for name in LISTS:
        for record in records_of(name):
            address = url_of(name, record, world)
            for person in people_who(name, record, "GET", "200"):
                client, view = enter(person), CLASSES[name]
                page = client.get(address, {"page_size": 100})
                answer = export(client, address)
                may = bool(view.export_permission) and world.people[person].has_perm(view.export_permission)
                assert (name, person, answer.status_code) == (name, person, 200 if may else 403)
                if not may:
                    continue
                tried += 1
                rows, html = exported(answer), text(page)
                assert (name, person, len(rows)) == (name, person, page.context["export_count"])
                assert (name, person, len(rows)) == (name, person, his_to_take(address, world.people[person]))
                firsts = [as_cell(row[0]) for row in rows]
                assert [first for first in firsts if escape(first) not in html] == []
                told = "\n".join(",".join(row) for row in rows)
                assert (name, person, hidden_words(world, person, told)) == (name, person, [])
    assert tried > 30


def his_to_take(address: str, user: User) -> int:
    """How many rows of a list leave with this person: all he sees, but of a 客户经理 only what he keeps himself."""
    user = factories.fresh(user)
    shown = resolve_list(address, "", user).shown_rows()
    if {right.code for right in user.rights} != {"account_manager"} or shown.model not in KEPT:
        return shown.count()
    return shown.filter(KEPT[shown.model](user)).count()


KEPT = {
    Customer: lambda user: Q(manager=user),
    Contact: lambda user: Q(customer__manager=user),
    Order: lambda user: Q(customer__manager=user),
    ChurnCase: lambda user: Q(customer__manager=user),
    Opportunity: lambda user: Q(assignee=user) | Q(assignee=None, created_by=user),
    ServiceRequest: lambda user: Q(keeper=user) | Q(assignee=user),
}


def hidden_words(world, person: str, told: str) -> list[str]:  # noqa: F811
    """Names of customers and opportunities outside the person's view that the text tells."""
    user, found = factories.fresh(world.people[person]), []
    for model, field in (
        (apps.get_model("customers.Customer"), "number"),
        (apps.get_model("customers.Order"), "number"),
    ):
        seen = model.objects.visible_to(user).values("pk")
        found += [word for word in model.objects.exclude(pk__in=seen).values_list(field, flat=True) if word in told]
    return found


def test_totals_of_lists_count_what_is_seen_and_nothing_else(world, enter):  # noqa: F811
    """The number below the table is that of its rows, and no tab counts more than the rows in the person's view."""
    factories.CustomerFactory(name="海外客户", manager=world.people["stranger"])
    for name in LISTS:
        for record in records_of(name):
            for person in people_who(name, record, "GET", "200"):
                page = enter(person).get(url_of(name, record, world), {"page_size": 100})
                context, user = page.context, factories.fresh(world.people[person])
                assert (name, person, context["pager"].total) == (name, person, len(context["table"]))
                counted = [tab["count"] for tab in context["tabs"]]
                if name != "customers:customer_deleted":  # rows that are in nobody's view
                    seen = CLASSES[name].model._default_manager.visible_to(user).count()
                    assert (name, person, max(counted, default=0) <= seen) == (name, person, True)


# Search


def test_search_finds_nothing_outside_ones_view(world, enter):  # noqa: F811
    for person in PEOPLE[1:]:
        user = world.people[person]
        for word in (*SECRETS, world.customer.number, "1", "a"):
            context = enter(person).get("/search/", {"q": word}).context
            for key, value in {key: context[key] for key in context.keys()}.items():  # noqa: SIM118 (a list of contexts)
                rows = [one for one in value if isinstance(one, models.Model)] if isinstance(value, list) else []
                for one in rows:
                    seen = type(one)._default_manager.visible_to(user).filter(pk=one.pk).exists()
                    assert (person, word, key, one.pk, seen) == (person, word, key, one.pk, True)


# Controls: each search sees the fault it looks for


def test_control_a_part_without_its_parents_rule_is_seen(world, enter, monkeypatch):  # noqa: F811
    monkeypatch.setattr("customers.views.inside.CustomerPart.rows", RecordView.rows)
    monkeypatch.setattr("kit.pages.records.FormView.dispatch", RecordView.dispatch)
    with transaction.atomic():
        nested = [(name, route) for name, route in NESTED if name == "customers:contact_update"]
        assert crossed_parents(world, enter, nested) != []
        transaction.set_rollback(True)


def test_control_a_posted_field_that_takes_effect_is_seen(world, enter, monkeypatch):  # noqa: F811
    original = FormView.make_form

    def careless(self, record, data=None):
        if data and "number" in data and isinstance(record, Customer):
            Customer.objects.filter(pk=record.pk).update(number=data["number"])
        return original(self, record, data)

    monkeypatch.setattr(FormView, "make_form", careless)
    assert mass_assignment(world, enter, ["customers:customer_update"]) != []


def test_control_the_forged_values_would_fit(world):  # noqa: F811
    """Each has the type of its column, so that a careless form would take it."""
    for field in Customer._meta.concrete_fields:
        value = forged(field, world.people["stranger"])
        assert field.is_relation or field.to_python("1" if value == "on" else value) is not None
    assert resolve("/customers/").url_name == "customer_list"
    assert date(2020, 1, 1) == Customer._meta.get_field("won_back_on").to_python("2020-01-01")
