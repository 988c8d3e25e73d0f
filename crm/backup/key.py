"""The key of encrypted backups: 64 hexadecimal digits in a file that only its owner reads."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from django.conf import settings

from crm.file_permissions import FILE, UMASK, make_folder

from .errors import BackupFailed

BYTES = 32
LONGEST = 1024  # bytes that are read of a key file
NO_KEY = "{name} 是加密的备份。请用 CRM_BACKUP_KEY_FILE 指定当时的密钥文件。"


def key_file() -> Path | None:
    """Return where the setting says the key lies; None: backups are not encrypted."""
    return Path(settings.BASE_DIR, settings.CRM_BACKUP_KEY_FILE) if settings.CRM_BACKUP_KEY_FILE else None


def configured_key() -> bytes | None:
    """Return the key, None without the setting; raise BackupFailed for a file that is no good."""
    path = key_file()
    return read_key(path) if path else None


def required_key(archive: Path) -> bytes:
    """Return the key for an archive that cannot be read without one."""
    key = configured_key()
    if key is None:
        raise BackupFailed(NO_KEY.format(name=archive.name))
    return key


def read_key(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe answers at once, too
        try:
            mode = os.fstat(descriptor).st_mode
            text = os.read(descriptor, LONGEST) if stat.S_ISREG(mode) else b""
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BackupFailed(f"读不了密钥文件 {path}（CRM_BACKUP_KEY_FILE）：{error.strerror}。") from error
    if not stat.S_ISREG(mode):
        raise BackupFailed(f"密钥文件 {path}（CRM_BACKUP_KEY_FILE）不是普通文件。")
    if mode & UMASK:
        raise BackupFailed(f"密钥文件 {path} 别人也能读写（{stat.S_IMODE(mode):04o}）。请运行 chmod 600 {path}。")
    if not re.fullmatch(rb"[0-9a-fA-F]{%d}" % (2 * BYTES), text.strip()):
        raise BackupFailed(f"密钥文件 {path} 里应当只有 {2 * BYTES} 个十六进制数字（manage.py make_backup_key 生成）。")
    return bytes.fromhex(text.decode())


def make_key(path: Path) -> None:
    """Write a new key into a new file; raise BackupFailed when there is one, which backups may need."""
    make_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
    except FileExistsError as error:
        raise BackupFailed(f"{path} 已经有了，没有改动：已有的备份可能要用它才读得出来。") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(f"{secrets.token_hex(BYTES)}\n")
        out.flush()
        os.fsync(out.fileno())
