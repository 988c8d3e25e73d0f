"""Tables read from csv and xlsx files: rows by header, and notes on what was skipped, filled in or converted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from .delimited import read_csv_rows, skip_empty_rows
from .table_notes import Notes, quote_texts
from .unreadable_files import MAX_COLUMNS, UnreadableFile, describe_open_error
from .workbooks import MergedRange, Sheet, SheetRow, Workbook, column_letters, open_workbook

__all__ = ["Cells", "Table", "UnreadableFile", "describe_open_error", "read_table"]

HEADER_SEARCH_ROWS = 20  # rows among which the header is looked for
ERROR_VALUES = re.compile(
    r"#(?:N/A|REF!|DIV/0!|VALUE!|NAME\?|NULL!|NUM!|SPILL!|CALC!|BUSY!|FIELD!|BLOCKED!|GETTING_DATA)\Z", re.I
)
TOTAL_WORDS = "合计|总计|小计|共计|累计|汇总|总合计|(?:grand|sub)?total"
TOTAL_CHARACTERS = re.compile("[计汇]|total|ｔｏｔａｌ", re.I)
TOTAL_WORD_ALONE = re.compile(rf"(?:本页|本表|以上)?(?:{TOTAL_WORDS}):?\Z")
TOTAL_CELL = re.compile(
    rf"(?:本页|本表|以上)?(?:{TOTAL_WORDS})(?::.*|[\d.,]+\D{{0,3}})?\Z|\S{{1,15}}(?:小计|合计|汇总|总计):?\Z"
)
ERROR_VALUE_MESSAGE = "单元格里是表格软件的错误值，请改成正确的内容。"
IsWantedColumn = Callable[[str], bool]


class Cells(dict[str, str]):
    """The texts of a row by header. faults: why a cell cannot be used, by header."""

    def __init__(self, texts: dict[str, str], faults: dict[str, str], *, is_1904: bool = False) -> None:
        super().__init__(texts)
        self.faults, self.is_1904 = faults, is_1904


def find_cell_error(text: str) -> str:
    """Return a message if the text is a spreadsheet's error value such as #REF!, else ""."""
    return ERROR_VALUE_MESSAGE if text[:1] == "#" and ERROR_VALUES.match(text.strip()) else ""


def read_table(path: Path, is_wanted: IsWantedColumn | None = None) -> Table:
    """Return the table in a file. is_wanted: tells whether a text names a wanted column; finds header row and sheet."""
    return Table(path, is_wanted or (lambda text: False))


@dataclass
class Header:
    line: int
    names: dict[int, str]  # by column, from 1
    shared: dict[int, str] = field(default_factory=dict)  # unnamed columns under a merged header


