"""Departments as a filter: a department with all below it, a department alone, or no department."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.departments.members import department_members, read_department_members
from accounts.departments.models import Department, descendants

from .models import User

NONE, EXACT = "none", "="


def department_choices(people: frozenset[int] | None, user: User | None = None) -> list[tuple[str, str]]:
    """Return (value, label) of the departments with these users and of those above them; None: of all departments.

    people: ids of users. user: the user of the request, whose scopes may have read the departments already.

    "7" means the department with those below it, "=7" the department alone (offered where the two differ),
    "none" users without a department.
    """
    members = department_members(user) if user else read_department_members()
    names = {member.pk: member.name for member in members}
    parents: dict[int, int | None] = {member.pk: member.parent_id for member in members}
    inhabited = {member.pk for member in members if people is None or member.member_id in people}
    offered = {ancestor for pk in inhabited for ancestor in with_ancestors(pk, parents)}
    choices = []
    for pk, name in names.items():
        has_children = pk in parents.values()
        if pk in offered:
            choices.append((str(pk), f"{name}（含下级）" if has_children else name))
        if pk in inhabited and has_children:
            choices.append((f"{EXACT}{pk}", f"{name}（本级）"))
    return [*choices, (NONE, "没有部门")]


def with_ancestors(pk: int, parents: dict[int, int | None]) -> list[int]:
    """Return the department and those above it."""
    path: list[int] = []
    ancestor: int | None = pk
    while ancestor is not None and ancestor not in path:
        path.append(ancestor)
        ancestor = parents.get(ancestor)
    return path


def department_user_ids(choice: str) -> frozenset[int]:
    """Return the ids of the users of a chosen department."""
    if choice == NONE:
        return frozenset(User.objects.filter(department=None).values_list("pk", flat=True))
    top = int(choice.removeprefix(EXACT))
    departments = {top}
    if not choice.startswith(EXACT):
        departments = descendants(top, dict(Department.objects.values_list("pk", "parent_id")))
    return frozenset(User.objects.filter(department__in=departments).values_list("pk", flat=True))


def users_of_departments(choices: Iterable[str]) -> frozenset[int]:
    """Return the ids of the users of all chosen departments."""
    return frozenset[int]().union(*map(department_user_ids, choices))


def exact_department_choice(department_id: int | None, parents: set[int | None]) -> str:
    """Return the choice for exactly the users of one department. parents: departments with others below them."""
    if department_id is None:
        return NONE
    return f"{EXACT}{department_id}" if department_id in parents else str(department_id)
