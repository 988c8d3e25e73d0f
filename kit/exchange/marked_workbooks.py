"""Workbooks for people to fill in or correct: drop-downs, notes and marks at cells, hints at heads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import xlsxwriter

from .cells import MAX_CELL_LENGTH, to_cell_value
from .writers import sheet_name

LISTS_SHEET = "选项（下拉）"  # hidden; holds the texts of the drop-downs
MAX_CHOICES = 5_000
MAX_NOTES = 20_000  # comments of one workbook; cells after them are marked only
DROP_DOWN_ROWS = 5_000
MARK = "#FFC7CE"
AUTHOR = "客户关系管理"


@dataclass(frozen=True)
class MarkedColumn:
    """A column. note: at its head; choices: of a drop-down, which warns of other texts but takes them."""

    head: str
    note: str = ""
    choices: tuple[str, ...] = ()
    width: int = 16
    required: bool = False


@dataclass(frozen=True)
class MarkedCell:
    """A cell that a person has to correct. note: what is wrong, "" for a mark alone."""

    value: Any
    note: str = ""


@dataclass(frozen=True)
class MarkedSheet:
    """A sheet. rows: below the heads; grey: how many of them only tell how to fill in."""

    title: str
    columns: Sequence[MarkedColumn]
    rows: Iterable[Sequence[Any]] = ()
    grey: int = 0


def write_marked(target: IO[bytes], sheet: MarkedSheet) -> int:
    """Write a workbook in constant memory, apart from its notes; return the number of rows."""
    book = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
    )
    page = book.add_worksheet(sheet_name(sheet.title))
    _write_heads(book, page, sheet.columns)
    count = _write_rows(book, page, sheet)
    _write_choices(book, page, sheet.columns, max(count, DROP_DOWN_ROWS))
    book.close()
    return count


def _write_heads(book: xlsxwriter.Workbook, page: Any, columns: Sequence[MarkedColumn]) -> None:
    text = book.add_format({"num_format": "@"})  # long numbers stay as they are typed
    plain = book.add_format({"bold": True, "bottom": 1, "num_format": "@"})
    needed = book.add_format({"bold": True, "bottom": 1, "num_format": "@", "bg_color": "#FFF2CC"})
    page.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        page.set_column(place, place, column.width, text)
        page.write_string(0, place, column.head, needed if column.required else plain)
        if column.note:
            page.write_comment(0, place, column.note, {"author": AUTHOR, "x_scale": 2})


def _write_rows(book: xlsxwriter.Workbook, page: Any, sheet: MarkedSheet) -> int:
    text = book.add_format({"num_format": "@"})
    grey = book.add_format({"num_format": "@", "font_color": "#7F7F7F", "italic": True})
    mark = book.add_format({"num_format": "@", "bg_color": MARK})
    count = notes = 0
    for line, row in enumerate(sheet.rows, 1):
        count += 1
        for place, cell in enumerate(row):
            marked = cell if isinstance(cell, MarkedCell) else None
            value = to_cell_value(marked.value if marked else cell)
            style = mark if marked else grey if line <= sheet.grey else text
            if value in (None, ""):
                page.write_blank(line, place, None, mark) if marked else None
            else:
                page.write_string(line, place, str(value)[:MAX_CELL_LENGTH], style)
            if marked and marked.note and notes < MAX_NOTES:
                notes += 1
                page.write_comment(line, place, marked.note[:1000], {"author": AUTHOR, "x_scale": 2})
    return count


def _write_choices(book: xlsxwriter.Workbook, page: Any, columns: Sequence[MarkedColumn], rows: int) -> None:
    """Write the drop-downs; their texts stand on a hidden sheet, as a list in the cell holds 255 signs only."""
    chosen = [(place, column.choices[:MAX_CHOICES]) for place, column in enumerate(columns) if column.choices]
    if not chosen:
        return
    lists = book.add_worksheet(LISTS_SHEET)
    lists.hide()
    for line in range(max(len(choices) for _, choices in chosen)):
        for column, (_, choices) in enumerate(chosen):
            if line < len(choices):
                lists.write_string(line, column, choices[line])
    for column, (place, choices) in enumerate(chosen):
        letters = xlsxwriter.utility.xl_col_to_name(column)
        options = {
            "validate": "list",
            "source": f"='{LISTS_SHEET}'!${letters}$1:${letters}${len(choices)}",
            "error_type": "warning",
            "error_title": "不在选项里",
            "error_message": "可以保留，导入时再选它是哪一个。",
        }
        page.data_validation(1, place, rows, place, options)
