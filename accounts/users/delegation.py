"""User managers who are no administrators give nobody, themselves included, more than they have."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from django.contrib.auth.models import Group

from accounts.departments.models import Department, descendants
from accounts.roles.models import SCOPES, Role, Scope
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if, require_scope

if TYPE_CHECKING:
    from .models import User


class ScopedPermission(NamedTuple):
    """A permission with the (view, edit) scopes of the role that grants it."""

    permission: str
    scopes: tuple[Scope, Scope]


class ScopeExtent(NamedTuple):
    width: int
    departments: set[int]


def can_manage(by: User, user: User) -> Verdict:
    """Refuse accounts with more than one's own permissions: a new password of theirs would be shown here."""
    if by.is_administrator or by.pk == user.pk:
        return ALLOWED
    has_more = exceeds(by, {role.pk for role in user.groups.all()}, user.department_id)
    return require_scope(not has_more, "这个账号的权限或范围超出您自己的，只能由系统管理员管理。")


def can_give(by: User, user: User, roles: Collection[Group], department: Department | None) -> Verdict:
    """Refuse roles and departments by which the user would have more than `by` has."""
    if by.is_administrator:
        return ALLOWED
    department_id = department.pk if department is not None else None
    if by.pk == user.pk:
        return refuse_if(department_id != user.department_id, "不能改变自己的部门，请由系统管理员操作。")
    role_ids = {role.pk for role in roles}
    return first_objection(
        refuse_if(exceeds(by, role_ids, by.department_id), "角色的权限或范围超出您自己的，请另选角色。"),
        refuse_if(exceeds(by, role_ids, department_id), "在这个部门，他的范围会超出您自己的，请另选部门。"),
    )


def exceeds(by: User, role_ids: Collection[int], department_id: int | None) -> bool:
    """Would a user with these roles in this department see or do anything that `by` does not?"""
    from accounts.departments.members import department_members  # scopes stand on the models, which stand on this

    tree = {member.pk: member.parent_id for member in department_members(by)}
    own: dict[str, list[ScopedPermission]] = {}
    for granted in by.role_permissions:
        scoped = ScopedPermission(granted.permission, (granted.view_scope, granted.edit_scope))
        own.setdefault(granted.permission, []).append(scoped)

    def is_within_own(wanted: ScopedPermission, kind: int) -> bool:
        extent = _extent(wanted.scopes[kind], department_id, tree)
        own_scopes = [scoped.scopes[kind] for scoped in own.get(wanted.permission, ())]
        return any(_covers(_extent(scope, by.department_id, tree), extent) for scope in own_scopes)

    by_role = _permissions_by_role(by)
    wanted_permissions = [scoped for role_id in role_ids for scoped in by_role.get(role_id, ())]
    return not all(is_within_own(wanted, kind) for wanted in wanted_permissions for kind in (0, 1))


def _extent(scope: Scope, department_id: int | None, tree: dict[int, int | None]) -> ScopeExtent:
    """Return what a scope covers from this department; without a department it covers the user alone."""
    if scope.width > Scope.SELF.width and scope is not Scope.ALL and department_id is None:
        scope = Scope.SELF
    departments: set[int] = set()
    if department_id is not None and scope is Scope.DEPARTMENT:
        departments = {department_id}
    elif department_id is not None and scope is Scope.SUBTREE:
        departments = descendants(department_id, tree)
    return ScopeExtent(scope.width, departments)


def _covers(own: ScopeExtent, other: ScopeExtent) -> bool:
    """The whole company covers every department; 本人 is as wide for one user as for another."""
    return own.width == Scope.ALL.width or (other.width <= own.width and other.departments <= own.departments)


def _permissions_by_role(by: User) -> dict[int, list[ScopedPermission]]:
    """Return what every role grants, read once per request."""
    facts = by.session_facts
    if facts.permissions_by_role is None:
        facts.permissions_by_role = _read_permissions_by_role()
    return facts.permissions_by_role


def _read_permissions_by_role() -> dict[int, list[ScopedPermission]]:
    names = ("permissions__content_type__app_label", "permissions__codename")
    rows = Role._default_manager.filter(permissions__isnull=False)
    permissions: dict[int, list[ScopedPermission]] = {}
    for role_id, view, edit, app_label, codename in rows.values_list("pk", "view_scope", "edit_scope", *names):
        scoped = ScopedPermission(f"{app_label}.{codename}", (SCOPES[view], SCOPES[edit]))
        permissions.setdefault(role_id, []).append(scoped)
    return permissions
