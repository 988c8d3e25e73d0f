"""The menu: sections of menu items the user may open, each with the number of what waits for them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol, cast

from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import Notification, User
from kit.domain.modules import MenuItem, modules
from kit.domain.urls import page_url
from kit.lists.list_addresses import menu_url
from kit.sql.counts import LRUCache, build_count, inline_params, run_count
from kit.sql.readers import connection_for_reading

MAX = 99


class Section(NamedTuple):
    label: str
    icon: str
    items: tuple[MenuItem, ...]


@cache
def sections() -> tuple[Section, ...]:
    """Return the menu of somebody who may open everything: a section for each module that has an icon."""
    items: dict[str, list[MenuItem]] = {}
    for module in modules():
        for item in module.menu:
            items.setdefault(item.section or module.name, []).append(item)
    ordered = sorted((module for module in modules() if module.icon), key=lambda module: module.order)
    return tuple(Section(module.label, module.icon, _in_order(items[module.name])) for module in ordered)


def _in_order(items: Iterable[MenuItem]) -> tuple[MenuItem, ...]:
    """Put each item behind the one it follows."""
    ordered: list[MenuItem] = []
    for item in items:
        names = [each.url_name for each in ordered]
        ordered.insert(names.index(item.after) + 1 if item.after else len(ordered), item)
    return tuple(ordered)


def open_pages(user: User) -> list[tuple[str, MenuItem]]:
    """Return (section, item) of every page of the menu that the user may open."""
    return [(part.label, item) for part in sections() for item in part.items if user.has_perm(item.permission)]


class DrawnItem(NamedTuple):
    """A menu item as one user sees it on one page."""

    label: str
    url: str
    current: bool
    waiting: int
    hot: bool


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return the context of every page: the menu as HTML, unread notifications, appearance."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"menu": "", "unread": 0, "theme": "auto"}
    counts = open_items(user)
    current = item_at(request.path)
    drawn_sections = tuple(
        (section.label, section.icon, items)
        for section in sections()
        if (
            items := tuple(
                _draw(item, user, counts, current) for item in section.items if user.has_perms(item.permissions)
            )
        )
    )
    menu = menu_html(drawn_sections, request.path == page_url("home"))
    look = {"theme": user.theme, "density": user.density, "keys": user.has_key_shortcuts}
    look["density_url"] = page_url("accounts:density")
    return {"menu": menu, "unread": counts["unread"], "home_url": page_url("home"), **look}


@lru_cache(maxsize=1024)
def menu_html(drawn_sections: tuple[tuple[str, str, tuple[DrawnItem, ...]], ...], at_home: bool) -> str:
    """Render the menu, which stands twice on a page and is the same for many users and pages."""
    return render_to_string("ui/menu.html", {"sections": drawn_sections, "at_home": at_home})


def item_at(path: str) -> MenuItem | None:
    """Return the menu item with this URL, or the nearest one above it."""
    above = (item for section in sections() for item in section.items if path.startswith(page_url(item.url_name)))
    return max(above, key=lambda item: len(page_url(item.url_name)), default=None)


def _draw(item: MenuItem, user: User, counts: dict[str, int], current: MenuItem | None) -> DrawnItem:
    hot = item.urgent or bool(counts.get(f"{item.counter}_due"))
    return DrawnItem(item.label, menu_url(item.url_name, user), item is current, counts.get(item.counter, 0), hot)


class ScopedRows(Protocol):
    """The manager of a model that notifications may be about."""

    def visible_to(self, user: User) -> QuerySet[Model]: ...


def unread_in_view(user: User) -> QuerySet[Notification]:
    """Return unread notifications, without those on records that have left the user's view."""
    in_view = Q(content_type=None)
    for model in (model for module in modules() for model in module.notified):
        rows = cast(ScopedRows, model._default_manager).visible_to(user).filter(pk=OuterRef("object_id"))
        in_view |= Q(Exists(rows), content_type=ContentType.objects.get_for_model(model))
    return Notification.objects.filter(recipient=user).unread().filter(in_view)


STATEMENTS = LRUCache(512)


def open_items(user: User) -> dict[str, int]:
    """Count what waits for the user, in one statement, which is built anew when their permissions or rows change."""
    connection = connection_for_reading(Notification)
    names, sql, params = STATEMENTS.get((connection.alias, *conditions(user)), lambda: statement(user))
    return dict(zip(names, run_count(connection, sql, params), strict=True))


def conditions(user: User) -> tuple[Hashable, ...]:
    """Return all that statement() depends on: the user, their permissions, their scopes, the day."""
    scopes = (scope for module in modules() if module.waiting for scope in module.waiting.depends_on(user))
    return user.pk, user.is_superuser, user.permission_names, timezone.localdate(), *scopes


def statement(user: User) -> tuple[list[str], str, Sequence[Any]]:
    """Return the names of the numbers, and SQL with its parameters that counts them."""
    querysets: dict[str, QuerySet[Any]] = {"unread": unread_in_view(user)}
    for module in modules():
        if module.waiting:
            querysets |= module.waiting.counts(user)
    sql, params = build_count([(rows, MAX + 1) for rows in querysets.values()])
    return list(querysets), *inline_params(connection_for_reading(Notification), sql, params)
