"""PostgreSQL: dumped by pg_dump from one snapshot, restored into a database beside, renamed in one transaction."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from django.utils import timezone
from psycopg import sql
from psycopg.conninfo import make_conninfo

from . import grants
from .errors import BackupFailed
from .manifest import Tables

LIBPQ = ("host", "hostaddr", "port", "user", "passfile", "service", "sslmode", "sslrootcert", "sslcert", "sslkey")
CAN_RESTORE = """SELECT rolsuper OR (rolcreatedb AND pg_has_role(current_user, datdba, 'MEMBER')), current_user
    FROM pg_roles, pg_database WHERE rolname = current_user AND datname = %s"""
MISSING_PRIVILEGES = (
    "数据库账号 {user} 不能新建和改名数据库，恢复要在旁边建一个新库，核对以后再换。什么都没有改动。"
    "请由数据库管理员执行：ALTER ROLE {user} CREATEDB; ALTER DATABASE {name} OWNER TO {user};"
)
IN_USE = "还有连接在使用数据库 {}（{}）。请先停止服务（网页、后台任务、定时任务），再运行一次。"
OTHER_CONNECTIONS = """SELECT coalesce(nullif(application_name, ''), usename, backend_type) FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
SETTINGS = """SELECT unnest(setconfig) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
    WHERE datname = %s"""


def current_name() -> str:
    return str(connection.settings_dict["NAME"])


def _parameters(name: str) -> dict[str, Any]:
    params = connection.get_connection_params()
    return {key: params[key] for key in (*LIBPQ, "password") if params.get(key)} | {"dbname": name}


@contextmanager
def connect_to(name: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**_parameters(name)) as database:
        yield database


@contextmanager
def _server(*, atomic: bool = False) -> Iterator[psycopg.Connection]:
    """Connect to a database that is neither ours nor a copy of it, to create, rename and drop those."""
    reason = ""
    for name in ("postgres", "template1"):
        try:
            server = psycopg.connect(**_parameters(name), autocommit=not atomic)
            break
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1]
    else:
        raise BackupFailed(
            f"连不上 postgres 库，也连不上 template1：{reason}。请检查数据库是否已启动、账号能否连接其中一个。"
        )
    with server:
        yield server


def dump(target: Path, fields: Iterable[tuple[str, str]]) -> tuple[Tables, list[tuple[str, str]], set[str]]:
    """Dump one snapshot by pg_dump; return its tables, its migrations and the files its rows name."""
    with connect_to(current_name()) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = reader.execute("SELECT pg_export_snapshot()").fetchone()
        contents = tables(reader), migrations(reader), _file_names(reader, fields)
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
        _run("pg_dump", current_name(), *options, f"--snapshot={snapshot[0] if snapshot else ''}")
    return contents


def _file_names(reader: psycopg.Connection, fields: Iterable[tuple[str, str]]) -> set[str]:
    columns = set(reader.execute("SELECT table_name, column_name FROM information_schema.columns").fetchall())
    file_names: set[str] = set()
    for table, column in fields:
        if (table, column) in columns:
            statement = sql.SQL("SELECT {0} FROM {1} WHERE {0} <> ''")
            rows = reader.execute(statement.format(sql.Identifier(column), sql.Identifier(table)))
            file_names.update(name for (name,) in rows)
    return file_names


def tables(database: psycopg.Connection) -> Tables:
    with psycopg.Cursor(database) as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        names = sorted(name for (name,) in cursor.fetchall())
        result = {}
        for name in names:
            statement = "SELECT count(*), sum(hashtextextended(row_::text, 0)::numeric)::text FROM {} AS row_"
            cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
            result[name] = list(cursor.fetchone() or ())
        return result


def migrations(database: psycopg.Connection) -> list[tuple[str, str]]:
    table = database.execute("SELECT to_regclass('public.django_migrations')").fetchone()
    if not table or table[0] is None:
        return []
    return [(app, name) for app, name in database.execute("SELECT app, name FROM django_migrations ORDER BY app, name")]


def examine(name: str) -> tuple[Tables, list[tuple[str, str]]]:
    with connect_to(name) as database:
        return tables(database), migrations(database)


