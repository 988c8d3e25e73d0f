"""Show what a role may open: the menu and every URL, each with the permission its page or action asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Role, Scope
from accounts.roles.pages import CRUMBS
from accounts.roles.permissions import module_labels, permission_label, permission_name
from kit.domain.modules import PagePermission, modules
from kit.domain.urls import page_url
from kit.pages.record_page import RecordPage
from kit.transitions import Guard

from .navigation import item_at, sections


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


def permission_of(view: Any, path: str) -> str:
    """Return the permission of a page: that of what it does, its own, its menu item's or the one above, its rows'."""
    if isinstance(do := getattr(view, "do", None), Guard):
        return do.permission  # empty for one's own account
    if permission := getattr(view, "permission", ""):
        return permission
    model: Any = getattr(view, "model", None)
    rows = model._default_manager.all() if model else None
    item = item_at(path)
    here = item.permission if item and page_url(item.url_name) == path else ""
    return (
        here
        or getattr(view, "open_permission", "")
        or getattr(rows, "view_permission", "")
        or (item.permission if item else "")
    )


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


class RoleCheck(RecordPage):
    model, template_name = Role, "accounts/role_check.html"
    title, crumbs, help = "能打开什么", CRUMBS, "roles"

    def context(self, record: Role) -> dict[str, Any]:
        own = {permission_name(permission) for permission in record.permissions.select_related("content_type")}
        by_module: dict[str, list[dict[str, Any]]] = {}
        for entry, row in judged_entries(record, own):
            by_module.setdefault(entry.module, []).append(row)
        menu = [(part.label, [item.label for item in part.items if item.permissions <= own]) for part in sections()]
        counted = [(name, rows, sum(row["open"] for row in rows)) for name, rows in by_module.items()]
        return {"modules": counted, "reached": [(name, items) for name, items in menu if items]}


def judged_entries(role: Role, own: set[str]) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Yield every entry with its permission in words and whether the role opens it; own: the role's permissions."""
    every = Permission.objects.select_related("content_type")
    words = {permission_name(permission): permission_label(permission) for permission in every}
    for_writers = {name for name, page in pages().items() if page.for_writers}
    for entry in entries():
        names = entry.permission.split("|")
        in_words = " 或 ".join(words.get(name, name) for name in names)
        writes = role.edit_scope != Scope.NONE or entry.name not in for_writers
        yield entry, {"entry": entry, "permission": in_words, "open": writes and bool(own.intersection(names))}
