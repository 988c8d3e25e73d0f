"""Heads of columns put together: lines joined, merged ones spread, empty ones over filled cells kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from kit.exchange.unreadable_files import MAX_COLUMNS, UnreadableFile
from kit.exchange.workbooks import MergedRange, SheetRow, column_letters

from .header_rows import tidy_head

JOINT = " › "
MAX_SHOWN = 100


class Head(NamedTuple):
    """A column. text: its head, lines joined by ›, "" for none."""

    column: int  # from 1
    text: str

    @property
    def letters(self) -> str:
        return column_letters(self.column)

    @property
    def shown(self) -> str:
        """The head as a page shows it, never empty."""
        return self.text or f"{self.letters} 列（没有列名）"


def read_heads(
    rows: Sequence[SheetRow], merged: Sequence[MergedRange], lines: Sequence[int], *, strict: bool
) -> list[Head]:
    """Return a head for each named column and each column without a name that is filled. lines: of the heads."""
    head_rows = [row for row in rows if row.line in lines]
    if len(head_rows) < len(lines):
        raise UnreadableFile("选的列名行是空的，请重新选择。")
    texts: dict[int, list[str]] = {}
    for place, row in enumerate(head_rows):
        lower = head_rows[place + 1] if place + 1 < len(head_rows) else None
        for column, text in _spread(row, lower, merged).items():
            parts = texts.setdefault(column, [])
            if text not in parts:
                parts.append(text)
    names = {column: _join(parts)[:MAX_SHOWN] for column, parts in texts.items()}
    below = [row for row in rows if not lines or row.line > max(lines)]
    nameless = _filled_columns(below, names, strict=strict and bool(names))
    return _number_repeated({**names, **dict.fromkeys(nameless, "")})


def _join(parts: Sequence[str]) -> str:
    """Join the lines of a head; a unit in brackets belongs to the word above it."""
    return "".join(part if not place or part[:1] in "(（[【" else JOINT + part for place, part in enumerate(parts))


def _spread(row: SheetRow, lower: SheetRow | None, merged: Sequence[MergedRange]) -> dict[int, str]:
    """Return {column: text} of one line of heads, merged ones over all their columns."""
    own = {column: tidy_head(text) for column, text in row.cells.items() if text.strip() and column <= MAX_COLUMNS}
    spread = dict(own)
    for area in merged:
        if area.first == row.line and area.left in own:
            for column in range(area.left, min(area.right, MAX_COLUMNS) + 1):
                spread.setdefault(column, own[area.left])
    if lower is None or len(spread) > len(own):
        return spread
    below = {column for column, text in lower.cells.items() if text.strip()}
    left = 0  # without merged cells, a head reaches right as far as there are lower heads under blanks
    for column in range(1, max([*own, *below], default=0) + 1):
        if column in own:
            left = column if column in below else 0
        elif column in below and left:
            spread[column] = own[left]
        else:
            left = 0
    return spread


def _filled_columns(rows: Sequence[SheetRow], names: dict[int, str], *, strict: bool) -> list[int]:
    """Return filled columns without a name. strict: right of the last name only when most rows fill them."""
    counts = Counter(column for row in rows for column, text in row.cells.items() if text.strip())
    last = max(names, default=0)
    return [
        column
        for column, count in counts.items()
        if column not in names and column <= MAX_COLUMNS and (not strict or column < last or 2 * count > len(rows))
    ]


def _number_repeated(names: dict[int, str]) -> list[Head]:
    """Tell heads of the same text apart: the second 电话 is 电话（2）."""
    seen: Counter[str] = Counter()
    heads = []
    for column, text in sorted(names.items()):
        seen[text] += bool(text)
        heads.append(Head(column, f"{text}（{seen[text]}）" if seen[text] > 1 else text))
    return heads