@contextmanager
def checked_copy(dumped: Path) -> Iterator[str]:
    """Create a database from the dump; drop it afterwards."""
    now = f"{timezone.localtime():%Y%m%d%H%M%S}"
    for name_beside in databases_beside():  # by a backup that was killed a day ago or longer
        match = re.fullmatch(rf"{re.escape(current_name()[:40])}_check_(\d{{14}})_\w+", name_beside)
        if match and int(now) - int(match[1]) >= 1_000_000:
            drop(name_beside)
    name = f"{current_name()[:40]}_check_{now}_{os.urandom(2).hex()}"
    try:
        load(dumped, name)
        yield name
    finally:
        drop(name)


def restored_name(stamp: str) -> str:
    return f"{current_name()}_restore_{stamp}"


def former_name(stamp: str) -> str:
    return f"{current_name()}_former_{stamp}"


def databases_beside() -> list[str]:
    """Return the names of databases beside our own."""
    with _server() as server:
        rows = server.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{current_name()[:40]}_"]
        )
        return [name for (name,) in rows]


def refuse_unfit() -> None:
    """Raise BackupFailed when a restore cannot succeed: privileges, length of names, other connections."""
    connection.close()
    if len(former_name("0" * 15).encode()) > 63:
        raise BackupFailed(f"数据库名 {current_name()} 太长，放不下旁边的库名；请改短（不超过 39 个字节）。")
    with _server() as server:
        row = server.execute(CAN_RESTORE, [current_name()]).fetchone()
        if not row or not row[0]:
            raise BackupFailed(MISSING_PRIVILEGES.format(user=row[1] if row else "", name=current_name()))
        _refuse_others(server)
    for program in ("pg_dump", "pg_restore"):
        _program(program)


def _refuse_others(server: psycopg.Connection) -> None:
    others = [who for (who,) in server.execute(OTHER_CONNECTIONS, [current_name()])]
    if others:
        raise BackupFailed(IN_USE.format(current_name(), f"{len(others)} 个：{'、'.join(sorted(set(others))[:5])}"))


def load(dumped: Path, name: str) -> None:
    """Create a database of that name from the dump, with our own encoding and collation."""
    with _server() as server:
        row = server.execute(
            "SELECT to_jsonb(pg_database) FROM pg_database WHERE datname = %s", [current_name()]
        ).fetchone()
        like: dict[str, Any] = row[0] if row else {}
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
            sql.Identifier(name),
            sql.Literal(like.get("encoding", 6)),
            sql.Literal(like.get("datcollate", "C")),
            sql.Literal(like.get("datctype", "C")),
        )
        rules = like.get("daticulocale") or like.get("datlocale")
        if like.get("datlocprovider") == "i" and rules:
            create += sql.SQL(" LOCALE_PROVIDER icu ICU_LOCALE {}").format(sql.Literal(rules))
        try:
            server.execute(create)
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupFailed("数据库账号不能建库，无法用恢复来验证备份。请让它可以建库（CREATEDB）。") from error
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", name, *options, str(dumped))


def finalize(name: str) -> None:
    """Compute the planner's statistics, which a dump does not hold."""
    with connect_to(name) as database:
        database.autocommit = True
        database.execute("ANALYZE")


def swap(coming: str, going: str) -> None:
    """Rename our own database to going and coming to our own, both or neither."""
    connection.close()
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with _server(atomic=True) as server:
        _refuse_others(server)
        try:
            server.execute(rename.format(sql.Identifier(current_name()), sql.Identifier(going)))
            server.execute(rename.format(sql.Identifier(coming), sql.Identifier(current_name())))
        except psycopg.errors.ObjectInUse as error:
            raise BackupFailed(IN_USE.format(current_name(), str(error).splitlines()[-1])) from error


def drop(name: str) -> None:
    """Drop a database, even while the pg_restore of a killed restore still writes into it."""
    with _server() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def lost_settings() -> list[str]:
    """Return settings of our own database that a new one of its name does not have."""
    with _server() as server:
        return [setting for (setting,) in server.execute(SETTINGS, [current_name()])]


def read_grants(name: str) -> set[grants.Grant]:
    """Return the privileges in that database, as if it had our own name."""
    with connect_to(name) as database:
        return grants.read(database, current_name())


def _program(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise BackupFailed(f"找不到 {program}。请安装 PostgreSQL 客户端（Debian：apt-get install postgresql-client）。")
    return path


def _run(program: str, name: str, *options: str) -> None:
    parameters = _parameters(name)
    environment = {**os.environ, "PGPASSWORD": str(parameters.pop("password", ""))}
    command = [_program(program), f"--dbname={make_conninfo(**parameters)}", *options]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if process.returncode:
        raise BackupFailed(f"{program} 失败：{process.stderr.strip()[:500]}")
