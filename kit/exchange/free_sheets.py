"""Sheets laid out as people lay them out: titles, merged cells, heads anywhere, hidden sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

import xlsxwriter

from .cells import to_cell_value
from .writers import sheet_name

MergedCells = tuple[int, int, int, int]  # first row and column, last row and column, from 0


@dataclass(frozen=True)
class FreeSheet:
    """A sheet. rows: from the first line on, None for an empty cell; merged: areas around a filled cell."""

    title: str
    rows: Sequence[Sequence[Any]]
    merged: Sequence[MergedCells] = ()
    hidden: bool = False
    width: int = 15


def write_free(target: IO[bytes], sheets: Sequence[FreeSheet]) -> None:
    """Write a workbook; numbers stay numbers, dates dates."""
    book = xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False})
    centred = book.add_format({"align": "center", "valign": "vcenter"})
    day = book.add_format({"num_format": "yyyy/m/d"})
    for sheet in sheets:
        page = book.add_worksheet(sheet_name(sheet.title))
        page.set_column(0, max(map(len, sheet.rows), default=1), sheet.width)
        if sheet.hidden:
            page.hide()
        for area in sheet.merged:
            page.merge_range(*area, "", centred)
        for line, row in enumerate(sheet.rows):
            for column, value in enumerate(row):
                if value is not None:
                    style = day if isinstance(value, date) else None
                    page.write(line, column, to_cell_value(value), *([style] if style else []))
    book.close()
