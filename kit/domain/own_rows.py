"""Whether a list may be narrowed to the user's own rows (我的), and whether the menu opens it so."""

from __future__ import annotations

from enum import Enum


class OwnRows(Enum):
    NONE = "none"  # the user changes nobody's rows, so has none
    OFFERED = "offered"
    FIRST = "first"  # they change no others: the menu leads to their own
