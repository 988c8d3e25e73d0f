"""What walks over everything meet: the addresses, page classes and forms of the product, as the tables know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from kit.lists.list_page import ListPage
from kit.pages.form_page import FormPage
from tests.permissions.asking import url_of
from tests.permissions.tables import people_who, records_of
from tests.permissions.world import World

Enter = Callable[[str], Client]


class Address(NamedTuple):
    """One pattern of the URLconf: its qualified name (its route when it has none), route, and what answers it."""

    name: str
    route: str
    callback: Any


def addresses(resolver: Any = None, prefix: str = "", namespace: str = "") -> Iterator[Address]:
    """Yield every address of the product, those of Django admin included."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
        elif isinstance(pattern, URLPattern):
            yield Address(f"{namespace}{pattern.name}" if pattern.name else route, route, pattern.callback)


def pages() -> Iterator[tuple[str, str, Any]]:
    """Yield (URL name, route, page class) of every address outside the admin that is a class."""
    for name, route, callback in addresses():
        if hasattr(callback, "view_class") and not name.startswith("admin:"):
            yield name, route, callback.view_class


PAGES = list(pages())
CLASSES = {name: view for name, _, view in PAGES}
LISTS = [name for name, _, view in PAGES if issubclass(view, ListPage)]
FORMS = [name for name, _, view in PAGES if issubclass(view, FormPage)]


def tab_field(view: Any) -> str:
    """Return the query parameter of a list's tabs, empty without any."""
    return view.tabs.field if view.tabs else ""


class Opened(NamedTuple):
    """A form page as somebody got it who may send it."""

    name: str
    record: str
    person: str
    address: str
    form: Any


def open_forms(world: World, enter: Enter, names: Iterable[str] | None = None) -> Iterator[Opened]:
    """Yield every form page with each kind of record, as each person gets it who may send it."""
    for name in names or FORMS:
        for record in records_of(name):
            for person in people_who(name, record, "POST", "302", "200") or people_who(name, record, "GET", "200"):
                address = url_of(name, record, world)
                answer = enter(person).get(address)
                if answer.status_code == 200 and "form" in (answer.context or {}):
                    yield Opened(name, record, person, address, answer.context["form"])


def first_of_each(opened: Iterable[Opened]) -> list[Opened]:
    """Return one person for each form page and kind of record."""
    return list({(one.name, one.record): one for one in opened}.values())


def filled(form: Any, world: World) -> dict[str, Any]:
    """Return values with which the form goes through: the world's, else its own, and the memory it opened with."""
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    values = {name: value for name, value in values.items() if name != "submission" and value not in (None, [])}
    values |= {name: world.values[name] for name in form.fields if name in world.values}
    if "opened" in form.fields:
        values["opened"] = form.initial["opened"]
    return values


def body_of(answer: Any) -> str:
    """Return the source of an answer, attributes and all; nothing of a file that is streamed."""
    return "" if answer.streaming else answer.content.decode()
