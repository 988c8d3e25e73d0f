"""Departments as a filter: a department with everything below it, itself alone, or nobody's."""

from __future__ import annotations

from .models import Department, User, descendants
from .scopes import department_members, read_department_members

NONE, ALONE = "none", "="


def department_choices(people: frozenset[int] | None, user: User | None = None) -> list[tuple[str, str]]:
    """(value, label) of the departments these people belong to and of those above them; None: of all departments.

    user: the person who asks; his scopes may have read the departments already.

    "7" means the department with those below it, "=7" the department alone (offered where the two differ),
    "none" people without a department.
    """
    places = department_members(user) if user else read_department_members()
    names = {place.pk: place.name for place in places}
    parents: dict[int, int | None] = {place.pk: place.parent_id for place in places}
    inhabited = {place.pk for place in places if people is None or place.member_id in people}
    offered = {above for pk in inhabited for above in lineage(pk, parents)}
    choices = []
    for pk, name in names.items():
        below = pk in parents.values()
        if pk in offered:
            choices.append((str(pk), f"{name}（含下级）" if below else name))
        if pk in inhabited and below:
            choices.append((f"{ALONE}{pk}", f"{name}（本级）"))
    return [*choices, (NONE, "没有部门")]


def lineage(pk: int, parents: dict[int, int | None]) -> list[int]:
    """The department and those above it."""
    found: list[int] = []
    place: int | None = pk
    while place is not None and place not in found:
        found.append(place)
        place = parents.get(place)
    return found


def people_of(choice: str) -> frozenset[int]:
    """Who belongs to a chosen department."""
    if choice == NONE:
        return frozenset(User.objects.filter(department=None).values_list("pk", flat=True))
    top = int(choice.removeprefix(ALONE))
    wanted = {top}
    if not choice.startswith(ALONE):
        wanted = descendants(top, dict(Department.objects.values_list("pk", "parent_id")))
    return frozenset(User.objects.filter(department__in=wanted).values_list("pk", flat=True))


def choice_of(department_id: int | None, parents: set[int | None]) -> str:
    """The choice that means exactly the people of one department. parents: departments with others below them."""
    if department_id is None:
        return NONE
    return f"{ALONE}{department_id}" if department_id in parents else str(department_id)
