"""One file with the database and the stored files: made from one moment, checked by restoring it, then named.

The manifest inside holds the number of rows and a checksum of every table, and a checksum of every file.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.utils import timezone
from psycopg import sql

MANIFEST, DATABASE, FILES = "manifest.json", "database", "files"
Tables = dict[str, list[Any]]  # name: [rows, checksum]


class BackupFailed(Exception):
    """What went wrong and what to do, in Chinese; nothing was left behind under a final name."""


def make_backup(folder: Path) -> Path:
    """Writes crm-<time>.tar into the folder; the name appears once what it holds was restored and compared."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"crm-{timezone.localtime():%Y%m%d-%H%M%S}.tar"
    part = final.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            dump = Path(scratch) / DATABASE
            tables = _postgres_dump(dump) if _is_postgres() else _sqlite_copy(dump)
            manifest = {"vendor": connection.vendor, "tables": tables, "files": _pack(part, dump, tables)}
        _check_archive(part, manifest)
        os.replace(part, final)
    finally:
        part.unlink(missing_ok=True)
    return final


def restore_backup(archive: Path, *, overwrite: bool) -> dict[str, Any]:
    """Puts database and files back as they were; raises BackupFailed unless everything compares equal."""
    _refuse_full(overwrite)
    with _unpacked(archive) as (folder, manifest):
        if manifest["vendor"] != connection.vendor:
            raise BackupFailed(f"这份备份来自 {manifest['vendor']}，当前数据库是 {connection.vendor}，不能恢复。")
        _compare(manifest["files"], _checksums(folder / FILES), "文件")
        if _is_postgres():
            _pg_restore(folder / DATABASE, str(connection.settings_dict["NAME"]))
            connection.close()
        else:
            with sqlite_file(folder / DATABASE) as copy:
                _compare(manifest["tables"], sqlite_tables(copy), "备份里的表")
                copy.backup(_raw())
        _compare(manifest["tables"], _own_tables(), "恢复后的表")
        _put_files(folder / FILES)
    return manifest


# The archive


def _pack(part: Path, dump: Path, tables: Tables) -> dict[str, str]:
    root = Path(settings.MEDIA_ROOT)
    files = _checksums(root)
    manifest = dump.with_name(MANIFEST)
    content = {"made_at": timezone.localtime().isoformat(), "vendor": connection.vendor}
    manifest.write_text(json.dumps({**content, "tables": tables, "files": files}, ensure_ascii=False))
    with tarfile.open(part, "w") as archive:
        archive.add(manifest, MANIFEST)
        archive.add(dump, DATABASE)
        for name in files:
            archive.add(root / name, f"{FILES}/{name}")
    with part.open("rb") as written:
        os.fsync(written.fileno())
    return files


