"""Sheets of xls workbooks (Excel 97 to 2003), which hold at most 65,536 rows of 256 columns."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xlrd
from xlrd.biffh import error_text_from_code
from xlrd.compdoc import CompDocError

from .cell_numbers import number_style
from .source_sheets import SourceSheet
from .unreadable_files import MAX_COLUMNS, UnreadableFile
from .workbooks import MergedRange, SheetRow, column_letters

INVALID_OLD_WORKBOOK = "文件不是有效的 xls 工作簿，或者已损坏。请用表格软件打开后另存为 xlsx，再上传。"
MAX_OLD_SIZE = 20 * 1024 * 1024  # bytes; the format is read as a whole
DAMAGE = (
    xlrd.XLRDError, CompDocError, struct.error, IndexError, KeyError, ValueError, AssertionError, TypeError,
    AttributeError, UnicodeError, OverflowError, MemoryError, RecursionError,
)  # fmt: skip


@contextmanager
def open_old_workbook(path: Path) -> Iterator[OldBook]:
    if path.stat().st_size > MAX_OLD_SIZE:
        raise UnreadableFile("xls 文件太大，请用表格软件另存为 xlsx，再上传。")
    book = _open(path)
    try:
        yield OldBook(book)
    finally:
        book.release_resources()


def _open(path: Path) -> xlrd.Book:
    try:
        return xlrd.open_workbook(
            str(path), logfile=io.StringIO(), formatting_info=True, on_demand=True, ragged_rows=True
        )
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise UnreadableFile(
                "文件有打开密码，读不了。请在表格软件里去掉密码（另存为 → 工具 → 常规选项），再上传。"
            ) from None
        raise UnreadableFile(INVALID_OLD_WORKBOOK) from error
    except DAMAGE as error:
        raise UnreadableFile(INVALID_OLD_WORKBOOK) from error


class OldBook:
    """An open xls workbook, one sheet in memory at a time."""

    kind, strict = "xls", False

    def __init__(self, book: xlrd.Book) -> None:
        self.book, self.is_1904 = book, bool(book.datemode)
        self.sheets = [
            SourceSheet(name, place, hidden=book._sheet_visibility[place] != 0)
            for place, name in enumerate(book.sheet_names())
        ]

    def _sheet(self, sheet: SourceSheet) -> xlrd.sheet.Sheet:
        try:
            return self.book.sheet_by_index(sheet.place)
        except DAMAGE as error:
            raise UnreadableFile(INVALID_OLD_WORKBOOK) from error

    def rows(self, sheet: SourceSheet) -> Iterator[SheetRow]:
        """Yield rows with at least one cell that has content."""
        content = self._sheet(sheet)
        for index in range(content.nrows):
            info = content.rowinfo_map.get(index)
            row = SheetRow(index + 1, hidden=bool(info and info.hidden))
            for column in range(content.row_len(index)):
                text, fault = self._read(content, index, column)
                if text.strip():
                    self._keep(row, column + 1, text, fault)
            if row.cells:
                yield row

    def _keep(self, row: SheetRow, column: int, text: str, fault: str) -> None:
        if column > MAX_COLUMNS:
            at = f"{column_letters(column)}{row.line}"
            raise UnreadableFile(f"{at} 有内容，最多读 {MAX_COLUMNS} 列。请删去多余的列后另存。")
        row.cells[column] = text
        if fault:
            row.faults[column] = fault

    def _read(self, content: xlrd.sheet.Sheet, index: int, column: int) -> tuple[str, str]:
        """Return (text as the user sees it, why it cannot be used)."""
        kind, value = content.cell_type(index, column), content.cell_value(index, column)
        if kind == xlrd.XL_CELL_TEXT:
            return value, ""
        if kind in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
            style = self._format(content.cell_xf_index(index, column))
            return number_style(*style).display(f"{value:.17g}", self.is_1904)
        if kind == xlrd.XL_CELL_BOOLEAN:
            return ("TRUE" if value else "FALSE"), ""
        if kind == xlrd.XL_CELL_ERROR:
            return error_text_from_code.get(value, "#N/A"), ""
        return "", ""

    def _format(self, style: int) -> tuple[int, str]:
        """Return (id of the number format, its code; "" for built-in formats)."""
        try:
            key = self.book.xf_list[style].format_key
            number_format = self.book.format_map[key]
        except (IndexError, KeyError):
            return 0, ""
        return (key, "") if key < 164 else (key, number_format.format_str)

    def merged(self, sheet: SourceSheet) -> list[MergedRange]:
        ranges = [
            MergedRange(top + 1, bottom, left + 1, right)
            for top, bottom, left, right in self._sheet(sheet).merged_cells
            if left < MAX_COLUMNS
        ]
        return sorted(ranges, key=lambda area: (area.first, area.left))

    def hidden_columns(self, sheet: SourceSheet) -> set[int]:
        return {place + 1 for place, info in self._sheet(sheet).colinfo_map.items() if info.hidden}
