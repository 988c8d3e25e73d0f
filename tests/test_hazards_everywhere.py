"""Bad input at every field of every form and every parameter of every list, found by walking: never a crash."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.db import transaction

from tests import html
from tests.permissions.asking import url_of
from tests.permissions.tables import people_who, records_of
from tests.walks import CLASSES, FORMS, LISTS, filled, first_of_each, open_forms, tab_field

pytestmark = [pytest.mark.django_db, pytest.mark.walk]
HUGE = "99999999999999999999"
ALONE = ("a\x00b", HUGE)
TOGETHER = ("", "\x07", "sNaN", "10000-01-01", "长" * 34_000, "🚀𠮷\u202e\u200b\ufeff{{ 7|add:7 }}%s' OR 1=1 --")
ACCEPTABLE = {200, 302, 400, 404, 409, 413, 422}


def post(client: Any, address: str, values: Any) -> Any:
    with transaction.atomic():
        answer = client.post(address, values)
        transaction.set_rollback(True)
    return answer


def sent(form: Any) -> list[str]:
    return [name for name, field in form.fields.items() if not isinstance(field, forms.FileField)]


def test_no_senseless_value_crashes_any_field_of_any_form(world, enter):
    faults: list[Any] = []
    tried = 0
    for name, _, person, address, form in first_of_each(open_forms(world, enter)):
        client, values = enter(person), filled(form, world)
        for field in sent(form):
            for bad in ALONE:
                tried += 1
                answer = post(client, address, {**values, field: bad})
                if answer.status_code not in ACCEPTABLE:
                    faults.append((name, field, bad[:20], answer.status_code))
                ignored = field in ("opened", "submission") or isinstance(form.fields[field], forms.BooleanField)
                if "\x00" in bad and answer.status_code == 302 and not ignored:
                    faults.append((name, field, "a control character was taken"))
        for bad in TOGETHER:
            answer = post(client, address, {**dict.fromkeys(sent(form), bad), "ids": bad})
            if answer.status_code not in ACCEPTABLE:
                faults.append((name, "all", bad[:20], answer.status_code))
    assert tried > 200
    assert faults == []


def test_no_form_minds_fields_given_twice_or_not_at_all(world, enter):
    for name, _, person, address, form in first_of_each(open_forms(world, enter)):
        values = filled(form, world)
        twice = {field: [value, "x"] if isinstance(value, str) else value for field, value in values.items()}
        for submitted_values in ({}, twice):
            assert (name, post(enter(person), address, submitted_values).status_code in ACCEPTABLE) == (name, True)


def parameters(name: str) -> list[str]:
    view = CLASSES[name]
    return [*view.filterset_class.base_filters, tab_field(view) or "tab", "sort", "page", "page_size", "export"]


def test_no_senseless_parameter_crashes_any_list(world, enter):
    """Alone: a refused filter would hide what follows. Together: as many as an address holds."""
    faults = []
    for name in LISTS:
        for record in records_of(name):
            address = url_of(name, record, world)
            person = people_who(name, record, "GET", "200")[-1]
            names = parameters(name)
            queries: list[Any] = [{one: bad} for one in names for bad in (HUGE, "-pk")]
            queries += [dict.fromkeys(names[:-1], bad) for bad in ("sNaN", "10000-01-01", TOGETHER[-1])]
            for query in queries:
                answer = enter(person).get(address, query)
                if answer.status_code not in (200, 302, 400, 403, 414):
                    faults.append((name, {key: value[:20] for key, value in query.items()}, answer.status_code))
    assert faults == []


def test_a_list_is_sorted_only_by_declared_columns(world, enter):
    """A sort by anything else would answer questions about columns that are not shown."""
    longest = 0
    for name in LISTS:
        for record in records_of(name):
            address = url_of(name, record, world)
            person = people_who(name, record, "GET", "200")[0]
            plain, asked = (
                html.rows(enter(person).get(address, query)) for query in ({}, {"sort": "manager__password"})
            )
            assert (name, asked) == (name, plain)
            longest = max(longest, len(plain))
    assert longest > 2


def test_a_key_longer_than_any_is_no_choice_among_many(company, sign_in):
    client = sign_in(company.administrator)
    for name in ("groups", "roles", "regions", "industries"):
        assert client.post("/accounts/users/new/", {"username": "x", "name": "x", name: [HUGE, "1"]}).status_code == 200


def test_every_form_page_is_covered():
    assert len(FORMS) > 35
