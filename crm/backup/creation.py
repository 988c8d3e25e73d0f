"""Creation of a backup: from one snapshot, checked by reading every byte and restoring it, and only then named."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from crm.file_permissions import FILE, make_folder

from . import files, postgres, sqlite
from .archive import Archive, Writer
from .encryption import Target, is_encrypted, open_target
from .errors import BackupFailed
from .key import configured_key
from .manifest import DATABASE, FILES, Manifest, Tables

SCRATCH, ABANDONED = "crm-scratch-", 86400  # seconds
MISSING = "数据库里提到、附件目录里却没有的文件 {} 个（备份里也没有）：{}"


@dataclass(frozen=True)
class Backup:
    path: Path
    manifest: Manifest

    @property
    def is_encrypted(self) -> bool:
        return is_encrypted(self.path)

    @property
    def notes(self) -> list[str]:
        missing = self.manifest.missing
        return [MISSING.format(len(missing), "、".join(missing[:5]))] if missing else []


def database() -> ModuleType:
    """Return the module for the configured database; both have the same functions."""
    return postgres if connection.vendor == "postgresql" else sqlite


def product() -> str:
    text = (Path(settings.BASE_DIR) / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def make_backup(folder: Path) -> Backup:
    """Write crm-<time>.tar into the folder; the name appears once its content was restored and compared.

    With a key it is crm-<time>.tar.enc, and the folder, which may be elsewhere, holds encrypted data only.
    """
    key = configured_key()
    _refuse_inside(folder)
    make_folder(folder)
    workplace = Path(settings.VAR_DIR) if key else folder
    _sweep(folder)
    final = folder / f"crm-{timezone.localtime():%Y%m%d-%H%M%S}.tar{'.enc' if key else ''}"
    part = final.with_name(f"{final.name}.{secrets.token_hex(4)}.part")
    try:
        with tempfile.TemporaryDirectory(dir=workplace, prefix=SCRATCH) as scratch:
            manifest = _write(part, Path(scratch) / DATABASE, key)
            _check(part, manifest, Path(scratch) / "again")
        os.replace(part, final)
        files.sync(folder)
    finally:
        part.unlink(missing_ok=True)
    return Backup(final, manifest)


def _sweep(folder: Path) -> None:
    """Remove copies that killed backups left: they hold everything."""
    for path in [*folder.glob("crm-*.part"), *folder.glob(f"{SCRATCH}*"), *Path(settings.VAR_DIR).glob(f"{SCRATCH}*")]:
        if path.lstat().st_mtime < time.time() - ABANDONED:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _refuse_inside(folder: Path) -> None:
    if folder.resolve().is_relative_to(files.root().resolve()):
        raise BackupFailed("备份目录不能放在附件目录里，否则每次备份都会把以前的备份再备份一遍。")


def _write(part: Path, dumped: Path, key: bytes | None) -> Manifest:
    contents = database().dump(dumped, list(_file_columns()))
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "wb") as out:
        with open_target(out, key) as target:
            manifest = _write_members(target, dumped, *contents)
        out.flush()
        os.fsync(out.fileno())
    return manifest


def _write_members(
    target: Target, dumped: Path, tables: Tables, migrations: list[tuple[str, str]], file_names: set[str]
) -> Manifest:
    writer = Writer(target)
    writer.add(DATABASE, dumped)
    for name, path in files.stored_files():  # after the rows: a row's file is there before the row
        try:
            writer.add(name, path)
        except FileNotFoundError:  # its row was deleted meanwhile
            continue
    manifest = Manifest(
        vendor=connection.vendor,
        tables=tables,
        members=writer.members,
        migrations=migrations,
        missing=tuple(sorted(name for name in file_names if f"{FILES}{name}" not in writer.members)),
        product=product(),
        made_at=timezone.localtime().isoformat(),
    )
    writer.close(manifest)
    return manifest


def _file_columns() -> Iterator[tuple[str, str]]:
    """Yield tables and columns that hold names of stored files."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.FileField) and field.column:
                yield model._meta.db_table, field.column


def _check(part: Path, manifest: Manifest, dumped: Path) -> None:
    """Read the archive and restore it into a copy; both must equal the original."""
    archive = Archive(part)
    if archive.manifest != manifest:
        raise BackupFailed("核对失败：写出的清单读回来不一样。")
    archive.walk(lambda name: files.create_private(dumped) if name == DATABASE else None)
    with database().checked_copy(dumped) as name:
        compare(manifest, *database().examine(name))


def compare(manifest: Manifest, tables: dict[str, Any], migrations: list[tuple[str, str]]) -> None:
    """Raise BackupFailed unless a restored database equals the manifest, table by table."""
    expected = manifest.tables
    different = sorted(name for name in expected.keys() | tables.keys() if expected.get(name) != tables.get(name))
    if different:
        raise BackupFailed(f"核对失败：表 {'、'.join(different[:5])} 与备份时不同。")
    if manifest.migrations is not None and manifest.migrations != migrations:
        raise BackupFailed("核对失败：备份的清单和数据库里的版本记录不同。")
