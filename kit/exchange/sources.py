"""Files with tables, opened by what they hold and not by their name: xlsx, xls, web pages saved as xls, csv."""

from __future__ import annotations

import codecs
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .delimited import read_csv_rows, skip_empty_rows
from .html_tables import HtmlTables, looks_like_html
from .old_workbooks import open_old_workbook
from .source_sheets import Source, SourceSheet
from .unreadable_files import UnreadableFile, describe_open_error
from .workbooks import MergedRange, SheetRow, Workbook, open_workbook

GZIP, ZIP, OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OTHER_KINDS = {
    b"%PDF": "PDF", b"\x89PNG": "图片", b"\xff\xd8\xff": "图片", b"GIF8": "图片", b"Rar!": "压缩包",
    b"7z\xbc\xaf": "压缩包",
    b"{\\rtf": "Word 文档", b"SQLite format": "数据库", b"\x7fELF": "程序", b"MZ\x90": "程序",
}  # fmt: skip
PASSWORD_STREAM = "EncryptedPackage".encode("utf-16-le")
PROTECTED = "文件有打开密码，读不了。请在表格软件里去掉密码（另存为 → 工具 → 常规选项），再上传。"
EMPTY_FILE = "文件是空的，没有可以读取的内容。请选有数据的文件。"
START_SIZE = 4096


@contextmanager
def open_source(path: Path, name: str, is_wanted: Callable[[str], bool]) -> Iterator[Source]:
    """Open a file. name: as it was uploaded; is_wanted: tells whether a text is the name of a column."""
    try:
        start = _read_start(path)
        _refuse_other_kinds(start)
        if start.startswith(ZIP):
            _refuse_other_archives(path)
            with open_workbook(path) as book:
                yield NewBook(book)
        elif start.startswith(OLE):
            if PASSWORD_STREAM in path.read_bytes():
                raise UnreadableFile(PROTECTED)
            with open_old_workbook(path) as old:
                yield old
        elif looks_like_html(start):
            yield HtmlTables(path, title=Path(name).stem)
        else:
            yield Delimited(path, start, Path(name).stem.removesuffix(".csv"), is_wanted)
    except OSError as error:
        raise UnreadableFile(describe_open_error(path, error)) from error


def _read_start(path: Path) -> bytes:
    with path.open("rb") as stream:
        start = stream.read(START_SIZE)
    if not start.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise UnreadableFile(EMPTY_FILE)
    return start


def _refuse_other_kinds(start: bytes) -> None:
    for magic, word in OTHER_KINDS.items():
        if start.startswith(magic):
            raise UnreadableFile(f"这是{word}，不是表格。请上传 xlsx、xls 或 csv 文件。")
    if start[:2] == b"PK" and not start.startswith(ZIP):
        raise UnreadableFile(EMPTY_FILE)  # an archive without members
    if b"urn:schemas-microsoft-com:office:spreadsheet" in start:
        raise UnreadableFile("这是 2003 版的 XML 表格。请用表格软件打开后另存为 xlsx，再上传。")


def _refuse_other_archives(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, struct.error, NotImplementedError):
        raise UnreadableFile("文件不完整或已损坏，请重新取得，或用表格软件打开后另存为 xlsx。") from None
    if any(name.endswith("workbook.bin") for name in names):
        raise UnreadableFile("这是二进制工作簿（xlsb）。请用表格软件打开后另存为 xlsx，再上传。")
    if "content.xml" in names:
        raise UnreadableFile("这是 ODS 表格。请用表格软件打开后另存为 xlsx，再上传。")
    for folder, word in (("word/", "Word 文档"), ("ppt/", "演示文稿")):
        if any(name.startswith(folder) for name in names):
            raise UnreadableFile(f"这是{word}，不是表格。请把里面的表格复制到表格软件，另存为 xlsx，再上传。")
    if "[Content_Types].xml" not in names:
        raise UnreadableFile("这是压缩包，不是表格。请解压后上传里面的 xlsx、xls 或 csv 文件。")


class NewBook:
    """An xlsx workbook."""

    kind, strict = "xlsx", False

    def __init__(self, book: Workbook) -> None:
        self.book, self.is_1904 = book, book.is_1904
        self.sheets = [SourceSheet(sheet.title, place, sheet.hidden) for place, sheet in enumerate(book.sheets)]

    def rows(self, sheet: SourceSheet) -> Iterator[SheetRow]:
        return self.book.rows(self.book.sheets[sheet.place])

    def merged(self, sheet: SourceSheet) -> list[MergedRange]:
        return self.book.merged(self.book.sheets[sheet.place])

    def hidden_columns(self, sheet: SourceSheet) -> set[int]:
        return self.book.hidden_columns(self.book.sheets[sheet.place])


class Delimited:
    """A csv file, also gzipped, with any usual separator and encoding, whatever its name ends with."""

    kind, strict, is_1904 = "csv", True, False

    def __init__(self, path: Path, start: bytes, title: str, is_wanted: Callable[[str], bool]) -> None:
        self.path, self.gzipped, self.is_wanted = path, start.startswith(GZIP), is_wanted
        self.sheets = [SourceSheet(title or "表格", 0)]
        has_mark = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if not self.gzipped and not has_mark and 0 in start[0::2] and 0 in start[1::2]:
            raise UnreadableFile("这不是表格文件，或者已损坏。请上传 xlsx、xls 或 csv 文件。")

    def rows(self, sheet: SourceSheet) -> Iterator[SheetRow]:
        return skip_empty_rows(read_csv_rows(self.path, gzipped=self.gzipped, is_wanted=self.is_wanted))

    def merged(self, sheet: SourceSheet) -> list[MergedRange]:
        return []

    def hidden_columns(self, sheet: SourceSheet) -> set[int]:
        return set()
