"""The user as far as kit needs to know them; accounts.models.User is one."""

from __future__ import annotations

from typing import Any, Protocol


class Actor(Protocol):
    """A user with a key and permissions. Functions take None in its place for the system."""

    @property
    def pk(self) -> Any: ...

    def has_perm(self, perm: str, obj: Any = None) -> bool: ...
