"""What a role may open: the menu and every address, each with the right its page or action asks for."""

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
from accounts.rights import MODULES, permission_label, permission_name
from accounts.role_pages import CRUMBS, RolePage
from customers.models.contact import PERSONAL_DATA_PERMISSION
from kit.domain.urls import page_url
from kit.pages.records import RecordView

from .navigation import SECTIONS, MenuItem

DEPTH = 4
WORKED_ON = (
    "services.handle_servicerequest|services.assign_servicerequest"  # either: the assignee's or the supervisor's
)
# Pages whose right is asked inside the page, or whose guard asks for one of two; | stands between rights of which one
# is enough.
INSIDE = {
    "marketing:development_execute": ("执行计划", "marketing.develop_opportunity"),
    "customers:contact_create": ("新建联系人", "customers.change_customer"),
    "customers:interaction_create": ("记交往", "customers.change_customer"),
    "customers:attachment": ("下载附件", "customers.view_customer"),
    "customer_transfer_many": ("移交所选客户", "customers.transfer_customer"),
    "services:find_customer": ("查找客户", "services.add_servicerequest"),
    "services:find_contacts": ("查找联系人", "services.add_servicerequest"),
    "services:assign_many": ("分配所选服务请求", "services.assign_servicerequest"),
    "services:request_update": ("编辑服务请求", "services.change_servicerequest"),
    "services:request_involve": ("邀请协办人", WORKED_ON),
    "services:request_release": ("移除协办人", WORKED_ON),
    "services:request_note": ("添加备注", "services.view_servicerequest"),
    "services:draft_handle": ("保存处理草稿", "services.handle_servicerequest"),
    "services:draft_feedback": ("保存反馈草稿", "services.handle_servicerequest"),
    "services:rating_picture": ("客户评价的二维码", "services.handle_servicerequest"),
    "reports:monthly_workbook": ("下载客户管理报告", "reports.view_monthlyreport"),
    "contact_personal": ("个人信息", PERSONAL_DATA_PERMISSION),
    "mail_again": ("重新发送邮件", "accounts.administer"),
}
# Where a role that edits nobody's records reads only, whatever right it holds.
WRITERS = {"services:request_note"}


class Entry(NamedTuple):
    """One page or action: where it is, what it is called, which right it asks for."""

    module: str
    title: str
    name: str
    path: str
    right: str

    @property
    def shown_path(self) -> str:
        """With … for the record's key."""
        return re.sub(r"<[^>]+>", "…", self.path)


class Asked(Exception):
    """A guard asked for a right."""

    def __init__(self, right: str) -> None:
        super().__init__(right)
        self.right = right


class PermissionProbe:
    """Stands where a person would, and stops at the first right that is asked of him."""

    pk = 0

    def has_perm(self, right: str, obj: Any = None) -> bool:
        raise Asked(right)


def blank(model: type[models.Model], depth: int = 0) -> Any:
    """A record nobody saved, with blank parents: enough for the first question of a guard."""
    record: Any = model()
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and not field.null and depth < DEPTH:
            setattr(record, field.name, blank(field.related_model, depth + 1))  # type: ignore[arg-type]
    return record


def right_of_guard(model: type[models.Model], verb: str) -> str:
    """The right a can_<verb> asks for first; empty when it asks for none (one's own things)."""
    try:
        getattr(blank(model), f"can_{verb}")(PermissionProbe())
    except Asked as asked:
        return asked.right
    except Exception:  # a guard that looks at the record before the right
        return ""
    return ""


def right_of(view: Any, path: str) -> str:
    """The right of the menu entry, a page's own, its action's, its rows', or that of the entry it lies under."""
    if getattr(view, "own", False):
        return ""  # everybody's own account
    if right := getattr(view, "permission", ""):
        return right
    model: Any = getattr(view, "model", None)
    verb = getattr(view, "action", "") or getattr(view, "verb", "")
    if model and verb:
        return right_of_guard(model, verb)
    rows = model._default_manager.all() if model else None
    leaf = leaf_at(path)
    here = leaf.permission if leaf and page_url(leaf.url_name) == path else ""
    return here or getattr(rows, "view_permission", "") or (leaf.permission if leaf else "")


def leaf_at(path: str) -> MenuItem | None:
    """The menu entry with this address, or the nearest one above it."""
    leaves = [leaf for section in SECTIONS for leaf in section.leaves if path.startswith(page_url(leaf.url_name))]
    return max(leaves, key=lambda leaf: len(page_url(leaf.url_name)), default=None)


def routes(patterns: Any = None, prefix: str = "/", names: str = "") -> Iterator[tuple[str, str, Any]]:
    """(name, path, page class) of every address of the product itself."""
    for pattern in patterns or get_resolver().url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            yield from routes(pattern.url_patterns, path, f"{names}{pattern.namespace}:")
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "view_class"):
            yield f"{names}{pattern.name}", path, pattern.callback.view_class


@cache
def entries() -> tuple[Entry, ...]:
    """Everything that asks for a right, in the order of the addresses."""
    found = []
    for name, path, view in routes():
        title, right = INSIDE.get(name) or (title_of(view, path), right_of(view, path))
        if right:
            found.append(Entry(module_of(right), title, name, path, right))
        if taken := getattr(view, "export_permission", ""):
            found.append(Entry(module_of(taken), f"导出{title}", f"{name} export", f"{path}?export=xlsx", taken))
    return tuple(found)


def module_of(right: str) -> str:
    return MODULES.get(right.split(".", maxsplit=1)[0], "其他")


def title_of(view: Any, path: str) -> str:
    title, model, leaf = getattr(view, "title", ""), getattr(view, "model", None), leaf_at(path)
    if isinstance(title, str) and title:
        return title
    if leaf and page_url(leaf.url_name) == path:
        return leaf.label
    return f"{model._meta.verbose_name}详情" if model else view.__name__


class RoleCheck(RolePage, RecordView):  # type: ignore[misc]
    title, crumbs = "能打开什么", CRUMBS
    template_name = "accounts/role_check.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        role = self.get_record()
        held = {permission_name(right) for right in role.permissions.select_related("content_type")}
        words = {
            permission_name(right): permission_label(right)
            for right in Permission.objects.select_related("content_type")
        }
        modules: dict[str, list[dict[str, Any]]] = {}
        for entry in entries():
            rights = entry.right.split("|")
            named = " 或 ".join(words.get(right, right) for right in rights)
            writes = role.edit_scope != Scope.NONE or entry.name not in WRITERS
            row = {"entry": entry, "right": named, "open": writes and bool(held.intersection(rights))}
            modules.setdefault(entry.module, []).append(row)
        menu = [
            (section.label, [leaf.label for leaf in section.leaves if leaf.permission in held]) for section in SECTIONS
        ]
        counted = [(name, rows, sum(row["open"] for row in rows)) for name, rows in modules.items()]
        return self.page(record=role, modules=counted, reached=[(name, leaves) for name, leaves in menu if leaves])
