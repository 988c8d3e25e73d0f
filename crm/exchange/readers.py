"""Tables from files: csv (also gzipped) in any usual encoding, and xlsx."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

MAX_UNPACKED = 200 * 1024 * 1024  # bytes
MAX_COLUMNS = 100
MAX_EXACT = 1e15  # a workbook keeps 15 digits of a number
ENCODINGS = ("utf-8-sig", "gb18030")


class UnreadableFile(Exception):
    """The file cannot be read; the text says what to do, in Chinese."""


def cannot_open(path: Path, error: OSError) -> str:
    reasons = {
        FileNotFoundError: "没有这个文件，请检查路径",
        PermissionError: "没有读取它的权限",
        IsADirectoryError: "这是一个文件夹，请写出里面的文件",
    }
    return f"打不开文件 {path}：{reasons.get(type(error), error.strerror or error)}。"


def read_table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number as the user sees it, {header: text}) per row that is not empty."""
    name = path.name.lower()
    try:
        path.open("rb").close()  # said here, before a generator says it too late
        if name.endswith(".xlsx"):
            rows = _xlsx_rows(path)
        elif name.endswith((".csv", ".csv.gz")):
            rows = _csv_rows(path, packed=name.endswith(".gz"))
        else:
            raise UnreadableFile("只能读取 .csv、.csv.gz 和 .xlsx 文件，请另存后再试。")
    except OSError as error:
        raise UnreadableFile(cannot_open(path, error)) from error
    headers = [text.strip() for text in next(rows, [])]
    _check_headers(headers)
    for line, cells in enumerate(rows, start=2):
        if any(cell.strip() for cell in cells):
            if len(cells) > len(headers) and any(cell.strip() for cell in cells[len(headers) :]):
                raise UnreadableFile(f"第 {line} 行有 {len(cells)} 列，比表头多，请检查是否多了分隔符。")
            yield line, {header: cell for header, cell in zip(headers, cells, strict=False) if header}


def _check_headers(headers: list[str]) -> None:
    if not any(headers):
        raise UnreadableFile("文件是空的：第一行应当是列名，例如「名称」「地区」。")
    if len(headers) > MAX_COLUMNS:
        raise UnreadableFile(f"文件有 {len(headers)} 列，最多 {MAX_COLUMNS} 列。")
    named = [header for header in headers if header]
    doubled = {header for header in named if named.count(header) > 1}
    if doubled:
        raise UnreadableFile(f"列名重复：{'、'.join(sorted(doubled))}。每个列名只能出现一次。")


def _csv_rows(path: Path, *, packed: bool) -> Iterator[list[str]]:
    text = _decoded(_content(path, packed=packed))
    head = text[:4096].split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    csv.field_size_limit(10_000_000)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise UnreadableFile(f"文件不是完整的 CSV：{error}。请用表格软件重新另存为 CSV。") from error


def _content(path: Path, *, packed: bool) -> bytes:
    if not packed:
        if path.stat().st_size > MAX_UNPACKED:
            raise UnreadableFile("文件超过 200 MB，请分成几个文件。")
        return path.read_bytes()
    try:
        with gzip.open(path) as stream:
            content = stream.read(MAX_UNPACKED + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFile("压缩文件已损坏，请重新取得。") from error
    if len(content) > MAX_UNPACKED:
        raise UnreadableFile("文件解压后超过 200 MB，请分成几个文件。")
    return content


def _decoded(content: bytes) -> str:
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ENCODINGS
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile("认不出文件的编码，请另存为 UTF-8 编码的 CSV。")


def _xlsx_rows(path: Path) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                raise UnreadableFile("工作簿解压后超过 200 MB，请分成几个文件。")
        with CalamineWorkbook.from_path(path) as book:
            for line, row in enumerate(book.get_sheet_by_index(0).iter_rows(), start=1):
                yield [_cell(value, line) for value in row]
    except (zipfile.BadZipFile, CalamineError) as error:
        raise UnreadableFile("文件不是有效的 xlsx 工作簿，请用表格软件重新另存。") from error


def _cell(value: Any, line: int) -> str:
    """Whole numbers without .0, dates as dates: as the user sees the cell."""
    if isinstance(value, float) and abs(value) >= MAX_EXACT:
        raise UnreadableFile(
            f"第 {line} 行有超过 15 位的数字，工作簿只保存了前 15 位。请把这一列设为文本格式，重新填写后再导入。"
        )
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return value.isoformat(sep=" ") if hasattr(value, "hour") and hasattr(value, "year") else value.isoformat()
    return "" if value is None else str(value)
