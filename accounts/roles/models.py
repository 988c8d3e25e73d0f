"""Roles: permissions with a view and an edit scope. Administrators change them, and nobody a role of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from kit.audit.log import log_event, save_changes
from kit.domain.urls import record_url
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope
from kit.transitions import creation, transition

from .administrators import administration_lock, lock_administration
from .permissions import permission_label
from .shipped import ADMINISTRATOR

if TYPE_CHECKING:
    from accounts.users.models import User


class Scope(models.TextChoices):
    """Whose records a permission covers, from narrow to wide."""

    NONE = "none", "无"
    SELF = "self", "本人"
    DEPARTMENT = "department", "本部门"
    SUBTREE = "subtree", "本部门及下级部门"
    ALL = "all", "全部"

    @property
    def width(self) -> int:
        return list(Scope).index(self)


SCOPES = {scope.value: scope for scope in Scope}


class RoleQuerySet(models.QuerySet["Role"]):
    view_permission = "accounts.view_role"

    def visible_to(self, user: User) -> RoleQuerySet:
        return self.all() if user.has_perm(self.view_permission) else self.none()


class Role(Group):
    """A Django group with its view and edit scope."""

    shipped_rights = models.JSONField("已随系统发放的权限", default=list, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    code = models.SlugField("代码", max_length=50, unique=True, null=True, blank=True, editable=False)
    view_scope = models.CharField("查看范围", max_length=10, choices=Scope, default=Scope.SELF)
    edit_scope = models.CharField("编辑范围", max_length=10, choices=Scope, default=Scope.SELF)
    retired_at = models.DateTimeField(
        "停用时间", null=True, editable=False
    )  # given to nobody any more; holders keep it

    objects = RoleQuerySet.as_manager()  # type: ignore[assignment, misc]

    class Meta:
        verbose_name = "角色"
        verbose_name_plural = "角色"

    def get_absolute_url(self) -> str:
        return record_url("accounts:role_detail", self.pk)

    def locked_parent(self) -> Group | None:
        """Return what is locked before the role: two changes, each allowed alone, could leave no administrator."""
        return administration_lock()

    @property
    def scope_summary(self) -> str:
        """Both scopes in words."""
        view, edit = (Scope(scope) for scope in (self.view_scope, self.edit_scope))
        sees = f"看得到{view.label}的记录" if view != Scope.NONE else "看不到业务记录"
        return f"{sees}，{f'能改动{edit.label}的记录' if edit != Scope.NONE else '不能改动'}"

    def unique_error_message(self, model_class: type[models.Model], unique_check: Any) -> ValidationError:
        """Say role: Django calls it what its table is called, a group."""
        if unique_check == ("name",):
            return ValidationError("已有同名的角色，请另取名称。", code="unique")
        return super().unique_error_message(model_class, unique_check)

    @creation("accounts.add_role", "新建")
    @classmethod
    def create(cls, *, by: User, permissions: Iterable[Permission], **values: Any) -> Role:
        """Return a new role, saved with its permissions and audit row."""
        _require_administrator(by).enforce()
        role = cls(**values)
        role.save()
        role.permissions.set(permissions)
        scopes = {"查看范围": role.get_view_scope_display(), "编辑范围": role.get_edit_scope_display()}
        log_event(by, "新建", role, changes={**scopes, "授予权限": permission_labels(permissions)})
        return role

    @transition("accounts.change_role", "编辑", refusal="您的角色不能修改角色")
    def edit(self, *, by: User, permissions: Iterable[Permission] | None = None, **values: Any) -> None:
        lock_administration()
        save_changes(by, "编辑", self, facts=self._set_permissions(permissions), **values)
        remaining = get_user_model().objects.administrators()
        refuse_if(not remaining.exists(), "这样就没有系统管理员了，所以没有保存。").enforce()

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return first_objection(
            _require_administrator(by),
            require_scope(not self.is_held_by(by), "不能修改自己持有的角色，请由另一位系统管理员操作。"),
        )

    @transition("accounts.add_role", "复制", refusal="您的角色不能新建角色")
    def copy(self, *, by: User, name: str) -> Role:
        """Return a role of another name with the same scopes and permissions."""
        scopes = {"view_scope": self.view_scope, "edit_scope": self.edit_scope}
        return type(self).create(by=by, name=name, permissions=list(self.permissions.all()), **scopes)

    @copy.guard
    def can_copy(self, by: User) -> Verdict:
        return _require_administrator(by)

    @transition("accounts.change_role", "删除", refusal="您的角色不能修改角色")
    def remove(self, *, by: User) -> None:
        """Delete a role that nobody holds."""
        lock_administration()
        self.can_remove(by).enforce()  # somebody may have got it before the lock
        log_event(by, "删除", self, changes={"查看范围": self.get_view_scope_display()})
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return first_objection(
            _require_administrator(by),
            refuse_if(bool(self.code), "随系统提供的角色不能删除，可以停用。"),
            refuse_if(self.user_set.exists(), "还有人（含停用的账号）持有这个角色，不能删除，可以停用。"),
        )

    @transition("accounts.change_role", "停用", refusal="您的角色不能修改角色")
    def retire(self, *, by: User) -> None:
        """Give the role to nobody any more; who holds it keeps it."""
        save_changes(by, "停用", self, retired_at=timezone.now())

    @retire.guard
    def can_retire(self, by: User) -> Verdict:
        return first_objection(
            _require_administrator(by),
            refuse_if(self.code == ADMINISTRATOR, "系统管理员角色不能停用。"),
            refuse_if(self.retired_at is not None, "角色已经停用。"),
        )

    @transition("accounts.change_role", "恢复使用", refusal="您的角色不能修改角色")
    def reopen(self, *, by: User) -> None:
        save_changes(by, "恢复使用", self, retired_at=None)

    @reopen.guard
    def can_reopen(self, by: User) -> Verdict:
        return first_objection(_require_administrator(by), refuse_if(self.retired_at is None, "角色没有停用。"))

    def is_held_by(self, user: User) -> bool:
        """Whether the user holds this role. A list asks for every row, so the user's roles are read once."""
        facts = user.session_facts
        if facts.role_ids is None:
            facts.role_ids = set(user.groups.values_list("pk", flat=True))
        return self.pk in facts.role_ids

    def _set_permissions(self, permissions: Iterable[Permission] | None) -> dict[str, str]:
        """Replace the permissions; return which were granted and which withdrawn."""
        if permissions is None:
            return {}
        before, after = set(self.permissions.all()), set(permissions)
        self.permissions.set(after)
        return permission_changes(before, after)


def permission_changes(before: set[Permission], after: set[Permission]) -> dict[str, str]:
    """Return which permissions were granted and which withdrawn, in the words of the audit log."""
    changes = {"授予权限": permission_labels(after - before), "收回权限": permission_labels(before - after)}
    return {name: text for name, text in changes.items() if text}


def permission_labels(permissions: Iterable[Permission]) -> str:
    return "、".join(sorted(permission_label(permission) for permission in permissions))


def _require_administrator(by: User) -> Verdict:
    return require_scope(by.is_administrator, "只有系统管理员可以管理角色。")
