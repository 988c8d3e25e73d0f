"""The file of a backup: a plain tar every byte of which follows from its manifest, so that no change goes unnoticed.

database, files/…, manifest.json, and at the end a seal of fixed length with the size and the digest of the manifest.
Headers are built here and compared with those read: nothing in a header is trusted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .encryption import Target, open_content
from .errors import BackupFailed, broken
from .manifest import DATABASE, FILES, MANIFEST, MAX_MANIFEST, Manifest, parse_manifest, serialize_manifest

FORMAT = 2
SEAL, MAGIC = "manifest.sha256", b"crm-backup"
BLOCK, PIECE = 512, 1024 * 1024
END = bytes(2 * BLOCK)
TAIL = 2 * BLOCK + len(END)  # the seal's header, the seal, the end of a tar
Sink = Callable[[str], "BinaryIO | None"]  # returns the file for a member's bytes; None: they are only checked


def header(name: str, size: int) -> bytes:
    """Return a member's header: POSIX tar, with the name and the size in an extended one when they do not fit."""
    raw, records = os.fsencode(name), b""
    if not raw.isascii() or len(raw) > 100:
        records += _record(b"hdrcharset=BINARY") + _record(b"path=" + raw)
    if size >= 8**11:
        records += _record(f"size={size}".encode())
    if not records:
        return _block(raw, size, b"0")
    plain = raw.decode("ascii", "replace").encode("ascii", "replace")[:100]
    return _block(b"PaxHeader", len(records), b"x") + pad_block(records) + _block(plain, size % 8**11, b"0")


def _record(text: bytes) -> bytes:
    """ "17 path=files/…": its length counts itself."""
    length = len(text) + 2
    while len(b"%d %s\n" % (length, text)) != length:
        length += 1
    return b"%d %s\n" % (length, text)


def _block(name: bytes, size: int, kind: bytes) -> bytes:
    numbers = b"0000600\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"%011o\0" % 0
    start, rest = name.ljust(100, b"\0") + numbers, kind + bytes(100) + b"ustar\x0000"
    total = sum(start) + sum(rest) + 8 * ord(" ")
    return (start + b"%06o\0 " % total + rest).ljust(BLOCK, b"\0")


def pad_block(text: bytes) -> bytes:
    return text + bytes(-len(text) % BLOCK)


def build_seal(text: bytes) -> bytes:
    return b"%s %d %d %s\n" % (MAGIC, FORMAT, len(text), hashlib.sha256(text).hexdigest().encode())


class Writer:
    """Writes members one after the other and records them in members."""

    def __init__(self, out: Target) -> None:
        self.out = out
        self.members: dict[str, tuple[int | None, str | None]] = {}

    def add(self, name: str, source: Path) -> None:
        """Add one file; raise FileNotFoundError before anything is written when it is gone."""
        with source.open("rb") as source_file:
            size = os.fstat(source_file.fileno()).st_size
            self.out.write(header(name, size))
            digest, remaining = hashlib.sha256(), size
            while remaining:
                piece = source_file.read(min(PIECE, remaining))
                if not piece:
                    raise BackupFailed(f"{source.name} 在备份期间变短了，请再备份一次。")
                digest.update(piece)
                self.out.write(piece)
                remaining -= len(piece)
        self.out.write(bytes(-size % BLOCK))
        self.members[name] = (size, digest.hexdigest())

    def close(self, manifest: Manifest) -> None:
        text = serialize_manifest(manifest)
        if len(text) > MAX_MANIFEST:
            raise BackupFailed("附件太多，备份的清单放不下。请把附件目录另行备份。")
        seal = build_seal(text)
        self.out.write(header(MANIFEST, len(text)) + pad_block(text))
        self.out.write(header(SEAL, len(seal)) + pad_block(seal) + END)


