"""角色: list, one role in plain words, creating, copying, changing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from kit.audit.models import AuditEntry
from kit.lists.columns import Column
from kit.lists.filters import Contains, ListFilter
from kit.lists.list_page import ListPage, NewLink
from kit.pages.buttons import Button, controls
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage
from kit.pages.record_page import RecordPage

from .administrators import lock_administration
from .forms import RoleForm, RoleNameForm
from .models import Role
from .permissions import describe_permissions

LIST = ("角色", "accounts:role_list")
CRUMBS = (("权限管理", ""), LIST)
EDIT = Button(Role.edit, "edit", "accounts:role_update", "btn-primary")
COPY = Button(Role.copy, "plus", "accounts:role_copy")
RETIRE = Button(Role.retire, "player-stop", "accounts:role_retire", dialog=True)
REOPEN = Button(Role.reopen, "refresh", "accounts:role_reopen", dialog=True)
REMOVE = Button(Role.remove, "trash", "accounts:role_delete", dialog=True)


class RoleFilter(ListFilter):
    name = Contains(label="名称")

    class Meta:
        model = Role
        fields: list[str] = []


def name_cell(role: Role) -> str:
    kind = ("随系统提供" if role.code else "本公司新建") + (" · 已停用" if role.retired_at else "")
    return format_html('<a href="{}">{}</a><small class="sm">{}</small>', role.get_absolute_url(), role.name, kind)


class RoleList(ListPage):
    model = Role
    title, crumbs, help = "角色", (("权限管理", ""),), "roles"
    filterset_class = RoleFilter
    columns = (
        Column("名称", "name", sort="name", html=name_cell, css="m-t"),
        Column("人数", "people", sort="people", css="num"),
        Column("查看范围", "get_view_scope_display"),
        Column("编辑范围", "get_edit_scope_display"),
        Column("权限", lambda role: f"{role.rights} 项", css="nw"),
    )
    default_sort = "name"
    row_buttons = (EDIT, COPY)
    new = NewLink(Role.create, "accounts:role_create", "新建角色")
    empty_text = "没有这样的角色。"

    def rows(self) -> QuerySet[Role]:
        return with_counts(super().rows())


def with_counts(roles: QuerySet[Role]) -> QuerySet[Role]:
    """Annotate people (active users with the role) and rights (permissions it grants)."""
    members: Any = Group.user_set.through
    rights: Any = Role.permissions.through
    people = members.objects.filter(group=OuterRef("pk"), user__is_active=True)
    return roles.annotate(
        people=Coalesce(Subquery(people.order_by().values("group").annotate(n=Count("pk")).values("n")), 0),
        rights=Coalesce(
            Subquery(rights.objects.filter(group=OuterRef("pk")).values("group").annotate(n=Count("pk")).values("n")), 0
        ),
    )


class RoleDetail(RecordPage):
    model, template_name = Role, "accounts/role_detail.html"
    crumbs, help = CRUMBS, "roles"

    def context(self, record: Role) -> dict[str, Any]:
        people = record.user_set.filter(is_active=True).select_related("department").order_by("name", "pk")
        return {
            "drawn": controls((REOPEN if record.retired_at else RETIRE, REMOVE, COPY, EDIT), record, self.request.user),
            "sentences": describe_permissions(record.permissions.select_related("content_type")),
            "people": people,
            "history": AuditEntry.objects.about(record)[:8],
        }


class RoleHistory(HistoryPage):
    model, crumbs, help = Role, CRUMBS, "roles"


class RoleCreate(FormPage):
    do, form, template_name = Role.create, RoleForm, "accounts/role_form.html"
    title, crumbs, help = "新建角色", CRUMBS, "roles"

    def back_url(self, record: Role) -> str:
        return reverse("accounts:role_list")


class RoleUpdate(FormPage):
    do, form, template_name = Role.edit, RoleForm, "accounts/role_form.html"
    title, crumbs, help = "编辑角色", CRUMBS, "roles"

    @transaction.atomic
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        lock_administration()  # before the role: two changes could leave no administrator
        return super().post(request, **kwargs)


class RetireRole(FormPage):
    do, title, question = Role.retire, "停用角色", "确认停用？"
    crumbs, help = CRUMBS, "roles"
    submit_label, message = "停用", "已停用"

    def context(self, record: Role, form: Any) -> dict[str, Any]:
        consequence = "停用后不能再授予别人；现在持有的人权限不变，可以逐个改他们的角色。以后可以恢复使用。"
        return {"named": f"角色：{record.name}", "details": "", "consequence": consequence}


class ReopenRole(FormPage):
    do, title, question = Role.reopen, "恢复使用角色", "确认恢复使用？"
    crumbs, help = CRUMBS, "roles"
    submit_label, message = "恢复使用", "已恢复使用"

    def context(self, record: Role, form: Any) -> dict[str, Any]:
        return {"named": f"角色：{record.name}", "details": "", "consequence": "恢复后可以再授予别人。"}


class RemoveRole(FormPage):
    do, title, question = Role.remove, "删除角色", "确认删除？"
    crumbs, help = CRUMBS, "roles"
    danger, submit_label, message = True, "确定", "删除成功"

    def context(self, record: Role, form: Any) -> dict[str, Any]:
        consequence = "没有人持有它。删除后不能恢复；审计记录会保留删除人和时间。"
        return {"named": f"角色：{record.name}", "details": "", "consequence": consequence}

    def success_url(self, record: Role, result: Any) -> str:
        return reverse("accounts:role_list")


class CopyRole(FormPage):
    do, form, title = Role.copy, RoleNameForm, "复制角色"
    crumbs, help = CRUMBS, "roles"
    submit_label, message = "复制", "已复制，请修改新的角色。"

    def success_url(self, record: Role, result: Role) -> str:
        return reverse("accounts:role_update", args=[result.pk])
