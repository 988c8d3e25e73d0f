"""Sheets of xlsx workbooks, parsed as a stream: memory use is bounded whatever size a file claims."""

from __future__ import annotations

import codecs
import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.parsers import expat

from . import unreadable_files
from .cell_numbers import GENERAL, NumberStyle, number_style
from .unreadable_files import MAX_COLUMNS, MAX_TEXT, UnreadableFile

INVALID_WORKBOOK = "文件不是有效的 xlsx 工作簿，请用表格软件重新另存。"
UNSAVED_RESULT = "（公式）"
UNSAVED_RESULT_MESSAGE = "单元格是公式，文件里没有它的结果。请用表格软件打开后保存一次，再上传。"
CHUNK_SIZE = 1 << 16  # bytes
MAX_MERGED_RANGES = 100_000
MAX_TAG_SIZE = 1 << 23  # bytes of one tag
MAX_LINE = 1_048_576
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})\Z")
Handler = Callable[[str, dict[str, str]], None]


@dataclass(frozen=True)
class MergedRange:
    first: int  # lines and columns from 1
    last: int
    left: int
    right: int

    def __str__(self) -> str:
        return f"{column_letters(self.left)}{self.first}:{column_letters(self.right)}{self.last}"


@dataclass
class SheetRow:
    line: int
    cells: dict[int, str] = field(default_factory=dict)  # by column, from 1
    faults: dict[int, str] = field(default_factory=dict)  # why a cell cannot be used
    hidden: bool = False
    across: tuple[MergedRange, ...] = ()  # cells merged over several columns that cover this line


@dataclass(frozen=True)
class Sheet:
    title: str
    path: str
    hidden: bool


class Workbook:
    """An open workbook (see open_workbook()): its sheets in order; rows and merged cells sheet by sheet."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        if sum(member.file_size for member in archive.infolist()) > unreadable_files.MAX_UNPACKED:
            raise UnreadableFile("工作簿解压后超过 200 MB，请分成几个文件。")
        self.archive, self.is_1904 = archive, False
        self.sheets: list[Sheet] = []
        self.styles: list[NumberStyle] = []
        self.texts = SharedStrings()
        self._open()

    def _open(self) -> None:
        (main,) = [target for kind, target in self._read_relations("").values() if kind == "officeDocument"][:1] or [""]
        relations, paths = self._read_relations(main), set[str]()
        for kind, target in relations.values():
            if kind == "styles":
                self.styles = read_styles(self.archive, target)
            elif kind == "sharedStrings":
                self.texts.read(self.archive, target)

        def start(name: str, attributes: dict[str, str]) -> None:
            name = local_name(name)
            if name == "workbookPr":
                self.is_1904 = attributes.get("date1904", "") in ("1", "true")
            elif name == "sheet":
                key = next(
                    (value for label, value in attributes.items() if local_name(label) == "id" and label != "id"), ""
                )
                kind, path = relations.get(key, ("", ""))
                if kind == "worksheet" and path not in paths:
                    paths.add(path)
                    state = attributes.get("state", "visible")
                    self.sheets.append(Sheet(attributes.get("name", "")[:31], path, state != "visible"))

        parse_part(self.archive, main, start)

    def _read_relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return {id: (last segment of the type, path)} of the parts that a part refers to."""
        folder, name = posixpath.split(part)
        relations: dict[str, tuple[str, str]] = {}

        def start(name: str, attributes: dict[str, str]) -> None:
            if local_name(name) == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                kind = attributes.get("Type", "").rpartition("/")[2]
                relations[attributes.get("Id", "")] = (kind, target.lstrip("/"))

        parse_part(self.archive, posixpath.join(folder, "_rels", f"{name}.rels"), start)
        return relations

    def merged(self, sheet: Sheet) -> list[MergedRange]:
        """Return merged ranges ordered by first line; those right of MAX_COLUMNS are left out."""
        ranges: list[MergedRange] = []
        if not self._contains_word(sheet, b"mergeCell"):
            return ranges

        def start(name: str, attributes: dict[str, str]) -> None:
            if local_name(name) == "mergeCell":
                left_top, _, right_bottom = attributes.get("ref", "").partition(":")
                (left, first), (right, last) = cell_position(left_top), cell_position(right_bottom or left_top)
                if left <= MAX_COLUMNS:
                    ranges.append(MergedRange(first, last, left, right))
                if len(ranges) > MAX_MERGED_RANGES:
                    raise UnreadableFile(f"工作表「{sheet.title}」合并的单元格太多，请取消合并后另存。")

        parse_part(self.archive, sheet.path, start)
        return sorted(ranges, key=lambda area: (area.first, area.left))

    def hidden_columns(self, sheet: Sheet) -> set[int]:
        """Return the hidden columns up to MAX_COLUMNS, which stand in front of the rows."""
        hidden: set[int] = set()
        done: list[bool] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            name = local_name(name)
            if name == "col" and attributes.get("hidden") in ("1", "true"):
                first, last = parse_int(attributes.get("min", 1)), parse_int(attributes.get("max", 1))
                hidden.update(range(max(first, 1), min(last, MAX_COLUMNS) + 1))
            elif name == "sheetData":
                done.append(True)

        for _ in stream_part(self.archive, sheet.path, start):
            if done:
                break
        return hidden

    def _contains_word(self, sheet: Sheet, word: bytes) -> bool:
        """Tell whether the word may occur in the sheet's XML; searching is faster than parsing."""
        with self.archive.open(sheet.path) as part:
            before = part.read(2)
            if before in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return True
            while chunk := part.read(CHUNK_SIZE):
                if word in before + chunk:
                    return True
                before = chunk[-len(word) :]
        return False

    def rows(self, sheet: Sheet) -> Iterator[SheetRow]:
        """Yield rows with at least one cell that has content."""
        reader = RowReader(self, sheet)
        for _ in stream_part(self.archive, sheet.path, reader.start, reader.end, reader.text):
            yield from reader.take_rows()