class Archive:
    """A backup of the present format. Opening it reads the manifest; check() reads every byte."""

    note = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_content(path) as archive_file:
            size, digest = self._seal(archive_file)
            start = archive_file.seek(0, os.SEEK_END) - TAIL - size - (-size % BLOCK)
            if size > MAX_MANIFEST or start < 0:
                raise broken(path)
            archive_file.seek(start)
            text = archive_file.read(size)
            if hashlib.sha256(text).hexdigest() != digest:
                raise broken(path)
            self.manifest = parse_manifest(text)
            self._text = text
            if self._length() != archive_file.seek(0, os.SEEK_END):
                raise broken(path)

    @staticmethod
    def is_one(path: Path) -> bool:
        """Tell whether the file ends with our seal, of any format number."""
        with open_content(path) as archive_file:
            if archive_file.seek(0, os.SEEK_END) < TAIL:
                return False
            archive_file.seek(-TAIL, os.SEEK_END)
            return archive_file.read(TAIL)[BLOCK:].startswith(MAGIC + b" ")

    def _seal(self, archive_file: BinaryIO) -> tuple[int, str]:
        archive_file.seek(-TAIL, os.SEEK_END)
        words = archive_file.read(TAIL)[BLOCK : 2 * BLOCK].rstrip(b"\0").split()
        if len(words) != 4 or not all(word.isdigit() and len(word) < 16 for word in words[1:3]):
            raise broken(self.path)
        if int(words[1]) != FORMAT:
            raise BackupFailed(f"{self.path.name} 的格式（{int(words[1])}）比本程序的新，请先升级程序再恢复。")
        return int(words[2]), words[3].decode("ascii", "replace")

    def _length(self) -> int:
        total = sum(len(header(name, size or 0)) + _on_disk(size or 0) for name, (size, _) in self._entries())
        return total + len(header(MANIFEST, len(self._text))) + _on_disk(len(self._text)) + TAIL

    def _entries(self) -> list[tuple[str, tuple[int | None, str | None]]]:
        return list(self.manifest.members.items())

    def check(self) -> None:
        """Read the whole file; raise BackupFailed when one byte is not as it was written."""
        self.walk(lambda name: None)

    def walk(self, sink: Sink) -> None:
        """Write every member to its sink; raise BackupFailed unless all bytes are as they were written."""
        with open_content(self.path) as archive_file:
            for name, (size, digest) in self._entries():
                self._expect(archive_file, header(name, size or 0))
                self._member(archive_file, name, size or 0, digest, sink(name))
            seal = build_seal(self._text)
            self._expect(archive_file, header(MANIFEST, len(self._text)) + pad_block(self._text))
            self._expect(archive_file, header(SEAL, len(seal)) + pad_block(seal) + END)
            if archive_file.read(1):
                raise broken(self.path)

    def _member(self, archive_file: BinaryIO, name: str, size: int, digest: str | None, out: BinaryIO | None) -> None:
        if copy_member(archive_file, size, out, self.path) != digest:
            what = "数据库" if name == DATABASE else f"附件 {name.removeprefix(FILES)!r}"
            raise BackupFailed(f"{self.path.name} 已损坏：{what} 与备份时的校验和不同。")
        self._expect(archive_file, bytes(-size % BLOCK))

    def _expect(self, archive_file: BinaryIO, expected: bytes) -> None:
        if archive_file.read(len(expected)) != expected:
            raise broken(self.path)


def copy_member(archive_file: BinaryIO, size: int, out: BinaryIO | None, path: Path) -> str:
    """Copy a member from the present position, close out; return the digest."""
    digest, remaining = hashlib.sha256(), size
    try:
        while remaining:
            piece = archive_file.read(min(PIECE, remaining))
            if not piece:
                raise broken(path)
            digest.update(piece)
            if out:
                out.write(piece)
            remaining -= len(piece)
    finally:
        if out:
            out.close()
    return digest.hexdigest()


def _on_disk(size: int) -> int:
    return size + -size % BLOCK
