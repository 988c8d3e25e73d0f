"""Reader of backups of the first format: a tar with the manifest first and digests of the files only.

The reader goes from block to block itself and knows plain files, folders and extended headers, nothing else.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .archive import BLOCK, Sink, copy_member
from .errors import BackupFailed, broken
from .manifest import DATABASE, MANIFEST, MAX_MANIFEST, Manifest, parse_v1_manifest

MAX_EXTENDED = 64 * 1024
RECORD = 20 * BLOCK  # tar fills up to a multiple of this
NOTE = "这份备份由较早的版本生成，没有数据库文件本身的校验和；附件按校验和、数据库按每张表的行数和内容核对。"


class ArchiveV1:
    note = NOTE

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as archive_file:
            name, size = next(self._members(archive_file), ("", 0))
            if name != MANIFEST or size > MAX_MANIFEST:
                raise broken(path)
            text = archive_file.read(size)
            if len(text) < size:
                raise broken(path)
            self.manifest: Manifest = parse_v1_manifest(text)

    def check(self) -> None:
        self.walk(lambda name: None)

    def walk(self, sink: Sink) -> None:
        """Write every member to its sink; raise BackupFailed unless all are there and files as written."""
        remaining = dict(self.manifest.members)
        with self.path.open("rb") as archive_file:
            for name, size in self._members(archive_file):
                if name == MANIFEST and len(remaining) == len(self.manifest.members):
                    continue
                if name not in remaining:
                    raise BackupFailed(f"{self.path.name} 里有清单以外的内容：{name[:100]!r}。")
                digest = remaining.pop(name)[1]
                if copy_member(archive_file, size, sink(name), self.path) != digest and name != DATABASE:
                    raise BackupFailed(f"{self.path.name} 已损坏：附件 {name[:100]!r} 与备份时的校验和不同。")
        if remaining:
            raise broken(self.path)

    def _members(self, archive_file: BinaryIO) -> Iterator[tuple[str, int]]:
        """Yield names and sizes, with the file at each member's first byte."""
        extended: dict[bytes, bytes] = {}
        total_size = archive_file.seek(0, os.SEEK_END)
        position = 0
        while True:
            archive_file.seek(position)
            block = archive_file.read(BLOCK)
            if block == bytes(BLOCK):
                if archive_file.read(RECORD).strip(b"\0") or archive_file.read(1):
                    raise broken(self.path)
                return
            member = self._header(block)
            size = int(extended.get(b"size", b"%d" % member.size)) if member.type == tarfile.REGTYPE else member.size
            position += BLOCK + size + -size % BLOCK
            if position > total_size:
                raise broken(self.path)
            if member.type == tarfile.XHDTYPE:
                extended = self._extended(archive_file.read(size))
                continue
            yield os.fsdecode(extended.get(b"path", os.fsencode(member.name))), size
            extended = {}

    def _header(self, block: bytes) -> tarfile.TarInfo:
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.TarError, ValueError):
            raise broken(self.path) from None
        if member.type not in (tarfile.REGTYPE, tarfile.XHDTYPE) or member.size < 0:
            raise BackupFailed(f"{self.path.name} 里有不允许的内容（链接、设备或文件夹）：{member.name[:100]!r}。")
        if member.type == tarfile.XHDTYPE and member.size > MAX_EXTENDED:
            raise broken(self.path)
        return member

    def _extended(self, records: bytes) -> dict[bytes, bytes]:
        """Parse "length key=value" lines, each of exactly that length."""
        values = {}
        while records:
            length, _, _ = records.partition(b" ")
            if not length.isdigit() or len(length) > 6 or not 0 < int(length) <= len(records):
                raise broken(self.path)
            record, records = records[: int(length)], records[int(length) :]
            key, equals, value = record[len(length) + 1 : -1].partition(b"=")
            if not equals or not record.endswith(b"\n") or key.startswith(b"GNU.sparse"):
                raise broken(self.path)
            values[key] = value
        if not values.get(b"size", b"0").isdigit() or len(values.get(b"size", b"")) > 18:
            raise broken(self.path)
        return values
