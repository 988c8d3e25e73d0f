"""Rows of csv files, also gzipped, in any usual encoding, read line by line; unclosed quotes are refused."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from . import unreadable_files
from .unreadable_files import MAX_COLUMNS, MAX_TEXT, UnreadableFile
from .workbooks import SheetRow

ENCODINGS = ("utf-8-sig", "gb18030")
CHUNK_SIZE = 1 << 20  # bytes
SAMPLE_SIZE = 4096  # bytes at the start that tell UTF-16
DELIMITER_SAMPLE_LINES = 20
MAX_LINES_PER_ROW = 1_000


def read_csv_rows(path: Path, *, gzipped: bool, is_wanted: Callable[[str], bool]) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the row's first line, cells). is_wanted: tells whether a text names a wanted column."""
    encoding = detect_encoding(path, gzipped)
    with _open_binary(path, gzipped) as stream:
        head = list(islice(_read_lines(io.TextIOWrapper(stream, encoding, newline="")), DELIMITER_SAMPLE_LINES))
    csv.field_size_limit(MAX_TEXT)
    delimiter = max(",;\t|", key=lambda sign: _score_delimiter(head, sign, is_wanted))
    with _open_binary(path, gzipped) as stream:
        lines = NumberedLines(_read_lines(io.TextIOWrapper(stream, encoding, newline="")))
        reader, width = csv.reader(lines, delimiter=delimiter, strict=True), 0
        while True:
            lines.start = lines.line + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise _unclosed_quote(lines.start, lines.line) from None
            if lines.line == lines.start:
                width = len(cells)
            elif any(_spans_rows(cells, columns - 1, delimiter) for columns in (len(cells), width)):
                raise _unclosed_quote(lines.start, lines.line)
            yield lines.start, cells


def skip_empty_rows(rows: Iterator[tuple[int, list[str]]]) -> Iterator[SheetRow]:
    """Yield rows with content."""
    for line, cells in rows:
        last = max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=0)
        if last > MAX_COLUMNS:
            raise UnreadableFile(f"第 {line} 行有 {last} 列，最多 {MAX_COLUMNS} 列。")
        if last:
            yield SheetRow(line, dict(enumerate(cells[: MAX_COLUMNS + 1], start=1)))


class NumberedLines:
    """Lines with their number; a row may not span more than MAX_LINES_PER_ROW of them."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.line, self.start = lines, 0, 1

    def __iter__(self) -> NumberedLines:
        return self

    def __next__(self) -> str:
        text = next(self.lines)
        self.line += 1
        if self.line - self.start > MAX_LINES_PER_ROW:
            raise _unclosed_quote(self.start, self.line)
        return text


def _unclosed_quote(start: int, end: int) -> UnreadableFile:
    upto = f"，一直读到第 {end} 行" if end > start else ""
    return UnreadableFile(
        f"第 {start} 行的引号没有配对{upto}。请删去多余的引号，或用表格软件打开后另存为 xlsx，再重新读取。"
    )


def _spans_rows(cells: list[str], per_line: int, delimiter: str) -> bool:
    """Tell whether a cell spans lines with as many delimiters as rows of the table have."""
    for index, cell in enumerate(cells):
        counts = [line.count(delimiter) for line in cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
        if len(counts) > 1 and per_line > 0 and counts == [per_line - index, *[per_line] * (len(counts) - 2), index]:
            return True
    return False


def _score_delimiter(lines: list[str], sign: str, is_wanted: Callable[[str], bool]) -> tuple[int, int]:
    """Return (most wanted columns in a line split at the sign, number of parts of the first line)."""
    parts = [[part.strip().strip('"') for part in line.strip("\r\n").split(sign)] for line in lines]
    wanted = max((sum(is_wanted(part) for part in row) for row in parts), default=0)
    return wanted, len(parts[0]) if parts else 0


def _read_lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(4 * MAX_TEXT):
        number += 1
        if len(line) == 4 * MAX_TEXT:
            raise UnreadableFile(f"第 {number} 行太长，不像一个表格。请用表格软件重新另存为 CSV。")
        yield line


@contextmanager
def _open_binary(path: Path, gzipped: bool) -> Iterator[Any]:
    try:
        with gzip.open(path) if gzipped else path.open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFile("压缩文件已损坏，请重新取得。") from error


def detect_encoding(path: Path, gzipped: bool) -> str:
    """Return the first encoding that decodes the whole file, which is read once, in chunks."""
    with _open_binary(path, gzipped) as stream:
        start, size = stream.read(SAMPLE_SIZE), 0
        names = _likely_encodings(start)
        decoders = {name: codecs.getincrementaldecoder(name)() for name in names}
        chunk = start
        while True:
            size += len(chunk)
            if size > unreadable_files.MAX_UNPACKED:
                raise UnreadableFile(f"文件{'解压后' if gzipped else ''}超过 200 MB，请分成几个文件。")
            decoders = {name: decoder for name, decoder in decoders.items() if _can_decode(decoder, chunk)}
            if not chunk:
                break
            chunk = stream.read(CHUNK_SIZE)
    if not decoders:
        raise UnreadableFile("认不出文件的编码，请另存为 UTF-8 编码的 CSV。")
    return next(iter(decoders))


def _likely_encodings(start: bytes) -> tuple[str, ...]:
    """Return the encodings for a start; UTF-16 without a mark shows by the zeros of separators and line ends."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    zeros = start[0::2].count(0), start[1::2].count(0)
    if min(zeros) == 0 and max(zeros) > max(1, len(start) // 80):
        return ("utf-16-be",) if zeros[0] else ("utf-16-le",)
    return ENCODINGS


def _can_decode(decoder: Any, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError:
        return False
    return True
