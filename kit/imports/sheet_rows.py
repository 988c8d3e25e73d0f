"""The rows of a run's sheet as its kind reads them: cells by column, with the values that its owner repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kit.exchange.dates import InvalidDay
from kit.exchange.readers import Cells

from . import date_patterns, sheets
from .date_patterns import YEAR_FIRST
from .models import ImportRun


class SheetRows:
    """Yields (line, Cells) by column number; notes are complete after the last row."""

    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.table = open_table(run)
        self.keys = [str(head.column) for head in self.table.heads]
        self.is_1904 = self.table.is_1904

    @property
    def notes(self) -> list[str]:
        skipped = [f"第 {row.line} 行没有读取：{row.why}「{row.text[:20]}」。" for row in self.table.skipped[:20]]
        return [*self.table.notes, *skipped]

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        repairs = {
            key: self.run.repairs[target] for key, target in self.run.columns.items() if target in self.run.repairs
        }
        patterns = {
            key: self.run.date_patterns[target]
            for key, target in self.run.columns.items()
            if self.run.date_patterns.get(target, YEAR_FIRST) != YEAR_FIRST
        }
        for row in self.table:
            texts = dict(zip(self.keys, row.cells, strict=False))
            for key, repaired in repairs.items():
                text = texts.get(key, "").strip()
                if text in repaired:
                    texts[key] = repaired[text]
            for key, pattern in patterns.items():
                texts[key] = _as_iso(texts.get(key, ""), pattern, is_1904=self.is_1904)
            faults = {self.keys[place]: fault for place, fault in row.faults.items()}
            if row.problem:
                faults.setdefault(self._first_used(), row.problem)
            yield row.line, Cells(texts, faults, is_1904=self.is_1904)

    def _first_used(self) -> str:
        return next((key for key in self.keys if self.run.columns.get(key)), self.keys[0])


def _as_iso(text: str, pattern: str, *, is_1904: bool) -> str:
    """Return a day as everything below reads it; what is none stays as it is and is refused there."""
    try:
        return f"{date_patterns.parse(text, pattern, is_1904=is_1904).at:%Y-%m-%d}" if text.strip() else ""
    except InvalidDay:
        return text


def open_table(run: ImportRun) -> sheets.Table:
    return sheets.read(Path(run.file.path), run.name, run.sheet, run.header_rows)
