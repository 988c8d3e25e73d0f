"""What a request has read about its user."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from kit.sql.id_sets import IdSet

if TYPE_CHECKING:
    from .departments.members import DepartmentMember
    from .roles.models import Scope
    from .scopes.grants import Grant, GrantedIds
    from .users.delegation import ScopedPermission

Fact = TypeVar("Fact")


@dataclass
class SessionFacts:
    """Each fact is read once, when it is first needed. A user who is read anew has none of them yet.

    So they last as long as the object that a request or a job has of its user, and the next one sees what has changed.
    """

    people_in_scope: dict[Scope, IdSet | None] = field(default_factory=dict)  # None: everyone
    people_by_permission: dict[tuple[str, str], IdSet | None] = field(default_factory=dict)  # and kind of scope
    department_members: list[DepartmentMember] | None = None
    granted_ids: dict[type[Grant], GrantedIds] = field(default_factory=dict)
    role_ids: set[int] | None = None  # of the roles the user holds
    permissions_by_role: dict[int, list[ScopedPermission]] | None = None  # of all roles
    versions: dict[Callable[[], Hashable | None], Hashable | None] = field(default_factory=dict)
    of_modules: dict[type[Any], Any] = field(default_factory=dict)  # facts of higher modules, by their class

    def of_module(self, kind: type[Fact], read: Callable[[], Fact]) -> Fact:
        """Return a higher module's fact about the user, which read() finds."""
        if kind not in self.of_modules:
            self.of_modules[kind] = read()
        fact: Fact = self.of_modules[kind]
        return fact
