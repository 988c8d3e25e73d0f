"""Tables from files, csv and xlsx: rows under their heads, and a statement of what was skipped, spread or converted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from .delimited import read_csv_rows
from .table_notes import Notes, quote_texts
from .unreadable_files import MAX_COLUMNS, UnreadableFile, cannot_open
from .workbooks import MergedRange, Sheet, SheetRow, Workbook, column_letters, open_workbook

__all__ = ["Cells", "Table", "UnreadableFile", "cannot_open", "read_table"]

HEADER_SEARCH_ROWS = 20  # rows among which the head is looked for
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
    """The texts of a row by head. faults: why a cell cannot be taken, by head."""

    def __init__(self, texts: dict[str, str], faults: dict[str, str], *, is_1904: bool = False) -> None:
        super().__init__(texts)
        self.faults, self.is_1904 = faults, is_1904


def fault_of(text: str) -> str:
    """Why a text is no value but the mark of a spreadsheet's error; empty for others."""
    return ERROR_VALUE_MESSAGE if text[:1] == "#" and ERROR_VALUES.match(text.strip()) else ""


def read_table(path: Path, known: IsWantedColumn | None = None) -> Table:
    """known: whether a text is the name of a column that is wanted, by which head and sheet are found."""
    return Table(path, known or (lambda text: False))


@dataclass
class Header:
    line: int
    names: dict[int, str]  # by column, from 1
    shared: dict[int, str] = field(default_factory=dict)  # columns under a merged head, without a name of their own


class Table:
    """Gives (line as the user sees it, Cells) per row that is not empty; notes are complete when all rows are read."""

    def __init__(self, path: Path, known: IsWantedColumn) -> None:
        self.path, self.known = path, known
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
                    yield from self._sheet(book)
            elif name.endswith((".csv", ".csv.gz")):
                rows = read_csv_rows(self.path, packed=name.endswith(".gz"), known=self.known)
                yield from self._named(_skip_empty_rows(rows), [], strict=True)
            else:
                raise UnreadableFile("只能读取 .csv、.csv.gz 和 .xlsx 文件，请另存后再试。")
        except OSError as error:
            raise UnreadableFile(cannot_open(self.path, error)) from error

    def _sheet(self, book: Workbook) -> Iterator[tuple[int, Cells]]:
        self.is_1904 = book.is_1904
        if book.is_1904:
            self._notes.say("工作簿从 1904 年起计算日期，日期已按它换算。")
        sheet = self._chosen(book)
        merged = book.merged(sheet)
        yield from self._named(fill_merged_cells(book.rows(sheet), merged, self._notes), merged, strict=False)

    def _chosen(self, book: Workbook) -> Sheet:
        """The visible sheet whose head is known best, else the first that holds something; the others are named."""
        starts = {sheet: list(islice(book.rows(sheet), HEADER_SEARCH_ROWS)) for sheet in book.sheets}
        hidden = [sheet.title for sheet in book.sheets if sheet.hidden and starts[sheet]]
        if hidden:
            self._notes.say(f"隐藏的工作表没有读取：{quote_texts(hidden)}。")
        filled = [sheet for sheet in book.sheets if not sheet.hidden and starts[sheet]]
        if not filled:
            raise UnreadableFile(EMPTY_FILE_MESSAGE + ("（隐藏的工作表不读取。）" if hidden else ""))
        best = max(filled, key=lambda sheet: max(self._fitness(row) for row in starts[sheet]))
        others = [sheet.title for sheet in filled if sheet != best]
        if others:
            self._notes.say(f"只读取了工作表「{best.title}」，没有读取：{quote_texts(others)}。")
        return best

    def _fitness(self, row: SheetRow) -> int:
        return sum(self.known(text.strip()) for text in row.cells.values())

    def _named(
        self, rows: Iterator[SheetRow], merged: list[MergedRange], *, strict: bool
    ) -> Iterator[tuple[int, Cells]]:
        """strict: a cell beyond the head is refused, for a separator too many has moved the others."""
        start = list(islice(rows, HEADER_SEARCH_ROWS))
        if not start:
            raise UnreadableFile(EMPTY_FILE_MESSAGE)
        at = max(range(len(start)), key=lambda place: self._fitness(start[place]))
        for row in start[:at]:
            words = quote_texts([text.strip() for _, text in sorted(row.cells.items()) if text.strip()], 3)
            self._notes.add("表头上方的行没有读取：{}。", f"第 {row.line} 行{words}")
        head = self._head(start[at], merged)
        for row in chain(start[at + 1 :], rows):
            found = self._cells(row, head, strict)
            if found is not None:
                found.faults.update(_find_ambiguous_merges(row, head))
                yield row.line, found

    def _head(self, row: SheetRow, merged: list[MergedRange]) -> Header:
        names = {column: text.strip() for column, text in row.cells.items() if text.strip()}
        doubled = {name for name in names.values() if list(names.values()).count(name) > 1}
        if doubled:
            raise UnreadableFile(f"列名重复：{'、'.join(sorted(doubled))}。每个列名只能出现一次。")
        head = Header(row.line, names)
        for one in merged:
            if one.first <= row.line <= one.last and one.left in names:
                head.shared |= dict.fromkeys(range(one.left + 1, min(one.right, 101) + 1), names[one.left])
        self.heads = [names[column] for column in sorted(names)]
        return head

    def _cells(self, row: SheetRow, head: Header, strict: bool) -> Cells | None:
        """None for a row that is named as skipped, or holds nothing under a head."""
        filled = {column: text for column, text in sorted(row.cells.items()) if text.strip()}
        if is_total_row(list(filled.values())):
            words = quote_texts([text.strip() for text in filled.values()], 2)
            self._notes.add("合计行没有读取：{}。", f"第 {row.line} 行{words}")
            return None
        if row.hidden:
            self._notes.add("隐藏的行也读取了：{}。", f"第 {row.line} 行")
        for column in filled.keys() - head.names.keys():
            self._unnamed(row, column, head, strict)
        if not filled.keys() & head.names.keys():
            return None
        there = row.cells if strict else head.names  # a workbook has no short rows
        texts = {name: row.cells.get(column, "") for column, name in sorted(head.names.items()) if column in there}
        faults = {head.names[column]: words for column, words in row.faults.items() if column in head.names}
        faults |= {name: fault_of(text) for name, text in texts.items() if fault_of(text)}
        return Cells(texts, faults, is_1904=self.is_1904)

    def _unnamed(self, row: SheetRow, column: int, head: Header, strict: bool) -> None:
        if strict and column > max(head.names, default=0):
            raise UnreadableFile(f"第 {row.line} 行有 {column} 列，比表头多，请检查是否多了分隔符。")
        letters = column_letters(column)
        if name := head.shared.get(column):
            raise UnreadableFile(
                f"表头「{name[:30]}」合并了几列，{letters} 列没有自己的列名。请取消合并，给每一列写上列名。"
            )
        self._notes.add(
            f"{letters} 列没有列名，没有读取：{{}}。",
            f"第 {row.line} 行「{row.cells[column].strip()[:20]}」",
        )


