"""SQLite: the database is one file; copies are made by its own backup and change places by renaming."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import connection

from crm.file_permissions import FILE, SQLITE_PARTS, give_to_owner_of

from .errors import BackupFailed
from .files import sync
from .grants import Grant
from .manifest import Tables

IN_USE = "还有进程在使用数据库 {}。请先停止服务（网页、后台任务、定时任务），再运行一次。"


def current_name() -> str:
    return str(connection.settings_dict["NAME"])


@contextmanager
def connect_to(name: str | Path) -> Iterator[sqlite3.Connection]:
    """Open another file, with the functions that Django's indexes and constraints use."""
    other: Any = connection.copy()
    other.settings_dict |= {"NAME": str(name), "OPTIONS": {"timeout": 2}}
    other.connect()
    try:
        yield other.connection
    finally:
        other.close()


def dump(target: Path, fields: Iterable[tuple[str, str]]) -> tuple[Tables, list[tuple[str, str]], set[str]]:
    """Copy one snapshot; return its tables, its migrations and the files its rows name."""
    connection.ensure_connection()
    source: Any = connection.connection
    source.execute("BEGIN")  # rows and copy are of the same snapshot, whoever writes meanwhile
    try:
        with connect_to(target) as copy:
            contents = tables(source), migrations(source), _file_names(source, fields)
            source.backup(copy)
    finally:
        source.execute("ROLLBACK")
    return contents


def _file_names(source: sqlite3.Connection, fields: Iterable[tuple[str, str]]) -> set[str]:
    file_names: set[str] = set()
    for table, column in fields:
        columns = {row[1] for row in source.execute(f'PRAGMA table_info("{table}")')}
        if column in columns:
            statement = f"""SELECT "{column}" FROM "{table}" WHERE "{column}" <> ''"""  # noqa: S608  (names of models)
            file_names.update(name for (name,) in source.execute(statement))
    return file_names


def tables(database: sqlite3.Connection) -> Tables:
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    result = {}
    for name in names:
        summary, rows = hashlib.sha256(), 0
        columns = [column[1] for column in database.execute(f'PRAGMA table_info("{name}")')]
        quoted_columns = " || ',' || ".join(f'quote("{column}")' for column in columns)  # as it lies there, unconverted
        statement = f'SELECT {quoted_columns} FROM "{name}" ORDER BY rowid'  # noqa: S608  (names of the schema)
        for (row,) in database.execute(statement):
            summary.update(row.encode())
            rows += 1
        result[name] = [rows, summary.hexdigest()]
    return result


def migrations(database: sqlite3.Connection) -> list[tuple[str, str]]:
    exists = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'django_migrations'").fetchone()[0]
    rows = database.execute("SELECT app, name FROM django_migrations ORDER BY app, name") if exists else ()
    return [(app, name) for app, name in rows]


def examine(name: str | Path) -> tuple[Tables, list[tuple[str, str]]]:
    """Return tables and migrations of a copy; raise BackupFailed when the file is damaged."""
    try:
        with connect_to(name) as database:
            if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise BackupFailed("备份里的数据库文件已损坏（integrity_check）。")
            if database.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupFailed("备份里的数据库有指向不存在记录的行（foreign_key_check）。")
            return tables(database), migrations(database)
    except (sqlite3.Error, UnicodeDecodeError, AttributeError) as error:
        raise BackupFailed(f"备份里的数据库文件读不出来（{error}）。") from error


@contextmanager
def checked_copy(dumped: Path) -> Iterator[str]:
    """Yield the dump itself, which is the restored database."""
    yield str(dumped)


def restored_name(stamp: str) -> str:
    return f"{current_name()}.restore-{stamp}"


def former_name(stamp: str) -> str:
    return f"{current_name()}.former-{stamp}"


def databases_beside() -> list[str]:
    """Return the names of databases beside our own."""
    return [str(path) for path in Path(current_name()).parent.glob(f"{Path(current_name()).name}.*-*")]


def refuse_unfit() -> None:
    """Raise BackupFailed when a restore cannot succeed."""
    here: Any = connection
    if here.is_in_memory_db():
        raise BackupFailed("内存中的数据库不能恢复。")
    connection.close()
    with suppress(sqlite3.DatabaseError), connect_to(current_name()) as database:
        database.execute("PRAGMA locking_mode=EXCLUSIVE")  # fails when others are connected, and writes nothing
        with _unused():
            database.execute("BEGIN EXCLUSIVE")


def load(dumped: Path, name: str) -> None:
    """Rename the dump to the database of that name."""
    dumped.chmod(FILE)
    dumped.rename(name)


def finalize(name: str) -> None:
    """Write a copy's log into its file, and the file to disk."""
    with connect_to(name) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    sync(Path(name))


@contextmanager
def _unused() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise BackupFailed(IN_USE.format(current_name())) from error
        raise


def _checkpoint() -> bool:
    """Write the log into the file; return False when it cannot be read; raise BackupFailed while others use it."""
    connection.close()
    try:
        with connect_to(current_name()) as database, _unused():
            database.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.DatabaseError:
        return False
    return True


def swap(coming: str, going: str) -> None:
    """Rename our own database to going and coming to our own; one of them is complete at any time."""
    present, moved_parts = Path(current_name()), []
    give_to_owner_of(present, Path(coming))
    try:
        if not _checkpoint():  # unreadable: its log goes with it, else the next database would be given its pages
            for part in SQLITE_PARTS[1:]:
                if Path(f"{present}{part}").exists():
                    Path(f"{present}{part}").rename(f"{going}{part}")
                    moved_parts.append(part)
        _link_or_copy(present, going)
        os.replace(coming, present)
    except BaseException:
        for part in moved_parts:
            Path(f"{going}{part}").rename(f"{present}{part}")
        raise
    sync(present.parent)


def _link_or_copy(present: Path, going: str) -> None:
    Path(going).unlink(missing_ok=True)
    try:
        os.link(present, going)
    except OSError:  # a file system without hard links
        shutil.copy2(present, going)
    sync(Path(going))


def drop(name: str) -> None:
    for part in SQLITE_PARTS:
        Path(f"{name}{part}").unlink(missing_ok=True)


def lost_settings() -> list[str]:
    """Return no settings: a file has none."""
    return []


def read_grants(name: str) -> set[Grant]:
    """Return no privileges: a file has none."""
    return set()
