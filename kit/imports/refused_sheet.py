"""Refused rows as a workbook like the one they came from, cells marked and commented, to correct and upload again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from kit.exchange.dates import InvalidDay, parse_day
from kit.exchange.marked_workbooks import MarkedCell, MarkedColumn, MarkedSheet, write_marked

from .synonyms import OWN_HEADS
from .targets import Kind, Target
from .templates import template_column
from .units import read_head

LINE_HEAD, REASON_HEAD = OWN_HEADS


class Refused(NamedTuple):
    """A row of the file that was not taken. reasons: by place among the heads; problem: of the whole row."""

    line: int
    cells: Sequence[str]
    reasons: Mapping[int, str]
    problem: str = ""


@dataclass(frozen=True)
class RefusedTable:
    """The file that rows were refused of.

    targets: of its columns, by place, which bring drop-downs. units: in which amounts were read where the head names
    none. is_1904: days counted from 1904 are written as dates, as the new workbook counts from 1900.
    """

    title: str
    heads: Sequence[str]
    targets: Mapping[int, Target] = field(default_factory=dict)
    units: Mapping[int, str] = field(default_factory=dict)
    is_1904: bool = False

    def columns(self) -> list[MarkedColumn]:
        return [self._column(head, place) for place, head in enumerate(self.heads)]

    def _column(self, head: str, place: int) -> MarkedColumn:
        name, unit, target = head or f"第 {place + 1} 列", self.units.get(place, ""), self.targets.get(place)
        if unit and not read_head(name).unit:
            name = f"{name}（{unit}）"
        if target is None:
            return MarkedColumn(name)
        like = template_column(target)
        return MarkedColumn(
            name, f"对应「{target.full_label}」；{like.note}", like.choices, like.width, target.required
        )

    def date_places(self) -> set[int]:
        return {place for place, target in self.targets.items() if target.kind is Kind.DATE}


def write(stream: IO[bytes], table: RefusedTable, rows: Iterable[Refused]) -> int:
    """Write refused rows under their own heads; return how many."""
    columns = table.columns()
    own = [
        MarkedColumn(LINE_HEAD, "上传的文件里的行号", width=8),
        MarkedColumn(REASON_HEAD, "改好后不用删这一列", width=48),
    ]
    dates = table.date_places() if table.is_1904 else set()
    return write_marked(stream, MarkedSheet(table.title, [*columns, *own], _mark(rows, columns, dates)))


def _mark(rows: Iterable[Refused], columns: Sequence[MarkedColumn], dates: set[int]) -> Iterator[list[object]]:
    width = len(columns)
    for row in rows:
        cells: list[object] = [
            _as_date(text) if place in dates else text for place, text in enumerate(row.cells[:width])
        ]
        cells += [""] * (width - len(cells))
        for place, reason in row.reasons.items():
            cells[place] = MarkedCell(cells[place], reason)
        reasons = [f"{columns[place].head}：{reason}" for place, reason in sorted(row.reasons.items())]
        yield [*cells, str(row.line), " ".join([*filter(None, [row.problem]), *reasons])]


def _as_date(text: str) -> str:
    """Return a count of days from 1904 as a date."""
    with suppress(InvalidDay):
        if text.replace(".", "").isdecimal():
            return f"{parse_day(text, is_1904=True).at:%Y-%m-%d}"
    return text
