"""Sheets of any office: which sheet, where its heads stand, and its rows as a stream, with what was left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from kit.domain.folding import fold_name, fold_width
from kit.exchange.cells import unescape_formula
from kit.exchange.marked_workbooks import LISTS_SHEET
from kit.exchange.readers import ERROR_VALUES, fill_merged_cells, is_total_row
from kit.exchange.source_sheets import Source, SourceSheet
from kit.exchange.sources import open_source
from kit.exchange.table_notes import Notes, quote_texts
from kit.exchange.unreadable_files import UnreadableFile
from kit.exchange.workbooks import MergedRange, SheetRow, column_letters

from .contents import is_number
from .header_rows import LOOKED_AT, guess_header, is_known_head, tidy_head
from .heads import Head, read_heads

__all__ = ["Book", "Head", "Row", "SheetLook", "Skipped", "Table", "UnreadableFile", "look", "read"]

SHOWN_ROWS = 12
HEAD_SEARCH = 200  # rows below the heads in which columns without a head are looked for
NOTE = re.compile(
    r"(?:(?:备?注|说明|提示|注意|填表说明|填写说明|备注说明|特别说明)\d?[:：]|制表|填表|编制人?[:：]|审核人?[:：]|审批|复核|打印|导出时间|"
    r"截[至止]|数据来源|统计口径|单位[:：]|第\d+页|共\d+[页条行]|[-—]{3,}|以下空白|end$|[(（]?以下(?:无|空))",
    re.I,
)
SECTION = re.compile(r"(?:[一二三四五六七八九十]+[、.．]|[(（][一二三四五六七八九十\d]+[)）])\S{0,20}$")
INSTRUCTIONS = re.compile(
    r"[(（【]?(?:示例|样例|例[:：如]|举例|填写示例|必填|选填|非必填|请填|请选|格式[:：]|不填|下拉|文本格式)"
)
STATISTIC = re.compile(r"(?:平均|平均值|均值|人均|最大值?|最小值?|中位数|总数|家数|户数|占比|百分比)[:：]?")
UNIT_ABOVE = re.compile(r"(?:金额)?单位[:：]?(?:人民币)?((?:百亿|千万|百万|十万|亿|万|千)?元)")
OTHER_TABLE = "像是另一张表的列名，仍按上面的列名读取，请核对：{}。"
PIVOT_HEADS = ("行标签", "列标签", "Row Labels")
TITLE, TOTAL, REPEATED, NOTE_BELOW = "列名上方的行", "合计行", "重复的列名", "表格外的说明"
SECTION_TITLE, INSTRUCTION = "分组标题", "填写说明"
UNNAMED = "{} 列没有列名，没有读取：{{}}。"
MAX_SKIPPED = 200
SAMPLE_ROWS = 200


@dataclass(frozen=True)
class LookRow:
    line: int
    cells: tuple[str, ...]  # from the first column on


@dataclass(frozen=True)
class SheetLook:
    """A visible sheet. header_rows: line numbers of the guessed heads, () for none; why: in Chinese."""

    name: str
    rows: tuple[LookRow, ...]
    header_rows: tuple[int, ...]
    why: str
    score: float = 0


@dataclass(frozen=True)
class Book:
    """A file. notes: what was not looked at, in Chinese."""

    kind: str
    sheets: tuple[SheetLook, ...]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> SheetLook:
        """The sheet that looks most like a table of records."""
        return max(self.sheets, key=lambda sheet: sheet.score)


class Row(NamedTuple):
    """A row. cells: one text per head; faults: why a cell cannot be used, by place; problem: of the whole row."""

    line: int
    cells: tuple[str, ...]
    faults: dict[int, str]
    problem: str = ""


class Skipped(NamedTuple):
    """A row that is no record. why: 合计行, 表格下面的说明 …"""

    line: int
    why: str
    text: str


def look(path: Path, name: str) -> Book:
    """Look at the start of each visible sheet. name: of the file as it was uploaded. Raise UnreadableFile."""
    with open_source(path, name, is_known_head) as source:
        looks = [_look_at(source, sheet) for sheet in source.sheets if not sheet.hidden]
        filled = tuple(sheet for sheet in looks if sheet.rows)
        if not filled:
            raise UnreadableFile(_nothing_in(source))
        return Book(source.kind, filled, tuple(_book_notes(source)))


def _look_at(source: Source, sheet: SourceSheet) -> SheetLook:
    merged = source.merged(sheet)
    rows = list(islice(source.rows(sheet), LOOKED_AT))
    guess = guess_header(rows, merged)
    width = max((max(row.cells) for row in rows), default=0)
    shown = tuple(
        LookRow(row.line, tuple(row.cells.get(column, "").strip() for column in range(1, width + 1)))
        for row in rows[:SHOWN_ROWS]
    )
    return SheetLook(sheet.title, shown, guess.lines, guess.why, guess.score)


def read(path: Path, name: str, sheet: str = "", header_rows: Sequence[int] | None = None) -> Table:
    """Return the table of a sheet; its heads are read at once, its rows as a stream. Raise UnreadableFile.

    sheet: its name, "" for the best. header_rows: line numbers of the heads, () for none, None to guess.
    """
    return Table(path, name, sheet, header_rows)


class Table:
    """Iterates over rows; skipped, notes and row_count are complete after the last one. It can be read again."""

    def __init__(self, path: Path, name: str, sheet: str, header_rows: Sequence[int] | None) -> None:
        self.path, self.name = path, name
        with open_source(path, name, is_known_head) as source:
            place = _choose_sheet(source, sheet)
            self.sheet, self.kind, self.is_1904 = place.title, source.kind, source.is_1904
            merged = source.merged(place)
            start = list(islice(source.rows(place), LOOKED_AT + HEAD_SEARCH))
            if not start:
                raise UnreadableFile(_nothing_in(source))
            guess = guess_header(start[:LOOKED_AT], merged)
            self.header_rows = guess.lines if header_rows is None else tuple(sorted(header_rows))
            self.why = guess.why if header_rows is None else ""
            self.unit = _unit_above(start, self.header_rows)
            self._opening = _opening_notes(source, place)
            self.heads = read_heads(start, merged, self.header_rows, strict=source.strict)
        self._places = {head.column: place for place, head in enumerate(self.heads)}
        self._folded = [fold_name(head.text) for head in self.heads]
        self._last_column = max(self._places, default=0)
        self._reset()

    def _reset(self) -> None:
        self.skipped: list[Skipped] = []
        self.skipped_counts: Counter[str] = Counter()
        self._notes, self.row_count = Notes(), 0
        self._last_line = max(self.header_rows, default=0)
        for note in [*self._opening, *_head_notes(self.heads, self.why)]:
            self._notes.say(note)
        if self.unit:
            self._notes.say(f"表格上方写着单位：{self.unit}，没有写单位的金额列按它读取。")

    @property
    def notes(self) -> list[str]:
        return self._notes.sentences()

    def __iter__(self) -> Iterator[Row]:
        self._reset()
        with open_source(self.path, self.name, is_known_head) as source:
            sheet = _choose_sheet(source, self.sheet)
            for row in fill_merged_cells(source.rows(sheet), self._merged_below(source, sheet), self._notes):
                if row.line in self.header_rows:
                    continue
                filled = [(column, text) for column, text in sorted(row.cells.items()) if text.strip()]
                if why := self._why_skipped(row, filled):
                    self._skip(row, why, filled)
                elif filled:
                    self._note_other_table(row.line, filled)
                    self.row_count += 1
                    yield self._make_row(row, filled, source.strict)

    def _merged_below(self, source: Source, sheet: SourceSheet) -> list[MergedRange]:
        """Return the merged cells below the heads; those of the heads are spread already."""
        last = max(self.header_rows, default=0)
        return [area for area in source.merged(sheet) if area.first > last]

    def samples(self, rows: int = SAMPLE_ROWS) -> list[list[str]]:
        """Return the filled values of each column in the first rows, for match_columns()."""
        start = list(islice(self, rows))
        return [[row.cells[place] for row in start if row.cells[place]] for place in range(len(self.heads))]

    def _skip(self, row: SheetRow, why: str, filled: list[tuple[int, str]]) -> None:
        self.skipped_counts[why] += 1
        if len(self.skipped) < MAX_SKIPPED:
            texts = [tidy_head(text)[:40] for _, text in filled[:3]]
            self.skipped.append(Skipped(row.line, why, " ".join(texts)))

    def _why_skipped(self, row: SheetRow, filled: list[tuple[int, str]]) -> str:
        """Return why a row is no record, "" when it is one."""
        if self.header_rows and row.line < self.header_rows[-1]:
            return TITLE
        texts = [text for _, text in filled]
        if texts and (is_total_row(texts) or _is_statistic(texts)):
            return TOTAL
        if len(texts) == 1 and len(self.heads) > 2:
            return self._why_lonely(row, *filled[0])
        if len(texts) > 1 and self._is_head(*filled[0]) and self._repeats_heads(row):
            return REPEATED
        is_first = bool(self.header_rows) and row.line - self.header_rows[-1] <= 2
        return INSTRUCTION if is_first and _is_instruction(texts) else ""

    def _why_lonely(self, row: SheetRow, column: int, text: str) -> str:
        """Return why a row with a single cell is no record: a note or the title of a section."""
        plain = fold_width(tidy_head(text))
        if NOTE.match(plain.replace(" ", "")):
            return NOTE_BELOW
        wide = any(area.left == column and 2 * (area.right - area.left + 1) >= len(self.heads) for area in row.across)
        return SECTION_TITLE if wide or SECTION.match(plain) else ""

    def _is_head(self, column: int, text: str) -> bool:
        """Tell whether a cell says the head of its column."""
        place = self._places.get(column)
        return place is not None and _folds_to_head(text, self._folded[place])

    def _repeats_heads(self, row: SheetRow) -> bool:
        """Tell whether a row says the heads once more, as printed pages do."""
        texts = [(column, text) for column, text in row.cells.items() if text.strip()]
        same = sum(self._is_head(column, text) for column, text in texts)
        return same > 1 and same >= 0.8 * len(texts)

    def _make_row(self, row: SheetRow, filled: list[tuple[int, str]], strict: bool) -> Row:
        cells, faults = [""] * len(self.heads), dict[int, str]()
        problem = ""
        for column, text in filled:
            place = self._places.get(column)
            if place is not None:
                cells[place] = unescape_formula(text.strip()) if strict else text.strip()
                if fault := row.faults.get(column) or _error_fault(text, row.line, column):
                    faults[place] = fault
            elif strict and column > self._last_column:
                problem = f"第 {row.line} 行有 {column} 列，比列名多，请检查是否多了分隔符。"
            else:
                self._notes.add(UNNAMED.format(column_letters(column)), f"第 {row.line} 行「{text.strip()[:20]}」")
        if row.hidden:
            self._notes.add("隐藏的行也读取了：{}。", f"第 {row.line} 行")
        if row.across:
            faults |= self._ambiguous_merges(row)
        return Row(row.line, tuple(cells), faults, problem)

    def _note_other_table(self, line: int, filled: list[tuple[int, str]]) -> None:
        """Note a row below a gap that consists of names of columns: perhaps another table begins."""
        is_below_gap, self._last_line = line > self._last_line + 1 > 1, line
        if is_below_gap and len(filled) > 1 and all(is_known_head(text) for _, text in filled):
            self._notes.add(OTHER_TABLE, f"第 {line} 行")

    def _ambiguous_merges(self, row: SheetRow) -> dict[int, str]:
        """Return faults of cells merged over several columns: only a person knows which one they belong to."""
        faults = {}
        for area in row.across:
            places = [self._places[c] for c in range(area.left, area.right + 1) if c in self._places]
            if area.left in row.cells and len(places) > 1:
                faults[places[0]] = f"合并的单元格 {area} 占了几列，看不出属于哪一列，请取消合并。"
        return faults


def _choose_sheet(source: Source, name: str) -> SourceSheet:
    """Return the visible sheet of that name; for "" the one that looks most like a table. Raise UnreadableFile."""
    visible = [sheet for sheet in source.sheets if not sheet.hidden]
    if name:
        found = next((sheet for sheet in visible if sheet.title == name), None)
        if found is None:
            raise UnreadableFile(f"文件里没有可见的工作表「{name[:31]}」，请重新选择。")
        return found
    if len(visible) == 1:
        return visible[0]
    looks = [_look_at(source, sheet) for sheet in visible]
    if not looks:
        raise UnreadableFile(_nothing_in(source))
    return visible[max(range(len(looks)), key=lambda place: looks[place].score)]


def _nothing_in(source: Source) -> str:
    hidden = [sheet.title for sheet in source.sheets if sheet.hidden]
    more = f"（隐藏的工作表不读取：{quote_texts(hidden)}）" if hidden else ""
    return f"文件里没有内容{more}。第一行应当是列名，下面是数据。"


def _opening_notes(source: Source, sheet: SourceSheet) -> list[str]:
    notes = list(_book_notes(source))
    if columns := sorted(source.hidden_columns(sheet)):
        notes.append(f"隐藏的列也读取了：{'、'.join(map(column_letters, columns[:10]))} 列。")
    return notes


def _book_notes(source: Source) -> Iterator[str]:
    if hidden := [sheet.title for sheet in source.sheets if sheet.hidden and sheet.title != LISTS_SHEET]:
        yield f"隐藏的工作表没有读取：{quote_texts(hidden)}。"
    if source.is_1904:
        yield "工作簿从 1904 年起计算日期，日期按它换算。"


def _head_notes(heads: Sequence[Head], why: str) -> Iterator[str]:
    if nameless := [head.letters for head in heads if not head.text]:
        yield f"{'、'.join(nameless)} 列有内容，没有列名：请选它们对应什么，或忽略。"
    if all(not head.text for head in heads) and why:
        yield why
    if any(head.text in PIVOT_HEADS for head in heads):
        yield "这张表像是数据透视表：一行是汇总，不是一条记录。请上传透视表所用的明细表。"


def _unit_above(rows: Sequence[SheetRow], lines: Sequence[int]) -> str:
    """Return the unit of money that a title above the heads names: 单位：万元."""
    above = (text for row in rows if lines and row.line < min(lines) for text in row.cells.values())
    units = {match[1] for text in above if (match := UNIT_ABOVE.search("".join(fold_width(text).split())))}
    return units.pop() if len(units) == 1 else ""


def _folds_to_head(text: str, folded: str) -> bool:
    return bool(folded) and (fold_name(text) == folded or (folded.endswith(fold_name(text)) and is_known_head(text)))


def _error_fault(text: str, line: int, column: int) -> str:
    """Return why a spreadsheet's error value cannot be used, with its cell."""
    if text[:1] != "#" or not ERROR_VALUES.match(text.strip()):
        return ""
    return f"{column_letters(column)}{line} 的「{text.strip()}」是表格软件的错误值，请改成正确的内容。"


def _is_statistic(texts: list[str]) -> bool:
    """Tell whether a row gives an average or an extreme of the rows above."""
    return len(texts) > 1 and bool(STATISTIC.fullmatch(texts[0].strip())) and all(map(is_number, texts[1:]))


def _is_instruction(texts: list[str]) -> bool:
    """Tell whether a row right below the heads tells how to fill the table in."""
    return 2 * sum(bool(INSTRUCTIONS.match(text.strip())) for text in texts) > len(texts)
