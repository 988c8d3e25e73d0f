"""部门: the tree on one page; creating, renaming and moving, deleting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from accounts.roles.administrators import lock_administration
from kit.pages.buttons import Button, controls
from kit.pages.form_page import FormPage
from kit.pages.page import render_page, visible_rows

from .forms import DepartmentForm
from .models import Department, DepartmentQuerySet

if TYPE_CHECKING:
    from accounts.users.models import User

LIST = ("部门", "accounts:department_list")
CRUMBS = (("权限管理", ""), LIST)
EDIT = Button(Department.edit, "edit", "accounts:department_update")
REMOVE = Button(Department.remove, "trash", "accounts:department_delete", dialog=True)


def with_counts(departments: QuerySet[Department]) -> QuerySet[Department]:
    """Annotate people (members, disabled ones too) and below (departments directly under it)."""
    return departments.annotate(people=Count("members", distinct=True), below=Count("children", distinct=True))


def as_tree(departments: list[Department]) -> Iterator[tuple[Department, int]]:
    """Yield (department, depth), each under its parent."""
    by_parent: dict[int | None, list[Department]] = {}
    for department in departments:
        by_parent.setdefault(department.parent_id, []).append(department)

    def walk(top: int | None, depth: int) -> Iterator[tuple[Department, int]]:
        for department in by_parent.get(top, ()):
            yield department, depth
            yield from walk(department.pk, depth + 1)

    return walk(None, 0)


class DepartmentTree(View):
    model = Department
    template_name = "accounts/departments.html"
    title, crumbs, help = "部门", (("权限管理", ""),), "departments"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = cast("User", request.user)
        if not user.has_perm(DepartmentQuerySet.view_permission):
            raise PermissionDenied("您的角色不能查看部门。")
        rows = list(with_counts(visible_rows(Department, user)))
        tree = [
            {"department": row, "depth": min(depth, 6), "controls": controls((EDIT, REMOVE), row, user)}
            for row, depth in as_tree(rows)
        ]
        return render_page(self, tree=tree, can_add=user.has_perm(Department.create.permission))


class DepartmentCreate(FormPage):
    do, form = Department.create, DepartmentForm
    title, crumbs, help = "新建部门", CRUMBS, "departments"

    def get_record(self) -> Department:
        """Return a new one, below the department in the URL."""
        parent_id = self.request.GET.get("parent", "")
        exists = parent_id.isdecimal() and len(parent_id) < 19 and Department.objects.filter(pk=parent_id).exists()
        return Department(parent_id=int(parent_id) if exists else None)

    def back_url(self, record: Department) -> str:
        return reverse("accounts:department_list")


class DepartmentUpdate(FormPage):
    do, form = Department.edit, DepartmentForm
    title, crumbs, help = "改名、移动部门", CRUMBS, "departments"

    @transaction.atomic
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        lock_administration()  # before the department: two moves could close a circle
        return super().post(request, **kwargs)


class RemoveDepartment(FormPage):
    do, title, question = Department.remove, "删除部门", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"
    crumbs, help = CRUMBS, "departments"

    def context(self, record: Department, form: Any) -> dict[str, Any]:
        return {"named": f"部门：{record}", "details": "", "consequence": "只有没有人员和下级部门的部门可以删除。"}
