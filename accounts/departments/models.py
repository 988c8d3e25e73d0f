"""The tree of departments: scopes follow each change at once, because nothing is copied from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse

from accounts.roles.administrators import administration_lock
from kit.audit.log import log_event, save_changes
from kit.domain.verdict import ALLOWED, Verdict, refuse_if
from kit.transitions import creation, transition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.users.models import User


class DepartmentQuerySet(models.QuerySet["Department"]):
    view_permission = "accounts.view_department"

    def visible_to(self, user: User) -> DepartmentQuerySet:
        return self.all() if user.has_perm(self.view_permission) else self.none()


class Department(models.Model):
    version = models.PositiveIntegerField(default=0, editable=False)
    name = models.CharField("名称", max_length=50)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级部门"
    )

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        verbose_name = "部门"
        verbose_name_plural = "部门"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "name"],
                name="accounts_department_name",
                violation_error_message="同一上级部门下已有同名部门。",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(parent=None),
                name="accounts_department_top_name",
                violation_error_message="已有同名的最上级部门。",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("accounts:department_list")

    def clean(self) -> None:
        if self.pk and self.parent_id and self.parent_id in subtree_ids(self.pk):
            raise ValidationError({"parent": "上级部门不能是本部门或它的下级部门，请另选。"})

    def locked_parent(self) -> Group | None:
        """Return what is locked before the department: two moves, each allowed alone, could close a circle."""
        return administration_lock()

    @creation("accounts.add_department", "新建")
    @classmethod
    def create(cls, *, by: User, **values: Any) -> Department:
        """Return a new department, saved with its audit row."""
        department = cls(**values)
        department.save()
        log_event(by, "新建", department, 上级部门=department.parent)
        return department

    @transition("accounts.change_department", "改名、移动", refusal="您的角色不能修改部门")
    def edit(self, *, by: User, **values: Any) -> None:
        """Rename or move the department."""
        parent = values.get("parent", self.parent)
        self.check_parent(parent).enforce()
        is_moved = parent != self.parent and not by.is_administrator
        refuse_if(is_moved, "移动部门会改变各人的查看范围和编辑范围，请由系统管理员移动。").enforce()
        save_changes(by, "编辑", self, **values)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return ALLOWED

    @transition("accounts.delete_department", "删除")
    def remove(self, *, by: User) -> None:
        log_event(by, "删除", self, 上级部门=(self.parent, None))
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return self._refuse_in_use()

    def check_parent(self, parent: Department | None) -> Verdict:
        """Refuse the department itself and every one below it as its parent."""
        parent_ids = dict(type(self)._base_manager.values_list("pk", "parent_id"))
        ancestor = parent.pk if parent is not None else None
        while ancestor is not None and ancestor != self.pk:
            ancestor = parent_ids.get(ancestor)
        return refuse_if(ancestor is not None, "上级部门不能是本部门或它的下级部门，请另选。")

    def _refuse_in_use(self) -> Verdict:
        """Refuse while users or departments stand below it; a list has counted them already as people and below."""
        people, below = getattr(self, "people", None), getattr(self, "below", None)
        people = self.members.count() if people is None else people
        below = self.children.count() if below is None else below
        parts = [text for text in (below and f"{below} 个下级部门", people and f"{people} 位人员（含停用）") if text]
        return refuse_if(bool(parts), f"还有 {'、'.join(parts)}，先移走再删除。")


def subtree_ids(department_id: int) -> set[int]:
    """Return the ids of the department and of all below it."""
    return descendants(department_id, dict(Department.objects.order_by().values_list("pk", "parent_id")))


def descendants(top: int, parents: Mapping[int, int | None]) -> set[int]:
    """Return top and everything under it in a tree given as {id: parent id}. Departments are few."""
    subtree, is_growing = {top}, True
    while is_growing:
        children = {pk for pk, parent in parents.items() if parent in subtree} - subtree
        subtree |= children
        is_growing = bool(children)
    return subtree
