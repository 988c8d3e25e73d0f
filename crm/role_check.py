"""Show what a role may open: the menu and every URL, each with the permission its page or action asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Scope
from accounts.rights import module_labels, permission_label, permission_name
from accounts.role_pages import CRUMBS, RolePage
from kit.domain.modules import PagePermission, modules
from kit.domain.urls import page_url
from kit.pages.records import RecordView

from .navigation import item_at, sections

DEPTH = 4


class Entry(NamedTuple):
    """One page or action: where it is, what it is called, which permission it asks for."""

    module: str
    title: str
    name: str
    path: str
    permission: str

    @property
    def shown_path(self) -> str:
        """Return the path with … for the record's key."""
        return re.sub(r"<[^>]+>", "…", self.path)


class PermissionAsked(Exception):
    """A guard asked for a permission."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class PermissionProbe:
    """Stand in for a user, and raise at the first permission that is asked for."""

    pk = 0

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        raise PermissionAsked(perm)


def blank(model: type[models.Model], depth: int = 0) -> models.Model:
    """Return a record that is not saved, with blank parents: enough for the first question of a guard."""
    record = model()
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and not field.null and depth < DEPTH:
            setattr(record, field.name, blank(field.related_model, depth + 1))  # type: ignore[arg-type]
    return record


def permission_of_guard(model: type[models.Model], verb: str) -> str:
    """Return the permission that can_<verb> asks for first; empty when it asks for none (one's own things)."""
    try:
        getattr(blank(model), f"can_{verb}")(PermissionProbe())
    except PermissionAsked as question:
        return question.permission
    except Exception:  # a guard that looks at the record first
        return ""
    return ""


def permission_of(view: Any, path: str) -> str:
    """Return the permission of a page: its own, its action's, that of its menu item or the one above, its rows'."""
    if getattr(view, "own", False):
        return ""  # everybody's own account
    if permission := getattr(view, "permission", ""):
        return permission
    model: Any = getattr(view, "model", None)
    verb = getattr(view, "action", "") or getattr(view, "verb", "")
    if model and verb:
        return permission_of_guard(model, verb)
    rows = model._default_manager.all() if model else None
    item = item_at(path)
    here = item.permission if item and page_url(item.url_name) == path else ""
    return here or getattr(rows, "view_permission", "") or (item.permission if item else "")


def routes(patterns: Any = None, prefix: str = "/", names: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield (name, path, page class) of every URL of the product itself."""
    for pattern in patterns or get_resolver().url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            yield from routes(pattern.url_patterns, path, f"{names}{pattern.namespace}:")
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "view_class"):
            yield f"{names}{pattern.name}", path, pattern.callback.view_class


@cache
def entries() -> tuple[Entry, ...]:
    """Return everything that asks for a permission, in the order of the URLs."""
    every: list[Entry] = []
    asking_inside = pages()
    for name, path, view in routes():
        page = asking_inside.get(name)
        title, permission = (page.title, page.permission) if page else (title_of(view, path), permission_of(view, path))
        if permission:
            every.append(Entry(module_of(permission), title, name, path, permission))
        if export := getattr(view, "export_permission", ""):
            every.append(Entry(module_of(export), f"导出{title}", f"{name} export", f"{path}?export=xlsx", export))
    return tuple(every)


def pages() -> dict[str, PagePermission]:
    """Return the pages that ask for their permission inside, by URL name."""
    return {name: page for module in modules() for name, page in module.pages.items()}


def module_of(permission: str) -> str:
    return module_labels().get(permission.split(".", maxsplit=1)[0], "其他")


def title_of(view: Any, path: str) -> str:
    title, model, item = getattr(view, "title", ""), getattr(view, "model", None), item_at(path)
    if isinstance(title, str) and title:
        return title
    if item and page_url(item.url_name) == path:
        return item.label
    return f"{model._meta.verbose_name}详情" if model else view.__name__


class RoleCheck(RolePage, RecordView):  # type: ignore[misc]
    title, crumbs = "能打开什么", CRUMBS
    template_name = "accounts/role_check.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        role = self.get_record()
        own = {permission_name(permission) for permission in role.permissions.select_related("content_type")}
        every = Permission.objects.select_related("content_type")
        words = {permission_name(permission): permission_label(permission) for permission in every}
        by_module: dict[str, list[dict[str, Any]]] = {}
        for_writers = {name for name, page in pages().items() if page.for_writers}
        for entry in entries():
            names = entry.permission.split("|")
            in_words = " 或 ".join(words.get(name, name) for name in names)
            writes = role.edit_scope != Scope.NONE or entry.name not in for_writers
            row = {"entry": entry, "permission": in_words, "open": writes and bool(own.intersection(names))}
            by_module.setdefault(entry.module, []).append(row)
        menu = [(part.label, [item.label for item in part.items if item.permission in own]) for part in sections()]
        counted = [(name, rows, sum(row["open"] for row in rows)) for name, rows in by_module.items()]
        return self.page(record=role, modules=counted, reached=[(name, items) for name, items in menu if items])
