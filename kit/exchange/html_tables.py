"""Tables of web pages, which many systems hand out as .xls: read element by element, nothing is fetched or run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from .delimited import detect_encoding
from .source_sheets import SourceSheet
from .unreadable_files import MAX_COLUMNS, MAX_TEXT, UnreadableFile
from .workbooks import MAX_MERGED_RANGES, MergedRange, SheetRow

HTML_START = re.compile(rb"<(?:!doctype html|html|table|head|meta|body)[\s>]", re.I)
DECLARED = re.compile(rb"""charset\s*=\s*["']?([\w-]{3,20})""", re.I)
CHUNK_SIZE = 1 << 16  # characters
MAX_SPAN = 1_000
MAX_UNCLOSED = 1 << 20  # characters of a tag or comment that does not end


def looks_like_html(start: bytes) -> bool:
    """Tell whether a file begins like a web page, also one in UTF-16."""
    plain = start.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").removeprefix(b"\xef\xbb\xbf")
    begins = plain.lstrip()[:1] == b"<"
    return begins and bool(HTML_START.search(plain)) and b"urn:schemas-microsoft-com:office:spreadsheet" not in plain


class TableParser(HTMLParser):
    """Collects the rows of one table; tables inside a cell are text of that cell."""

    def __init__(self, wanted: int | None) -> None:
        super().__init__(convert_charrefs=True)
        self.wanted = wanted  # the table whose rows are kept, from 0; None counts the tables
        self.count, self.depth, self.silent = 0, 0, 0
        self.line, self.column = 0, 0
        self.row: SheetRow | None = None
        self.done, self.areas = list[SheetRow](), list[MergedRange]()
        self.parts: list[str] | None = None
        self.size = 0
        self.taken: dict[int, int] = {}  # {column: last line} that cells above reach down to

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.depth += 1
            self.count += self.depth == 1
        elif tag in ("script", "style"):
            self.silent += 1
        elif self.depth == 1 and self.count - 1 == self.wanted:
            if tag == "tr":
                self._end_row()
                self.line += 1
                self.row, self.column = SheetRow(self.line), 0
            elif tag in ("td", "th"):
                self._start_cell(dict(attributes))
        if tag == "br" and self.parts is not None:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            if self.depth == 1:
                self._end_row()
            self.depth = max(self.depth - 1, 0)
        elif tag in ("script", "style"):
            self.silent = max(self.silent - 1, 0)
        elif self.depth == 1 and tag in ("td", "th"):
            self._end_cell()
        elif self.depth == 1 and tag == "tr":
            self._end_row()

    def handle_data(self, data: str) -> None:
        if self.parts is not None and not self.silent:
            self.parts.append(data)
            self.size += len(data)
            if self.size > MAX_TEXT:
                raise UnreadableFile("有一个单元格的文字太长，请改短后另存。")

    def _start_cell(self, attributes: dict[str, str | None]) -> None:
        self._end_cell()
        if self.row is None:
            return
        self.column += 1
        while self.taken.get(self.column, 0) >= self.line:
            self.column += 1
        wide, high = (_span(attributes.get(name)) for name in ("colspan", "rowspan"))
        self.cell_at, self.column = self.column, self.column + wide - 1
        if self.column > MAX_COLUMNS + MAX_SPAN:
            raise UnreadableFile(f"第 {self.line} 行的列太多，最多 {MAX_COLUMNS} 列。")
        if wide > 1 or high > 1:
            self.areas.append(MergedRange(self.line, self.line + high - 1, self.cell_at, self.column))
        if high > 1:
            self.taken |= dict.fromkeys(range(self.cell_at, self.column + 1), self.line + high - 1)
        self.parts, self.size = [], 0

    def _end_cell(self) -> None:
        if self.parts is None or self.row is None:
            return
        text = "\n".join(" ".join(line.split()) for line in "".join(self.parts).split("\n")).strip()
        self.parts = None
        if text and self.cell_at > MAX_COLUMNS:
            raise UnreadableFile(f"第 {self.line} 行有 {self.cell_at} 列，最多 {MAX_COLUMNS} 列。")
        if text:
            self.row.cells[self.cell_at] = text

    def _end_row(self) -> None:
        self._end_cell()
        if self.row is not None and self.row.cells:
            self.done.append(self.row)
        self.row = None

    def take_rows(self) -> list[SheetRow]:
        done, self.done = self.done, []
        return done


def _span(text: str | None) -> int:
    return max(1, min(int(text), MAX_SPAN)) if text and text.strip().isdecimal() else 1


class HtmlTables:
    """Every outermost table of a page is a sheet."""

    kind, strict, is_1904 = "html", False, False

    def __init__(self, path: Path, title: str) -> None:
        self.path, self.encoding = path, _find_encoding(path)
        counter = TableParser(None)
        for _ in self._feed(counter):
            pass
        if not counter.count:
            raise UnreadableFile("这是网页，里面没有表格。请上传 xlsx、xls 或 csv 文件。")
        titles = [title] if counter.count == 1 else [f"{title} 表 {number + 1}" for number in range(counter.count)]
        self.sheets = [SourceSheet(each, place) for place, each in enumerate(titles[:50])]

    def _feed(self, parser: TableParser) -> Iterator[None]:
        with self.path.open(encoding=self.encoding, errors="replace") as stream:
            while chunk := stream.read(CHUNK_SIZE):
                parser.feed(chunk)
                if len(parser.rawdata) > MAX_UNCLOSED or len(parser.areas) > MAX_MERGED_RANGES:
                    raise UnreadableFile("网页里的表格不完整，读不了。请用表格软件打开后另存为 xlsx，再上传。")
                yield
        parser.close()
        parser._end_row()
        yield

    def rows(self, sheet: SourceSheet) -> Iterator[SheetRow]:
        parser = TableParser(sheet.place)
        for _ in self._feed(parser):
            yield from parser.take_rows()

    def merged(self, sheet: SourceSheet) -> list[MergedRange]:
        parser = TableParser(sheet.place)
        for _ in self._feed(parser):
            parser.take_rows()
        return sorted(parser.areas, key=lambda area: (area.first, area.left))

    def hidden_columns(self, sheet: SourceSheet) -> set[int]:
        return set()


def _find_encoding(path: Path) -> str:
    """Return the encoding that fits the bytes: what a page says of itself is often wrong."""
    return detect_encoding(path, False)