EMPTY_FILE_MESSAGE = "文件是空的：第一行应当是列名，例如「名称」「地区」。"


def _skip_empty_rows(rows: Iterator[tuple[int, list[str]]]) -> Iterator[SheetRow]:
    for line, cells in rows:
        last = max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=0)
        if last > MAX_COLUMNS:
            raise UnreadableFile(f"第 {line} 行有 {last} 列，最多 {MAX_COLUMNS} 列。")
        if last:
            yield SheetRow(line, dict(enumerate(cells[: MAX_COLUMNS + 1], start=1)))


def is_total_row(texts: list[str]) -> bool:
    """The texts of a row from the left: does it add up the rows above?"""
    if not TOTAL_CHARACTERS.search("".join(texts[:3])):
        return False
    plain = [re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).lower() for text in texts[:3]]
    return bool(TOTAL_CELL.match(plain[0])) or any(TOTAL_WORD_ALONE.match(text) for text in plain)


def _find_ambiguous_merges(row: SheetRow, head: Header) -> dict[str, str]:
    """Cells merged over several named columns: whose text it is, only a person knows."""
    found = {}
    for one in row.across:
        if one.left in row.cells:
            named = [head.names[column] for column in range(one.left, one.right + 1) if column in head.names]
            if len(named) > 1 or (named and one.left not in head.names):
                found[named[0]] = f"合并的单元格 {one} 占了几列，看不出属于哪一列，请取消合并。"
    return found


def fill_merged_cells(rows: Iterator[SheetRow], merged: list[MergedRange], notes: Notes) -> Iterator[SheetRow]:
    """A cell merged over several lines stands in each of them that holds something of its own."""
    waiting, covering = list(reversed(merged)), dict[MergedRange, tuple[str, str]]()
    for row in rows:
        while waiting and waiting[-1].first <= row.line:
            one = waiting.pop()
            is_here = one.first == row.line
            covering[one] = (row.cells.get(one.left, ""), row.faults.get(one.left, "")) if is_here else ("", "")
            covering = {kept: text for kept, text in covering.items() if kept.last >= row.line}
            if len(covering) > MAX_COLUMNS:
                raise UnreadableFile("合并的单元格互相重叠，请取消合并后另存。")
        covering = {one: kept for one, kept in covering.items() if one.last >= row.line}
        row.across = tuple(one for one in covering if one.right > one.left)
        for one, (text, fault) in covering.items():
            if one.first < row.line and text and not row.cells.get(one.left, "").strip():
                row.cells[one.left] = text
                notes.add("合并的单元格已填入它的每一行：{}。", f"{one} 的「{text.strip()[:20]}」填入第 {row.line} 行")
                if fault:
                    row.faults[one.left] = fault
        yield row
