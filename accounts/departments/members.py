"""Departments with their users, read once per request."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from kit.sql.readers import FixedQuery

from .models import Department

if TYPE_CHECKING:
    from accounts.users.models import User


class DepartmentMember(NamedTuple):
    """A department with one of its users, or with none."""

    pk: int
    parent_id: int | None
    name: str
    member_id: int | None


def department_members(user: User) -> list[DepartmentMember]:
    """Return all departments by name with their users: one query per request."""
    facts = user.session_facts
    if facts.department_members is None:
        facts.department_members = read_department_members()
    return facts.department_members


def read_department_members() -> list[DepartmentMember]:
    return [DepartmentMember(*row) for row in _department_members().read()]


@cache
def _department_members() -> FixedQuery:
    return FixedQuery(Department.objects.order_by("name").values_list("pk", "parent_id", "name", "members"))
