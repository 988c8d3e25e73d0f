"""Who does something, as far as the floor needs to know them: the product's users are such."""

from __future__ import annotations

from typing import Any, Protocol


class Actor(Protocol):
    """A user: a key and permissions. Functions take None in its place for the system."""

    @property
    def pk(self) -> Any: ...

    def has_perm(self, perm: str, obj: Any = None) -> bool: ...
