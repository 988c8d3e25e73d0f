"""Writing of tables as xlsx and csv files, row by row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter

from .cells import to_cell_value, to_csv_text

SheetContent = tuple[str, Sequence[str], Iterable[Sequence[Any]]]  # title, headers, rows
FORBIDDEN_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")


def write_xlsx(target: IO[bytes], headers: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str) -> int:
    """Write one sheet in constant memory; return the number of rows."""
    return write_workbook(target, [(title, headers, rows)])


def write_workbook(target: IO[bytes], sheets: Iterable[SheetContent]) -> int:
    """Write sheet after sheet in constant memory; return the total number of rows."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    formats = {
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    bold = book.add_format({"bold": True})
    count = 0
    for title, headers, rows in sheets:
        sheet = book.add_worksheet(sheet_name(title))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headers) - 1, 16)
        for column, header in enumerate(headers):
            sheet.write_string(0, column, header, bold)
        for line, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                _write_cell(sheet, (line, column), to_cell_value(value), formats)
            count += 1
    book.close()
    return count


def sheet_name(title: str) -> str:
    """Return the title cut to 31 characters, without the characters that a sheet name may not have."""
    return FORBIDDEN_IN_SHEET_NAME.sub(" ", title).strip(" '")[:31].strip(" '") or "Sheet1"


def _write_cell(sheet: Any, position: tuple[int, int], value: Any, formats: dict[type[date], Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, date):  # a datetime is a date too
        sheet.write_datetime(*position, value, formats[type(value)])
    elif isinstance(value, int | float | Decimal):
        sheet.write_number(*position, value)
    else:
        sheet.write_string(*position, value)


def write_csv(target: IO[bytes], headers: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str) -> int:
    """Write UTF-8 with a BOM, which Chinese Excel recognises; return the number of rows."""
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([to_csv_text(header) for header in headers])
    count = 0
    for row in rows:
        writer.writerow([to_csv_text(value) for value in row])
        count += 1
    text.flush()
    text.detach()
    return count


WRITERS = {"xlsx": write_xlsx, "csv": write_csv}
