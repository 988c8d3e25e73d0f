"""The tree of departments: scopes follow each change at once, because nothing is copied from it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import models

from kit.audit.log import log_event, save_changes
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_permission, transition

from .administrators import administration


class KeptDepartment(models.Model):
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    locked_with = "administration"  # two moves at once, each allowed alone, could close a circle

    @property
    def administration(self) -> Group | None:
        return administration()

    @classmethod
    def create(cls, *, by: Any, **values: Any) -> Any:
        """A new department with its audit row. Call in a transaction."""
        require_permission(by, "accounts.add_department", "您的角色不能新建部门").enforce()
        department: Any = cls(**values)
        department.save()
        log_event(by, "新建", department, 上级部门=department.parent)
        return department

    def can_edit(self, by: Any) -> Verdict:
        return require_permission(by, "accounts.change_department", "您的角色不能修改部门")

    @transition
    def edit(self, *, by: Any, **values: Any) -> None:
        """Renamed, moved."""
        self.can_edit(by).enforce()
        parent = values.get("parent", self.parent)  # type: ignore[attr-defined]
        self.check_parent(parent).enforce()
        moved = parent != self.parent and not by.is_administrator  # type: ignore[attr-defined]
        refuse_if(moved, "移动部门会改变各人的查看范围和编辑范围，请由系统管理员移动。").enforce()
        save_changes(by, "编辑", self, **values)

    def can_remove(self, by: Any) -> Verdict:
        return first_objection(
            require_permission(by, "accounts.delete_department", "您的角色不能删除部门"),
            self._unless_in_use(),
        )

    @transition
    def remove(self, *, by: Any) -> None:
        self.can_remove(by).enforce()
        log_event(by, "删除", self, 上级部门=(self.parent, None))  # type: ignore[attr-defined]
        self.delete()

    def check_parent(self, parent: Any) -> Verdict:
        """Neither the department itself nor one below it."""
        rows: Any = type(self)._base_manager
        above, key = dict(rows.values_list("pk", "parent_id")), getattr(parent, "pk", None)
        while key is not None and key != self.pk:
            key = above.get(key)
        return refuse_if(key is not None, "上级部门不能是本部门或它的下级部门，请另选。")

    def _unless_in_use(self) -> Verdict:
        """people and below: counts a list has made already."""
        people, below = getattr(self, "people", None), getattr(self, "below", None)
        people = self.members.count() if people is None else people  # type: ignore[attr-defined]
        below = self.children.count() if below is None else below  # type: ignore[attr-defined]
        held = [text for text in (below and f"{below} 个下级部门", people and f"{people} 位人员（含停用）") if text]
        return refuse_if(bool(held), f"还有 {'、'.join(held)}，先移走再删除。")
