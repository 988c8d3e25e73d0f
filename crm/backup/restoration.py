"""Restoring a backup: beside first, checked and migrated to this version, and only then swapped in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection
from django.utils import timezone

from crm.file_permissions import FOLDER, give_to_owner_of
from kit.audit.log import log_event
from kit.audit.verification import verify

from . import files, grants, leftovers
from .archive import Archive
from .archive_v1 import ArchiveV1
from .creation import compare, database
from .encryption import is_encrypted
from .errors import BackupFailed, broken
from .key import key_file
from .manifest import DATABASE, FILES, Manifest
from .versions import migrate_copy, refuse_newer

LOST = "原数据库自己的设置没有带到新库，需要时请用 ALTER DATABASE 再设一次：{}"
RESTORED = "恢复备份"
NOT_ENCRYPTED = "这份备份没有加密，没有密钥的人也能改写它。"
GRANTS = "原数据库给其他账号的权限没有带到新库，需要时请由数据库管理员执行：\n{}"
BROKEN_AUDIT_LOG = "备份里的审计记录在备份以前就不完整：{}"


@dataclass(frozen=True)
class Restored:
    manifest: Manifest
    stamp: str
    migrated: int  # migrations that brought the copy to this version
    notes: tuple[str, ...]


def restore_backup(path: Path, *, overwrite: bool) -> Restored:
    """Restore beside, compare, migrate, swap. Raise BackupFailed; up to the swap nothing was changed."""
    archive = open_archive(path)
    if archive.manifest.vendor != connection.vendor:
        other = archive.manifest.vendor[:40]
        raise BackupFailed(f"这份备份来自 {other}，当前数据库是 {connection.vendor}，不能恢复。")
    refuse_newer(archive.manifest.migrations or [])
    archive.check()
    leftovers.refuse_unfinished()
    _refuse_full(overwrite)
    database().refuse_unfit()
    stamp = _stamp()
    try:
        # Read now: a connection just closed may still be listed at the swap.
        former_grants = database().read_grants(database().current_name())
        migrated, findings = _prepare(archive, stamp)
        settings = database().lost_settings()
        not_granted = grants.missing_grants(former_grants, database().read_grants(database().restored_name(stamp)))
        database().swap(database().restored_name(stamp), database().former_name(stamp))
    except BaseException:
        leftovers.drop(stamp)
        raise
    leftovers.swap_files(stamp)
    notes = [*_notes_on(archive), *_notes_on_loss(settings, not_granted), *map(BROKEN_AUDIT_LOG.format, findings[:3])]
    return Restored(archive.manifest, stamp, migrated, tuple(notes))


def _notes_on(archive: Archive | ArchiveV1) -> Iterator[str]:
    if archive.note:
        yield archive.note
    if key_file() and not is_encrypted(archive.path):
        yield NOT_ENCRYPTED


def _notes_on_loss(settings: list[str], not_granted: list[str]) -> Iterator[str]:
    if settings:
        yield LOST.format("；".join(settings))
    if not_granted:
        yield GRANTS.format("\n".join(not_granted))


def open_archive(path: Path) -> Archive | ArchiveV1:
    """Open a backup of either format; raise BackupFailed for any other file."""
    try:
        return Archive(path) if Archive.is_one(path) else ArchiveV1(path)
    except MemoryError:
        raise broken(path) from None


def _stamp() -> str:
    stamp = f"{timezone.localtime():%Y%m%d%H%M%S}"
    if any(leftover.stamp.startswith(stamp) for leftover in leftovers.find_leftovers()):
        raise BackupFailed("这一秒里已经有过一次恢复，请再试一次。")
    return stamp


def _refuse_full(overwrite: bool) -> None:
    if overwrite:
        return
    try:
        with connection.cursor() as cursor:
            if "accounts_user" not in connection.introspection.table_names(cursor):
                return
            cursor.execute("SELECT count(*) FROM accounts_user")
            people = cursor.fetchone()[0]
    except DatabaseError as error:
        raise BackupFailed("当前数据库读不出来。确定要用备份换掉它，请加 --overwrite（它会另外留着）。") from error
    if people:
        raise BackupFailed(f"当前数据库里已有 {people} 个用户。确定要用备份换掉它，请加 --overwrite（它会另外留着）。")


def _prepare(archive: Archive | ArchiveV1, stamp: str) -> tuple[int, list[str]]:
    """Restore files and database beside, compare and migrate; return migrations run and broken audit seals."""
    coming, scratch = files.folder_beside(files.COMING, stamp), leftovers.scratch(stamp)
    name = database().restored_name(stamp)
    files.root().mkdir(mode=FOLDER, parents=True, exist_ok=True)
    _refuse_without_room(archive, scratch.parent)
    coming.mkdir(mode=FOLDER)
    scratch.mkdir(mode=FOLDER)
    dumped = scratch / DATABASE
    archive.walk(lambda member: files.create_private(dumped if member == DATABASE else coming / member[len(FILES) :]))
    database().load(dumped, name)
    files.remove(scratch)
    give_to_owner_of(files.root(), coming)
    files.sync_all(coming)
    tables, migrations = database().examine(name)
    compare(archive.manifest, tables, migrations)
    refuse_newer(migrations)
    with _use_database(name):
        migrated, findings = migrate_copy(migrations), verify(now=_made_at(archive.manifest))
        _record(archive)
    database().finalize(name)
    return migrated, findings


def _made_at(manifest: Manifest) -> datetime | None:
    """Return when the backup was made: events unsealed then are not overdue for having lain in an archive."""
    try:
        made_at = datetime.fromisoformat(manifest.made_at)
    except ValueError:
        return None
    return made_at if timezone.is_aware(made_at) and 2000 < made_at.year < 3000 else None


def _record(archive: Archive | ArchiveV1) -> None:
    """Log the restore in the restored audit log, which is swapped in with its database."""
    with archive.path.open("rb") as archive_file:
        digest = hashlib.file_digest(archive_file, "sha256").hexdigest()
    facts = {"备份时间": _made_at(archive.manifest) or archive.manifest.made_at, "SHA-256": digest}
    log_event(None, RESTORED, text=archive.path.name, changes=facts)


def _refuse_without_room(archive: Archive | ArchiveV1, scratch: Path) -> None:
    """Raise BackupFailed without space for the archive; a remote PostgreSQL server reports a full disk itself."""
    needed = archive.path.stat().st_size
    for folder in (files.root(), scratch):
        free = shutil.disk_usage(folder).free
        if free < needed:
            sizes = f"需要 {needed // 2**20 + 1} MiB，只剩 {free // 2**20} MiB"
            raise BackupFailed(f"{folder} 所在的磁盘放不下恢复的数据（{sizes}）。请先腾出空间。")


@contextmanager
def _use_database(name: str) -> Iterator[None]:
    """Connect Django to that database meanwhile."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
        ContentType.objects.clear_cache()