class Table:
    """Iterates over (line number on screen, Cells) of rows with content; notes are complete after the last row."""

    def __init__(self, path: Path, is_wanted: IsWantedColumn) -> None:
        self.path, self.is_wanted = path, is_wanted
        self.is_1904 = False
        self.heads: list[str] = []
        self._notes = Notes()

    @property
    def notes(self) -> list[str]:
        return self._notes.sentences()

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        self._notes, name = Notes(), self.path.name.lower()
        try:
            if name.endswith(".xlsx"):
                with open_workbook(self.path) as book:
                    yield from self._read_sheet(book)
            elif name.endswith((".csv", ".csv.gz")):
                rows = read_csv_rows(self.path, gzipped=name.endswith(".gz"), is_wanted=self.is_wanted)
                yield from self._read_rows(skip_empty_rows(rows), [], strict=True)
            else:
                raise UnreadableFile("只能读取 .csv、.csv.gz 和 .xlsx 文件，请另存后再试。")
        except OSError as error:
            raise UnreadableFile(describe_open_error(self.path, error)) from error

    def _read_sheet(self, book: Workbook) -> Iterator[tuple[int, Cells]]:
        self.is_1904 = book.is_1904
        if book.is_1904:
            self._notes.say("工作簿从 1904 年起计算日期，日期已按它换算。")
        sheet = self._choose_sheet(book)
        merged = book.merged(sheet)
        yield from self._read_rows(fill_merged_cells(book.rows(sheet), merged, self._notes), merged, strict=False)

    def _choose_sheet(self, book: Workbook) -> Sheet:
        """Return the visible sheet with most wanted columns, else the first with content; note the others."""
        starts = {sheet: list(islice(book.rows(sheet), HEADER_SEARCH_ROWS)) for sheet in book.sheets}
        hidden = [sheet.title for sheet in book.sheets if sheet.hidden and starts[sheet]]
        if hidden:
            self._notes.say(f"隐藏的工作表没有读取：{quote_texts(hidden)}。")
        filled = [sheet for sheet in book.sheets if not sheet.hidden and starts[sheet]]
        if not filled:
            raise UnreadableFile(EMPTY_FILE_MESSAGE + ("（隐藏的工作表不读取。）" if hidden else ""))
        best = max(filled, key=lambda sheet: max(self._count_wanted(row) for row in starts[sheet]))
        others = [sheet.title for sheet in filled if sheet != best]
        if others:
            self._notes.say(f"只读取了工作表「{best.title}」，没有读取：{quote_texts(others)}。")
        return best

    def _count_wanted(self, row: SheetRow) -> int:
        return sum(self.is_wanted(text.strip()) for text in row.cells.values())

    def _read_rows(
        self, rows: Iterator[SheetRow], merged: list[MergedRange], *, strict: bool
    ) -> Iterator[tuple[int, Cells]]:
        """Find the header row and yield the rows below it.

        strict: refuse cells right of the last header, as a delimiter too many has shifted the others.
        """
        start = list(islice(rows, HEADER_SEARCH_ROWS))
        if not start:
            raise UnreadableFile(EMPTY_FILE_MESSAGE)
        index = max(range(len(start)), key=lambda place: self._count_wanted(start[place]))
        for row in start[:index]:
            quoted = quote_texts([text.strip() for _, text in sorted(row.cells.items()) if text.strip()], 3)
            self._notes.add("表头上方的行没有读取：{}。", f"第 {row.line} 行{quoted}")
        header = self._read_header(start[index], merged)
        for row in chain(start[index + 1 :], rows):
            cells = self._read_cells(row, header, strict)
            if cells is not None:
                cells.faults.update(_find_ambiguous_merges(row, header))
                yield row.line, cells

    def _read_header(self, row: SheetRow, merged: list[MergedRange]) -> Header:
        names = {column: text.strip() for column, text in row.cells.items() if text.strip()}
        repeated = {name for name in names.values() if list(names.values()).count(name) > 1}
        if repeated:
            raise UnreadableFile(f"列名重复：{'、'.join(sorted(repeated))}。每个列名只能出现一次。")
        header = Header(row.line, names)
        for area in merged:
            if area.first <= row.line <= area.last and area.left in names:
                header.shared |= dict.fromkeys(range(area.left + 1, min(area.right, 101) + 1), names[area.left])
        self.heads = [names[column] for column in sorted(names)]
        return header

    def _read_cells(self, row: SheetRow, header: Header, strict: bool) -> Cells | None:
        """Return the row's cells; None for a total row, which is noted, and for a row without a cell under a header."""
        filled = {column: text for column, text in sorted(row.cells.items()) if text.strip()}
        if is_total_row(list(filled.values())):
            quoted = quote_texts([text.strip() for text in filled.values()], 2)
            self._notes.add("合计行没有读取：{}。", f"第 {row.line} 行{quoted}")
            return None
        if row.hidden:
            self._notes.add("隐藏的行也读取了：{}。", f"第 {row.line} 行")
        for column in filled.keys() - header.names.keys():
            self._note_unnamed_column(row, column, header, strict)
        if not filled.keys() & header.names.keys():
            return None
        present = row.cells if strict else header.names  # only csv files have short rows
        texts = {name: row.cells.get(column, "") for column, name in sorted(header.names.items()) if column in present}
        faults = {header.names[column]: fault for column, fault in row.faults.items() if column in header.names}
        faults |= {name: find_cell_error(text) for name, text in texts.items() if find_cell_error(text)}
        return Cells(texts, faults, is_1904=self.is_1904)

    def _note_unnamed_column(self, row: SheetRow, column: int, header: Header, strict: bool) -> None:
        if strict and column > max(header.names, default=0):
            raise UnreadableFile(f"第 {row.line} 行有 {column} 列，比表头多，请检查是否多了分隔符。")
        letters = column_letters(column)
        if name := header.shared.get(column):
            raise UnreadableFile(
                f"表头「{name[:30]}」合并了几列，{letters} 列没有自己的列名。请取消合并，给每一列写上列名。"
            )
        self._notes.add(
            f"{letters} 列没有列名，没有读取：{{}}。",
            f"第 {row.line} 行「{row.cells[column].strip()[:20]}」",
        )


EMPTY_FILE_MESSAGE = "文件是空的：第一行应当是列名，例如「名称」「地区」。"


def is_total_row(texts: list[str]) -> bool:
    """Tell whether a row, given by its texts from the left, sums up the rows above."""
    if not TOTAL_CHARACTERS.search("".join(texts[:3])):
        return False
    plain = [re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).lower() for text in texts[:3]]
    return bool(TOTAL_CELL.match(plain[0])) or any(TOTAL_WORD_ALONE.match(text) for text in plain)


def _find_ambiguous_merges(row: SheetRow, header: Header) -> dict[str, str]:
    """Return faults of cells merged over several named columns: only the user knows which column they belong to."""
    faults = {}
    for area in row.across:
        if area.left in row.cells:
            names = [header.names[column] for column in range(area.left, area.right + 1) if column in header.names]
            if len(names) > 1 or (names and area.left not in header.names):
                faults[names[0]] = f"合并的单元格 {area} 占了几列，看不出属于哪一列，请取消合并。"
    return faults


def fill_merged_cells(rows: Iterator[SheetRow], merged: list[MergedRange], notes: Notes) -> Iterator[SheetRow]:
    """Copy cells merged over several lines into each of these lines that has other cells."""
    waiting, covering = list(reversed(merged)), dict[MergedRange, tuple[str, str]]()
    for row in rows:
        while waiting and waiting[-1].first <= row.line:
            area = waiting.pop()
            is_here = area.first == row.line
            covering[area] = (row.cells.get(area.left, ""), row.faults.get(area.left, "")) if is_here else ("", "")
            covering = {area: content for area, content in covering.items() if area.last >= row.line}
            if len(covering) > MAX_COLUMNS:
                raise UnreadableFile("合并的单元格互相重叠，请取消合并后另存。")
        covering = {area: content for area, content in covering.items() if area.last >= row.line}
        row.across = tuple(area for area in covering if area.right > area.left)
        for area, (text, fault) in covering.items():
            if area.first < row.line and text and not row.cells.get(area.left, "").strip():
                row.cells[area.left] = text
                notes.add("合并的单元格已填入它的每一行：{}。", f"{area} 的「{text.strip()[:20]}」填入第 {row.line} 行")
                if fault:
                    row.faults[area.left] = fault
        yield row
