"""Views of a list: conditions, columns and order under a name, shipped with the list or saved by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from kit.pages.query_string import DROPPED

DEFAULT = "default"  # ?view=default: the one the reader chose
STEERING = {*DROPPED, "view", "page_size", "reason", "column", "up", "down"}  # no conditions, whoever wrote them there


class View(NamedTuple):
    """key: in the URL, digits for a saved one; query: its conditions; permissions: of a shipped one, all are needed."""

    key: str
    label: str
    query: str
    permissions: tuple[str, ...] = ()
    shared_by: str = ""  # whose it is, where it is another's
    is_own: bool = False
    is_shared: bool = False

    @property
    def is_shipped(self) -> bool:
        return not self.key.isdecimal()

    @property
    def conditions(self) -> list[tuple[str, str]]:
        return [pair for pair in parse_qsl(self.query, keep_blank_values=True) if pair[0] not in STEERING]

    def url(self, path: str, *, mine: bool = False) -> str:
        """Return the list under this view. mine: whether a shipped one shows the reader's own rows only."""
        switch = [("mine", "1")] if mine and self.is_shipped else []
        return f"{path}?{urlencode([('view', self.key), *switch, *self.conditions])}"


@dataclass(frozen=True)
class SavedViews:
    """Saved views, lent by the module that knows people. URL names: create takes the list's, the others the view's key.

    read: those of a list that the user may use; default_of: the key of the one they chose for it, empty for none.
    """

    read: Callable[[Any, str], Sequence[View]]
    default_of: Callable[[Any, str], str]
    create: str
    edit: str
    replace: str
    remove: str
    choose: str