class SharedStrings:
    """The shared strings of a workbook in one bytearray: many short ones cost no overhead per string."""

    def __init__(self) -> None:
        self.content, self.ends = bytearray(), array("Q", [0])

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self.ends) - 1:
            raise UnreadableFile(INVALID_WORKBOOK)
        return self.content[self.ends[number] : self.ends[number + 1]].decode("utf-8", "surrogatepass")

    def read(self, archive: zipfile.ZipFile, path: str) -> None:
        parts = TextCollector()

        def end(name: str) -> None:
            parts.end(name)
            if local_name(name) == "si":
                self.content += unescape(parts.take()).encode("utf-8", "surrogatepass")
                self.ends.append(len(self.content))

        for _ in stream_part(archive, path, parts.start, end, parts.text):
            pass


class TextCollector:
    """Collects the text inside <t>, without phonetic hints (<rPh>)."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = self.spoken = 0
        self.inside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = local_name(name) if ":" in name else name
        self.spoken += name == "rPh"
        self.inside = name == "t" and not self.spoken

    def end(self, name: str) -> None:
        self.spoken -= name.endswith("rPh")
        self.inside = False

    def text(self, words: str) -> None:
        if self.inside:
            self.keep(words)

    def keep(self, words: str) -> None:
        self.parts.append(words)
        self.size += len(words)
        if self.size > MAX_TEXT:
            raise UnreadableFile("有一个单元格的文字太长，请改短后另存。")

    def take(self) -> str:
        text = "".join(self.parts)
        self.parts, self.size = [], 0
        return text


class RowReader(TextCollector):
    """Turns the XML events of a sheet into rows."""

    def __init__(self, book: Workbook, sheet: Sheet) -> None:
        super().__init__()
        self.book, self.sheet = book, sheet
        self.row, self.done = SheetRow(0), list[SheetRow]()
        self.column, self.kind, self.style, self.in_value = 0, "", "", False
        self.is_unsaved = False  # a formula whose result the file does not hold

    def take_rows(self) -> list[SheetRow]:
        done, self.done = self.done, []
        return done

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = local_name(name) if ":" in name else name
        if name == "v":
            self.in_value = True
        elif name == "f":
            self.is_unsaved = True
        elif name == "row":
            line = parse_int(attributes.get("r") or self.row.line + 1)
            if not self.row.line < line <= MAX_LINE:
                raise UnreadableFile(INVALID_WORKBOOK)
            self.row, self.column = SheetRow(line, hidden=attributes.get("hidden") in ("1", "true")), 0
        elif name == "c":
            self.column = column_number(attributes["r"]) if "r" in attributes else self.column + 1
            self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "0")
            self.parts.clear()
            self.size, self.is_unsaved = 0, False
        else:
            super().start(name, attributes)

    def text(self, words: str) -> None:
        if self.in_value or self.inside:
            self.keep(words)

    def end(self, name: str) -> None:
        name = local_name(name) if ":" in name else name
        if name == "v":
            self.in_value = False
        elif name == "c":
            if self.parts:
                self._close_cell(self.take())
            elif self.is_unsaved and self.kind != "str":  # the result "" is written as text
                self._keep_unsaved()
        elif name == "row":
            if self.row.cells:
                self.done.append(self.row)
        else:
            super().end(name)

    def _keep_unsaved(self) -> None:
        if self.column <= MAX_COLUMNS:
            self.row.cells[self.column], self.row.faults[self.column] = UNSAVED_RESULT, UNSAVED_RESULT_MESSAGE

    def _close_cell(self, raw: str) -> None:
        text, fault = self._value(raw)
        if not text.strip():
            return
        if self.column > MAX_COLUMNS:
            at = f"{column_letters(self.column)}{self.row.line}"
            raise UnreadableFile(
                f"工作表「{self.sheet.title}」的 {at} 有内容，最多读 {MAX_COLUMNS} 列。请删去多余的列后另存。"
            )
        self.row.cells[self.column] = text
        if fault:
            self.row.faults[self.column] = fault

    def _value(self, raw: str) -> tuple[str, str]:
        """Return (text as the user sees it, why it cannot be used)."""
        if self.kind == "s":
            return self.book.texts[parse_int(raw)], ""
        if self.kind in ("str", "inlineStr"):
            return unescape(raw), ""
        if self.kind == "b":
            return ("TRUE" if raw.strip() == "1" else "FALSE"), ""
        if self.kind == "e":
            return raw, ""  # an error like any other that stands in a table as text
        if self.kind == "d":
            return raw.replace("T", " "), ""
        styles, number = self.book.styles, parse_int(self.style)
        style = styles[number] if number < len(styles) else GENERAL
        return style.display(raw, self.book.is_1904)


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield Workbook(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, expat.ExpatError, NotImplementedError, RuntimeError) as error:
        raise UnreadableFile(INVALID_WORKBOOK) from error


def parse_part(archive: zipfile.ZipFile, path: str, start: Handler) -> None:
    for _ in stream_part(archive, path, start):
        pass


def stream_part(
    archive: zipfile.ZipFile, path: str, start: Handler, end: Callable | None = None, text: Callable | None = None
) -> Iterator[None]:
    """Parse a part, pass its elements (names with prefix, see local_name()) to the handlers, yield after each chunk."""

    def refuse(*args: Any) -> None:
        raise UnreadableFile(INVALID_WORKBOOK)  # no workbook declares entities

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        part = archive.open(path)
    except KeyError:
        raise UnreadableFile(INVALID_WORKBOOK) from None
    with part:
        bytes_fed = 0
        while chunk := part.read(CHUNK_SIZE):
            parser.Parse(chunk)
            bytes_fed += len(chunk)
            if bytes_fed - parser.CurrentByteIndex > MAX_TAG_SIZE:
                raise UnreadableFile(INVALID_WORKBOOK)
            yield
        parser.Parse(b"", True)
        yield


def read_styles(archive: zipfile.ZipFile, path: str) -> list[NumberStyle]:
    """Return the number styles by the index that a cell gives as its style."""
    formats: dict[str, str] = {}
    format_ids: list[str] = []
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        inside.append(name := local_name(name))
        if name == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "xf" and "cellXfs" in inside:
            format_ids.append(attributes.get("numFmtId", "0"))

    for _ in stream_part(archive, path, start, lambda name: inside.pop()):
        pass
    return [number_style(parse_int(number), formats.get(number, "")) for number in format_ids]


def local_name(name: str) -> str:
    """Return an element's name without namespace prefix."""
    return name.rpartition(":")[2] if ":" in name else name


@cache
def _column_number(word: str) -> int:
    return cell_position(f"{word}1")[0]


def column_number(reference: str) -> int:
    return _column_number(reference.rstrip("0123456789")[:4])


def cell_position(reference: str) -> tuple[int, int]:
    """Return (column, line), from 1, of a reference such as B3."""
    match = REFERENCE.match(reference)
    if not match:
        raise UnreadableFile(INVALID_WORKBOOK)
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - 64
    return column, int(match[2])


def column_letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def parse_int(text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise UnreadableFile(INVALID_WORKBOOK) from None


def unescape(text: str) -> str:
    """Decode _x000D_, by which a workbook writes characters that XML cannot hold."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
