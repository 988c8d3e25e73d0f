"""Whose records a permission covers: view, edit and export scope of the roles that grant it."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.departments.members import department_members
from accounts.departments.models import descendants
from accounts.roles.models import Scope
from accounts.users.models import RolePermission, User
from kit.domain.modules import lent
from kit.domain.own_rows import OwnRows
from kit.sql.id_sets import IdSet

VIEW, EDIT, EXPORT = "view_scope", "edit_scope", "export"


def widest_scope(user: User, permission: str, kind: str) -> Scope:
    """Return the widest scope among the roles that grant the permission; roles add up."""
    if user.is_superuser and user.is_active:
        return Scope.ALL
    scopes = [scope_of(granted, kind) for granted in user.role_permissions if granted.permission == permission]
    return max(scopes, key=lambda scope: scope.width, default=Scope.NONE) if user.is_active else Scope.NONE


def scope_of(granted: RolePermission, kind: str) -> Scope:
    """Return a scope of a role. A role exports the records it edits; one that edits nothing, those it sees."""
    if kind == EXPORT:
        kind = VIEW if granted.edit_scope is Scope.NONE else EDIT
    scope: Scope = getattr(granted, kind)
    return scope


def own_rows(user: User, view_permission: str) -> OwnRows:
    """Return whether lists of these rows offer 我的: by the edit scope of the roles that show them."""
    scope = widest_scope(user, view_permission, EDIT)
    if scope is Scope.NONE:
        return OwnRows.NONE
    return OwnRows.FIRST if scope is Scope.SELF else OwnRows.OFFERED


def user_ids_in_scope(user: User, permission: str, kind: str) -> IdSet | None:
    """Return the ids of the users whose records the permission covers; None means everyone's.

    Read once per request: users are few, so the database gets them as plain ids and
    every index on a column with a user serves.
    """
    facts = user.session_facts
    if (permission, kind) not in facts.people_by_permission:
        scope = widest_scope(user, permission, kind)
        if scope not in facts.people_in_scope:
            facts.people_in_scope[scope] = _people(user, scope)
        facts.people_by_permission[permission, kind] = facts.people_in_scope[scope]
    return facts.people_by_permission[permission, kind]


def user_ids_to_export(user: User, permission: str, view_permission: str) -> IdSet | None:
    """Return the ids of the users whose records may be exported; None means all that the user sees.

    A scope as wide as the view scope exports all visible rows, those shared with the user too. 本人 never does:
    a colleague's record that one may see is not one's own.
    """
    scope = widest_scope(user, permission, EXPORT)
    if scope is not Scope.SELF and scope.width >= widest_scope(user, view_permission, VIEW).width:
        return None
    return user_ids_in_scope(user, permission, EXPORT)


def _people(user: User, scope: Scope) -> IdSet | None:
    if scope is Scope.ALL:
        return None
    if scope is Scope.NONE:
        return IdSet()
    if scope is Scope.SELF or user.department_id is None:
        return IdSet({user.pk})
    home, members = user.department_id, department_members(user)
    below = (
        {home} if scope is Scope.DEPARTMENT else descendants(home, {member.pk: member.parent_id for member in members})
    )
    return IdSet({member.member_id for member in members if member.member_id and member.pk in below} | {user.pk})


def scope_includes(user: User, permission: str, kind: str, owner_id: int | None) -> bool:
    """Whether the permission covers this user's records."""
    people = user_ids_in_scope(user, permission, kind)
    return people is None or owner_id in people


@dataclass(frozen=True)
class Supervision:
    """The permission that makes a supervisor, over the users of the edit scope; lent by the module that has it."""

    permission: str


def supervisors_of(user: User, permission: str = "") -> list[User]:
    """Return the users who are told what needs a supervisor of this user. permission: another than Supervision's."""
    if not permission:
        (supervision,) = lent(Supervision)
        permission = supervision.permission
    candidates = User.objects.holding(permission).exclude(pk=user.pk)
    return [candidate for candidate in candidates if scope_includes(candidate, permission, EDIT, user.pk)]
