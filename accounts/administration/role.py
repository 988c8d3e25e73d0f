"""Roles as administrators keep them. Only they do, and nobody changes a role that he holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import models

from kit.audit.log import log_event, save_changes
from kit.domain.urls import record_url
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_permission, require_scope, transition

from ..rights import label
from .administrators import administration, lock_administration


class KeptRole(models.Model):
    shipped_rights = models.JSONField("已随系统发放的权限", default=list, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    locked_with = "administration"

    def get_absolute_url(self) -> str:
        return record_url("accounts:role_detail", self.pk)

    @property
    def administration(self) -> Group | None:
        return administration()

    def unique_error_message(self, model_class: Any, unique_check: Any) -> ValidationError:
        """Django calls a role what its table is called: a group."""
        if unique_check == ("name",):
            return ValidationError("已有同名的角色，请另取名称。", code="unique")
        return super().unique_error_message(model_class, unique_check)

    @classmethod
    def create(cls, *, by: Any, permissions: Iterable[Permission], **values: Any) -> Any:
        """A new role with its rights and audit row. Call in a transaction."""
        require_permission(by, "accounts.add_role", "您的角色不能新建角色").enforce()
        _only_administrators(by).enforce()
        role: Any = cls(**values)
        role.save()
        role.permissions.set(permissions)
        scopes = {"查看范围": role.get_view_scope_display(), "编辑范围": role.get_edit_scope_display()}
        log_event(by, "新建", role, changes={**scopes, "授予权限": labels(permissions)})
        return role

    def can_edit(self, by: Any) -> Verdict:
        return first_objection(
            require_permission(by, "accounts.change_role", "您的角色不能修改角色"),
            _only_administrators(by),
            require_scope(not self.held_by(by), "不能修改自己持有的角色，请由另一位系统管理员操作。"),
        )

    @transition
    def edit(self, *, by: Any, permissions: Iterable[Permission] | None = None, **values: Any) -> None:
        self.can_edit(by).enforce()
        lock_administration()
        save_changes(by, "编辑", self, facts=self._give(permissions), **values)
        remaining = get_user_model()._default_manager.administrators()  # type: ignore[attr-defined]
        refuse_if(not remaining.exists(), "这样就没有系统管理员了，所以没有保存。").enforce()

    def can_copy(self, by: Any) -> Verdict:
        return first_objection(
            require_permission(by, "accounts.add_role", "您的角色不能新建角色"), _only_administrators(by)
        )

    @transition
    def copy(self, *, by: Any, name: str) -> Any:
        """A role of another name with the same scopes and rights."""
        self.can_copy(by).enforce()
        scopes = {"view_scope": self.view_scope, "edit_scope": self.edit_scope}  # type: ignore[attr-defined]
        rights = list(self.permissions.all())  # type: ignore[attr-defined]
        return type(self).create(by=by, name=name, permissions=rights, **scopes)

    def held_by(self, user: Any) -> bool:
        """Asked for every row of a list: the person's roles are read once."""
        if "_role_ids" not in user.__dict__:
            user.__dict__["_role_ids"] = set(user.groups.values_list("pk", flat=True))
        return self.pk in user.__dict__["_role_ids"]

    def _give(self, permissions: Iterable[Permission] | None) -> dict[str, str]:
        """Replaces the rights; says which were granted and which withdrawn."""
        if permissions is None:
            return {}
        held, wanted = set(self.permissions.all()), set(permissions)  # type: ignore[attr-defined]
        self.permissions.set(wanted)  # type: ignore[attr-defined]
        return rights_changed(held, wanted)


def rights_changed(held: set[Permission], wanted: set[Permission]) -> dict[str, str]:
    """Which were granted and which withdrawn, in the words of the trail."""
    found = {"授予权限": labels(wanted - held), "收回权限": labels(held - wanted)}
    return {name: text for name, text in found.items() if text}


def labels(permissions: Iterable[Permission]) -> str:
    return "、".join(sorted(label(permission) for permission in permissions))


def _only_administrators(by: Any) -> Verdict:
    return require_scope(by.is_administrator, "只有系统管理员可以管理角色。")
