"""Over whose records a right reaches: view, edit and export scope of the roles that hold it."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from kit.sql.counts import Statement
from kit.sql.id_sets import IdSet

from .models import Department, RolePermission, Scope, User, descendants

VIEW, EDIT, EXPORT = "view_scope", "edit_scope", "export"


def widest(user: User, permission: str, kind: str) -> Scope:
    """The widest scope among the roles that hold the right; roles add up."""
    if user.is_superuser and user.is_active:
        return Scope.ALL
    scopes = [scope_of(right, kind) for right in user.role_permissions if right.permission == permission]
    return max(scopes, key=lambda scope: scope.width, default=Scope.NONE) if user.is_active else Scope.NONE


def scope_of(right: RolePermission, kind: str) -> Scope:
    """A role exports the records it edits; one that edits nothing exports those it sees."""
    if kind == EXPORT:
        kind = VIEW if right.edit_scope is Scope.NONE else EDIT
    scope: Scope = getattr(right, kind)
    return scope


def people_in_scope(user: User, permission: str, kind: str) -> IdSet | None:
    """Ids of the people over whose records the right reaches; None means everyone's.

    Read once per request and kept on the user: people are few, so they reach the database as plain ids and
    every index on a person's column serves.
    """
    cache: dict[Any, IdSet | None] = user.__dict__.setdefault("_people_in_scope", {})
    if (permission, kind) not in cache:
        scope = widest(user, permission, kind)
        if scope not in cache:
            cache[scope] = _people(user, scope)
        cache[permission, kind] = cache[scope]
    return cache[permission, kind]


def people_to_export(user: User, permission: str, view_permission: str) -> IdSet | None:
    """Ids of the people whose records leave in a file; None means all that the person sees.

    A reach as wide as the view takes the rows as they are seen, those shared with the person too. 本人 never does:
    what a colleague lets one see is not one's own.
    """
    reach = widest(user, permission, EXPORT)
    if reach is not Scope.SELF and reach.width >= widest(user, view_permission, VIEW).width:
        return None
    return people_in_scope(user, permission, EXPORT)


def _people(user: User, scope: Scope) -> IdSet | None:
    if scope is Scope.ALL:
        return None
    if scope is Scope.NONE:
        return IdSet()
    if scope is Scope.SELF or user.department_id is None:
        return IdSet({user.pk})
    home, places = user.department_id, department_members(user)
    below = {home} if scope is Scope.DEPARTMENT else descendants(home, {one.pk: one.parent_id for one in places})
    return IdSet({one.member_id for one in places if one.member_id and one.pk in below} | {user.pk})


class DepartmentMember(NamedTuple):
    """A department with one of its people, or with none."""

    pk: int
    parent_id: int | None
    name: str
    member_id: int | None


def department_members(user: User) -> list[DepartmentMember]:
    """All departments by name with their people: tree and members in one query per request, kept on the user."""
    places: list[DepartmentMember] | None = user.__dict__.get("_places")
    if places is None:
        places = user.__dict__["_places"] = read_department_members()
    return places


def read_department_members() -> list[DepartmentMember]:
    return [DepartmentMember(*row) for row in _department_members().ask()]


@cache
def _department_members() -> Statement:
    return Statement(Department.objects.order_by("name").values_list("pk", "parent_id", "name", "members"))


def reaches(user: User, permission: str, kind: str, person_id: int | None) -> bool:
    """Does the right reach over this person's records?"""
    people = people_in_scope(user, permission, kind)
    return people is None or person_id in people


def supervisors_of(person: User, permission: str = "marketing.assign_opportunity") -> list[User]:
    """Who may assign over this person: they are told what needs a supervisor."""
    candidates = User.objects.holding(permission).exclude(pk=person.pk)
    return [one for one in candidates if reaches(one, permission, EDIT, person.pk)]
