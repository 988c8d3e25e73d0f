"""Every list of the product: rows chosen together, exports and totals hold what the person may take or sees."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from customers.models import Alert, ChurnCase, Contact, Customer, Order
from kit.exchange.exports import resolve_list
from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories, html
from tests.exports import export
from tests.permissions.asking import url_of
from tests.permissions.tables import people_who, records_of
from tests.walks import CLASSES, LISTS, filled

HUGE = 9_223_372_036_854_775_807
pytestmark = [pytest.mark.django_db, pytest.mark.walk]


# Many at once

BULK = sorted({action.url_name for name in LISTS for action in CLASSES[name].bulk_actions})


def test_rows_chosen_together_change_only_ones_own(world, enter):
    foreign = factories.CustomerFactory(name="海外客户", manager=world.people["stranger"])
    supervisor = world.people["supervisor"]
    outsider = factories.fresh(world.people["outsider"])
    foreign.share(supervisor, by=outsider, kind="change")  # seen and shared, not theirs
    assert len(BULK) >= 3
    client, went_through = enter("supervisor"), []
    for name in BULK:
        rows = CLASSES[name].model._base_manager
        own = own_keys(CLASSES[name].model, supervisor)
        ids = [*rows.values_list("pk", flat=True), 999_999, HUGE, HUGE * 10, -1, "x", "", "1_0"]
        with transaction.atomic():
            before = {row["id"]: row for row in rows.values()}
            page = client.get(reverse(name), {"ids": ids})
            chosen = page.context["record"].rows if page.status_code == 200 else []
            assert (name, {row.pk for row in chosen} - own) == (name, set())
            values = filled(page.context["form"], world) if page.status_code == 200 else world.values
            answer = client.post(reverse(name), {**values, "ids": ids})
            changed = {
                row["id"]
                for row in rows.values()
                if row != (old := before.get(row["id"])) and not follows(row, old, own)
            }
            transaction.set_rollback(True)
        assert (name, changed - own) == (name, set())
        went_through += [name] if changed and answer.status_code == 302 else []
    assert {"customer_merge", "customer_reclassify", "customer_transfer_many"} <= set(went_through)


def follows(row: dict[str, Any], old: dict[str, Any] | None, own: set[int]) -> bool:
    """Say whether a customer that was merged into one's own just follows it into the next, and nothing else."""
    if old is None or old.get("merged_into_id") not in own:
        return False
    return row == {**old, "merged_into_id": row["merged_into_id"]} and row["merged_into_id"] in own


def own_keys(model: Any, user: User) -> set[int]:
    """Return the keys of the rows that the person may edit; a contact goes with its customer."""
    if model is Contact:
        return set(model.objects.filter(customer__in=Customer.objects.editable_by(user)).values_list("pk", flat=True))
    return set(model.objects.editable_by(user).values_list("pk", flat=True))


# Lists and their exports


def exported(answer: Any) -> list[list[str]]:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]


def as_cell(value: Any) -> str:
    """Return a csv text as the page shows it: without the apostrophe before signs of formulas."""
    return value[1:] if value[:1] == "'" else value


def test_an_export_holds_exactly_the_rows_of_the_persons_list_that_are_theirs(world, enter):
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
                rows, shown = exported(answer), html.text(page)
                assert (name, person, len(rows)) == (name, person, page.context["export_count"])
                assert (name, person, len(rows)) == (name, person, theirs_to_take(address, world.people[person]))
                firsts = [as_cell(row[0]) for row in rows]
                assert [first for first in firsts if " ".join(first.split()) not in shown] == []
                told = "\n".join(",".join(row) for row in rows)
                assert (name, person, hidden_words(world, person, told)) == (name, person, [])
    assert tried > 30


def theirs_to_take(address: str, user: User) -> int:
    """Return how many rows of a list leave with this person: all they see, but of a 客户经理 only what they keep."""
    user = factories.fresh(user)
    shown = resolve_list(address, "", user).shown_rows()
    if {right.code for right in user.role_permissions} != {"account_manager"} or shown.model not in KEPT:
        return shown.count()
    return shown.filter(KEPT[shown.model](user)).count()


KEPT = {
    Customer: lambda user: Q(manager=user),
    Contact: lambda user: Q(customer__manager=user),
    Order: lambda user: Q(customer__manager=user),
    ChurnCase: lambda user: Q(customer__manager=user),
    Alert: lambda user: Q(customer__manager=user),
    Opportunity: lambda user: Q(assignee=user) | Q(assignee=None, created_by=user),
    ServiceRequest: lambda user: Q(keeper=user) | Q(assignee=user),
}


def hidden_words(world, person: str, told: str) -> list[str]:
    """Return numbers of customers and opportunities outside the person's view that the text tells."""
    user, found = factories.fresh(world.people[person]), []
    for model, field in (
        (apps.get_model("customers.Customer"), "number"),
        (apps.get_model("customers.Order"), "number"),
    ):
        seen = model.objects.visible_to(user).values("pk")
        found += [word for word in model.objects.exclude(pk__in=seen).values_list(field, flat=True) if word in told]
    return found


def test_totals_of_lists_count_what_is_seen_and_nothing_else(world, enter):
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
