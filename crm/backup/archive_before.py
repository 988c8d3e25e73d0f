"""Backups of the first format, which are still read: a tar with the manifest first and digests of the files only.

The reader goes from block to block itself and knows plain files, folders and extended headers, nothing else.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .archive import BLOCK, Sink, copied
from .failure import BackupFailed, broken
from .manifest import DATABASE, MANIFEST, MAX_MANIFEST, Manifest, parsed_before

MAX_EXTENDED = 64 * 1024
RECORD = 20 * BLOCK  # tar fills up to a multiple of this
NOTE = "这份备份由较早的版本生成，没有数据库文件本身的校验和；附件按校验和、数据库按每张表的行数和内容核对。"


class ArchiveBefore:
    note = NOTE

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as opened:
            name, size = next(self._members(opened), ("", 0))
            if name != MANIFEST or size > MAX_MANIFEST:
                raise broken(path)
            text = opened.read(size)
            if len(text) < size:
                raise broken(path)
            self.manifest: Manifest = parsed_before(text)

    def check(self) -> None:
        self.walk(lambda name: None)

    def walk(self, sink: Sink) -> None:
        """Gives every member's bytes to its sink; raises BackupFailed unless all are there and files as written."""
        left = dict(self.manifest.members)
        with self.path.open("rb") as opened:
            for name, size in self._members(opened):
                if name == MANIFEST and len(left) == len(self.manifest.members):
                    continue
                if name not in left:
                    raise BackupFailed(f"{self.path.name} 里有清单以外的内容：{name[:100]!r}。")
                digest = left.pop(name)[1]
                if copied(opened, size, sink(name), self.path) != digest and name != DATABASE:
                    raise BackupFailed(f"{self.path.name} 已损坏：附件 {name[:100]!r} 与备份时的校验和不同。")
        if left:
            raise broken(self.path)

    def _members(self, opened: BinaryIO) -> Iterator[tuple[str, int]]:
        """Names and sizes, the file standing at each member's first byte; ends at the end of the tar."""
        extended: dict[bytes, bytes] = {}
        whole = opened.seek(0, os.SEEK_END)
        place = 0
        while True:
            opened.seek(place)
            block = opened.read(BLOCK)
            if block == bytes(BLOCK):
                if opened.read(RECORD).strip(b"\0") or opened.read(1):
                    raise broken(self.path)
                return
            member = self._header(block)
            size = int(extended.get(b"size", b"%d" % member.size)) if member.type == tarfile.REGTYPE else member.size
            place += BLOCK + size + -size % BLOCK
            if place > whole:
                raise broken(self.path)
            if member.type == tarfile.XHDTYPE:
                extended = self._extended(opened.read(size))
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
        """ "length key=value" lines, each as long as it says."""
        found = {}
        while records:
            length, _, _ = records.partition(b" ")
            if not length.isdigit() or len(length) > 6 or not 0 < int(length) <= len(records):
                raise broken(self.path)
            record, records = records[: int(length)], records[int(length) :]
            key, equals, value = record[len(length) + 1 : -1].partition(b"=")
            if not equals or not record.endswith(b"\n") or key.startswith(b"GNU.sparse"):
                raise broken(self.path)
            found[key] = value
        if not found.get(b"size", b"0").isdigit() or len(found.get(b"size", b"")) > 18:
            raise broken(self.path)
        return found