@contextmanager
def _unpacked(archive: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    try:
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch, tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
            folder = Path(scratch)
            yield folder, json.loads((folder / MANIFEST).read_text())
    except (tarfile.TarError, EOFError, FileNotFoundError, json.JSONDecodeError) as error:
        raise BackupFailed(f"{archive.name} 不是完整的备份文件（{error}）。") from error


def _check_archive(part: Path, manifest: dict[str, Any]) -> None:
    """Restores what was written into a place of its own and compares it with what was read."""
    with _unpacked(part) as (folder, _):
        _compare(manifest["files"], _checksums(folder / FILES), "文件")
        if _is_postgres():
            with _scratch_database() as name:
                _pg_restore(folder / DATABASE, name)
                with psycopg.connect(**_parameters(name)) as restored:
                    _compare(manifest["tables"], postgres_tables(restored), "表")
        else:
            with sqlite_file(folder / DATABASE) as copy:
                _compare(manifest["tables"], sqlite_tables(copy), "表")


def _compare(expected: dict[str, Any], found: dict[str, Any], what: str) -> None:
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise BackupFailed(f"核对失败：{what} {'、'.join(wrong[:5])} 与备份时不同。")


def _checksums(root: Path) -> dict[str, str]:
    """Checksums of the files below a folder by their relative names."""
    found = {}
    for path in sorted(root.rglob("*")) if root.exists() else ():
        if path.is_file():
            with path.open("rb") as opened:
                found[str(path.relative_to(root))] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found


def _put_files(restored: Path) -> None:
    """The files as they were; what lies there now stands beside them until the new ones are in place."""
    root = Path(settings.MEDIA_ROOT)
    former = root.with_name(f"{root.name}.former-{secrets.token_hex(4)}")
    if root.exists():
        root.rename(former)
    if restored.exists():
        shutil.copytree(restored, root)
    else:
        root.mkdir(parents=True)
    shutil.rmtree(former, ignore_errors=True)


def _refuse_full(overwrite: bool) -> None:
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        if "accounts_user" in tables:
            cursor.execute("SELECT count(*) FROM accounts_user")
            people = cursor.fetchone()[0]
        else:
            people = 0
    if people and not overwrite:
        raise BackupFailed(f"当前数据库里已有 {people} 个用户。确定要用备份覆盖它，请加 --overwrite。")


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def _own_tables() -> Tables:
    connection.ensure_connection()
    return postgres_tables(_raw()) if _is_postgres() else sqlite_tables(_raw())


def _raw() -> Any:
    """The driver's own connection."""
    connection.ensure_connection()
    return connection.connection


# SQLite


@contextmanager
def sqlite_file(path: Path) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(path)
    try:
        yield opened
    finally:
        opened.close()


def _sqlite_copy(target: Path) -> Tables:
    """Copies the database as it is at one moment, by SQLite's own backup; gives what it holds."""
    source = _raw()
    source.execute("BEGIN")  # rows and copy are read from the same moment, whoever writes meanwhile
    try:
        tables = sqlite_tables(source)
        with sqlite_file(target) as copy:
            source.backup(copy)
    finally:
        source.execute("ROLLBACK")
    return tables


def sqlite_tables(opened: Any) -> Tables:
    names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {}
    for name in names:
        summary, rows = hashlib.sha256(), 0
        columns = [column[1] for column in opened.execute(f'PRAGMA table_info("{name}")')]
        stored = " || ',' || ".join(f'quote("{column}")' for column in columns)  # as it lies there, unconverted
        for (row,) in opened.execute(f'SELECT {stored} FROM "{name}" ORDER BY rowid'):  # noqa: S608  (names of the schema)
            summary.update(row.encode())
            rows += 1
        found[name] = [rows, summary.hexdigest()]
    return found


# PostgreSQL


def _parameters(name: str) -> dict[str, Any]:
    asked = connection.get_connection_params()
    return {key: asked[key] for key in ("host", "port", "user", "password") if asked.get(key)} | {"dbname": name}


def _postgres_dump(target: Path) -> Tables:
    """Dumps one snapshot by pg_dump; gives what the same snapshot holds."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(**_parameters(name)) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        found = reader.execute("SELECT pg_export_snapshot()").fetchone()
        tables = postgres_tables(reader)
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
        _run("pg_dump", name, *options, f"--snapshot={found[0] if found else ''}")
    return tables


def postgres_tables(opened: Any) -> Tables:
    with psycopg.Cursor(opened) as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        names = sorted(name for (name,) in cursor.fetchall())
        found = {}
        for name in names:
            statement = "SELECT count(*), sum(hashtextextended(row_::text, 0)::numeric)::text FROM {} AS row_"
            cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
            found[name] = list(cursor.fetchone() or ())
        return found


def _pg_restore(dump: Path, name: str) -> None:
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", name, *options, str(dump))


@contextmanager
def _scratch_database() -> Iterator[str]:
    """A database of its own on the same server, gone afterwards."""
    name = f"crm_check_{secrets.token_hex(6)}"
    own = str(connection.settings_dict["NAME"])
    create, drop = (sql.SQL(f"{verb} DATABASE {{}}").format(sql.Identifier(name)) for verb in ("CREATE", "DROP"))
    with psycopg.connect(**_parameters(own), autocommit=True) as server:
        try:
            server.execute(create + sql.SQL(" TEMPLATE template0"))
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupFailed("数据库账号不能建库，无法用恢复来验证备份。请让它可以建库（CREATEDB）。") from error
        try:
            yield name
        finally:
            server.execute(drop)


def _run(program: str, name: str, *options: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"找不到 {program}。请安装 PostgreSQL 客户端（Debian：apt-get install postgresql-client）。")
    parameters = _parameters(name)
    environment = {**os.environ, "PGPASSWORD": str(parameters.pop("password", ""))}
    where = [f"--{key}={value}" for key, value in parameters.items() if key != "user"]
    who = [f"--username={parameters['user']}"] if "user" in parameters else []
    done = subprocess.run([found, *where, *who, *options], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupFailed(f"{program} 失败：{done.stderr.strip()[:500]}")
