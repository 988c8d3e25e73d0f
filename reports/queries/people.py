"""The people whose figures are asked for: a department, one person, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import QuerySet

from accounts.users.by_department import department_user_ids

Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True)
class ChosenPeople:
    """department: a choice of accounts.users.by_department; manager: the key of a user; "" where nobody is chosen."""

    department: str = ""
    manager: str = ""

    def ids(self) -> frozenset[int] | None:
        """Return the chosen person and those of the chosen department; None: nobody is chosen."""
        people = frozenset([int(self.manager)]) if self.manager else None
        if not self.department:
            return people
        members = department_user_ids(self.department)
        return members if people is None else people & members

    def filter(self, rows: Rows, field: str) -> Rows:
        """Filter rows by the chosen people. field: path from a row to a user."""
        if self.manager:
            rows = rows.filter(**{field: self.manager})
        if self.department:
            rows = rows.filter(**{f"{field}__in": department_user_ids(self.department)})
        return rows

    def chosen(self) -> dict[str, str]:
        """Return what is chosen, under the names that the filters of lists have too."""
        chosen = {"department": self.department} if self.department else {}
        return chosen | {"manager": self.manager} if self.manager else chosen


EVERYBODY = ChosenPeople()
