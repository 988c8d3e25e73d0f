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

from .failure import BackupFailed
from .files import sync
from .grants import Right
from .manifest import Tables

IN_USE = "还有进程在使用数据库 {}。请先停止服务（网页、后台任务、定时任务），再运行一次。"


def own() -> str:
    return str(connection.settings_dict["NAME"])


@contextmanager
def opened(name: str | Path) -> Iterator[sqlite3.Connection]:
    """Another file, with the functions that Django's indexes and constraints use."""
    other: Any = connection.copy()
    other.settings_dict |= {"NAME": str(name), "OPTIONS": {"timeout": 2}}
    other.connect()
    try:
        yield other.connection
    finally:
        other.close()


def dump(target: Path, fields: Iterable[tuple[str, str]]) -> tuple[Tables, list[tuple[str, str]], set[str]]:
    """Copies the database as it is at one moment; gives its tables, its migrations and the files its rows name."""
    connection.ensure_connection()
    source: Any = connection.connection
    source.execute("BEGIN")  # rows and copy are read from the same moment, whoever writes meanwhile
    try:
        with opened(target) as copy:
            found = tables(source), migrations(source), _named(source, fields)
            source.backup(copy)
    finally:
        source.execute("ROLLBACK")
    return found


def _named(source: Any, fields: Iterable[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    for table, column in fields:
        known = {row[1] for row in source.execute(f'PRAGMA table_info("{table}")')}
        if column in known:
            statement = f"""SELECT "{column}" FROM "{table}" WHERE "{column}" <> ''"""  # noqa: S608  (names of models)
            found.update(name for (name,) in source.execute(statement))
    return found


def tables(database: Any) -> Tables:
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {}
    for name in names:
        summary, rows = hashlib.sha256(), 0
        columns = [column[1] for column in database.execute(f'PRAGMA table_info("{name}")')]
        stored = " || ',' || ".join(f'quote("{column}")' for column in columns)  # as it lies there, unconverted
        statement = f'SELECT {stored} FROM "{name}" ORDER BY rowid'  # noqa: S608  (names of the schema)
        for (row,) in database.execute(statement):
            summary.update(row.encode())
            rows += 1
        found[name] = [rows, summary.hexdigest()]
    return found


def migrations(database: Any) -> list[tuple[str, str]]:
    there = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'django_migrations'").fetchone()[0]
    rows = database.execute("SELECT app, name FROM django_migrations ORDER BY app, name") if there else ()
    return [(app, name) for app, name in rows]


def examine(name: str | Path) -> tuple[Tables, list[tuple[str, str]]]:
    """What a copy holds; raises BackupFailed when the file is not whole in itself."""
    try:
        with opened(name) as database:
            if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise BackupFailed("备份里的数据库文件已损坏（integrity_check）。")
            if database.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupFailed("备份里的数据库有指向不存在记录的行（foreign_key_check）。")
            return tables(database), migrations(database)
    except (sqlite3.Error, UnicodeDecodeError, AttributeError) as error:
        raise BackupFailed(f"备份里的数据库文件读不出来（{error}）。") from error


@contextmanager
def checked_copy(dumped: Path) -> Iterator[str]:
    """The dump itself is the restored database."""
    yield str(dumped)


def beside(stamp: str) -> str:
    return f"{own()}.restore-{stamp}"


def former(stamp: str) -> str:
    return f"{own()}.former-{stamp}"


def kept() -> list[str]:
    """Names of databases beside our own."""
    return [str(path) for path in Path(own()).parent.glob(f"{Path(own()).name}.*-*")]


def refuse_unfit() -> None:
    """Raises BackupFailed when a restore could not end well here."""
    here: Any = connection
    if here.is_in_memory_db():
        raise BackupFailed("内存中的数据库不能恢复。")
    connection.close()
    with suppress(sqlite3.DatabaseError), opened(own()) as database:
        database.execute("PRAGMA locking_mode=EXCLUSIVE")  # says who else is there, and writes nothing
        with _unused():
            database.execute("BEGIN EXCLUSIVE")


def load(dumped: Path, name: str) -> None:
    """The dump becomes the database of that name."""
    dumped.chmod(FILE)
    dumped.rename(name)


def settle(name: str) -> None:
    """Everything of a copy into its one file, and that onto the disk."""
    with opened(name) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    sync(Path(name))


@contextmanager
def _unused() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise BackupFailed(IN_USE.format(own())) from error
        raise


def _quiet() -> bool:
    """Brings the log into the file; raises BackupFailed while somebody else has it open, False: it cannot be read."""
    connection.close()
    try:
        with opened(own()) as database, _unused():
            database.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.DatabaseError:
        return False
    return True


def swap(coming: str, going: str) -> None:
    """Our own database goes under the one name, the other becomes our own: at every moment one of them is whole."""
    present, moved = Path(own()), []
    give_to_owner_of(present, Path(coming))
    try:
        if not _quiet():  # unreadable: its log goes with it, else the next database would be given its pages
            for part in SQLITE_PARTS[1:]:
                if Path(f"{present}{part}").exists():
                    Path(f"{present}{part}").rename(f"{going}{part}")
                    moved.append(part)
        _name_too(present, going)
        os.replace(coming, present)
    except BaseException:
        for part in moved:
            Path(f"{going}{part}").rename(f"{present}{part}")
        raise
    sync(present.parent)


def _name_too(present: Path, going: str) -> None:
    Path(going).unlink(missing_ok=True)
    try:
        os.link(present, going)
    except OSError:  # a file system without second names
        shutil.copy2(present, going)
    sync(Path(going))


def drop(name: str) -> None:
    for part in SQLITE_PARTS:
        Path(f"{name}{part}").unlink(missing_ok=True)


def loses() -> list[str]:
    """What a new database would not have of our own's settings: a file has none."""
    return []


def rights(name: str) -> set[Right]:
    """What other roles may do in that database: a file knows none."""
    return set()
