"""Encrypted archives: AES-256-GCM chunk by chunk, so that a flipped, missing, moved or foreign chunk is noticed.

A header (magic, version, salt, key check), then chunks of 64 KiB, each with its tag. Every archive has its own key,
derived by HKDF from the key file's and the salt. A chunk's number and whether it is the last are its nonce and, with
the header, its associated data: the STREAM construction, as in Tink's AES-GCM-HKDF and in age (decision 50).
"""

from __future__ import annotations

import hmac
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import BackupFailed, broken
from .key import required_key

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC, VERSION = b"crm-encrypted ", b"1\n"
SALT, CHECK, TAG = 32, 16, 16
HEADER = len(MAGIC) + len(VERSION) + SALT + CHECK
CHUNK = 64 * 1024
STORED = CHUNK + TAG
WRONG_KEY = "{} 是用另一个密钥加密的，或者它的开头已损坏。请用 CRM_BACKUP_KEY_FILE 指定当时的密钥文件。"
NEWER = "{} 的加密格式比本程序的新，请先升级程序再恢复。"


class Target(Protocol):
    """A writer of an archive's bytes."""

    def write(self, content: bytes, /) -> object: ...


class _Cipher:
    """The key of one archive."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        start = MAGIC + VERSION
        derived = HKDF(SHA256(), length=32 + CHECK, salt=salt, info=start).derive(key)
        self.header = start + salt + derived[32:]
        self._cipher = AESGCM(derived[:32])

    def encrypt(self, number: int, is_last: bool, content: bytes) -> bytes:
        nonce = self._nonce(number, is_last)
        return self._cipher.encrypt(nonce, content, self.header + nonce)

    def decrypt(self, number: int, is_last: bool, content: bytes) -> bytes:
        nonce = self._nonce(number, is_last)
        return self._cipher.decrypt(nonce, content, self.header + nonce)

    @staticmethod
    def _nonce(number: int, is_last: bool) -> bytes:
        return number.to_bytes(11) + bytes([is_last])


class _Encrypting:
    """Writes bytes encrypted; finish() writes the last chunk, without which nothing can be read."""

    def __init__(self, out: BinaryIO, key: bytes) -> None:
        self._out, self._cipher = out, _Cipher(key, secrets.token_bytes(SALT))
        self._waiting, self._number = bytearray(), 0
        out.write(self._cipher.header)

    def write(self, content: bytes, /) -> None:
        self._waiting += content
        while len(self._waiting) > CHUNK:
            self._put(is_last=False)

    def finish(self) -> None:
        self._put(is_last=True)

    def _put(self, *, is_last: bool) -> None:
        self._out.write(self._cipher.encrypt(self._number, is_last, bytes(self._waiting[:CHUNK])))
        del self._waiting[:CHUNK]
        self._number += 1


class _Decrypting(io.RawIOBase):
    """The content of an encrypted archive; no byte is returned before its whole chunk is verified."""

    def __init__(self, encrypted_file: BinaryIO, path: Path, key: bytes) -> None:
        self._file, self._path = encrypted_file, path
        self._cipher = _cipher_of(encrypted_file.read(HEADER), path, key)
        stored = encrypted_file.seek(0, os.SEEK_END) - HEADER
        self._count = -(-stored // STORED)
        self._size = stored - self._count * TAG
        self._place, self._number, self._chunk = 0, -1, b""
        if not self._count:
            raise broken(path)
        self._load(self._count - 1)  # notices a truncated file at once

    def _load(self, number: int) -> None:
        if number == self._number:
            return
        self._file.seek(HEADER + number * STORED)
        try:
            self._chunk = self._cipher.decrypt(number, number == self._count - 1, self._file.read(STORED))
        except InvalidTag:
            raise broken(self._path) from None
        self._number = number

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        if self._place >= self._size:
            return 0
        number, start = divmod(self._place, CHUNK)
        self._load(number)
        piece = self._chunk[start : start + len(view)]
        view[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("before the start")
        self._place = start + offset
        return self._place


def _cipher_of(header: bytes, path: Path, key: bytes) -> _Cipher:
    start = len(MAGIC) + len(VERSION)
    if len(header) < HEADER:
        raise broken(path)
    if header[len(MAGIC) : start] != VERSION:
        raise BackupFailed(NEWER.format(path.name)) if header[len(MAGIC) : start - 1].isdigit() else broken(path)
    cipher = _Cipher(key, header[start : start + SALT])
    if not hmac.compare_digest(cipher.header, header):
        raise BackupFailed(WRONG_KEY.format(path.name))
    return cipher


def is_encrypted(path: Path) -> bool:
    """Tell by its first bytes whether an archive is read with a key."""
    with path.open("rb") as archive_file:
        return archive_file.read(len(MAGIC)) == MAGIC


@contextmanager
def open_target(out: BinaryIO, key: bytes | None) -> Iterator[Target]:
    """Yield the target of an archive: out itself, or with a key an encrypting writer."""
    if key is None:
        yield out
        return
    encrypting = _Encrypting(out, key)
    yield encrypting
    encrypting.finish()


@contextmanager
def open_content(path: Path) -> Iterator[BinaryIO]:
    """Open the content of an archive, encrypted or not."""
    with path.open("rb") as archive_file:
        if not is_encrypted(path):
            yield archive_file
            return
        decrypting = _Decrypting(archive_file, path, required_key(path))
        yield io.BufferedReader(decrypting, CHUNK)
