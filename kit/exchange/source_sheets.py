"""What every kind of file with tables gives: its sheets, their rows and merged cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .workbooks import MergedRange, SheetRow


@dataclass(frozen=True)
class SourceSheet:
    title: str
    place: int  # among the sheets of the file, from 0
    hidden: bool = False


class Source(Protocol):
    """An open file with tables. strict: more cells than heads mean that a separator is too many."""

    kind: str
    is_1904: bool
    strict: bool
    sheets: list[SourceSheet]

    def rows(self, sheet: SourceSheet) -> Iterator[SheetRow]: ...

    def merged(self, sheet: SourceSheet) -> list[MergedRange]: ...

    def hidden_columns(self, sheet: SourceSheet) -> set[int]: ...
