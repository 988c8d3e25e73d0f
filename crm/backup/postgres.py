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
from .failure import BackupFailed
from .manifest import Tables

LIBPQ = ("host", "hostaddr", "port", "user", "passfile", "service", "sslmode", "sslrootcert", "sslcert", "sslkey")
MAY = """SELECT rolsuper OR (rolcreatedb AND pg_has_role(current_user, datdba, 'MEMBER')), current_user
    FROM pg_roles, pg_database WHERE rolname = current_user AND datname = %s"""
MAY_NOT = (
    "数据库账号 {user} 不能新建和改名数据库，恢复要在旁边建一个新库，核对以后再换。什么都没有改动。"
    "请由数据库管理员执行：ALTER ROLE {user} CREATEDB; ALTER DATABASE {name} OWNER TO {user};"
)
IN_USE = "还有连接在使用数据库 {}（{}）。请先停止服务（网页、后台任务、定时任务），再运行一次。"
OTHERS = """SELECT coalesce(nullif(application_name, ''), usename, backend_type) FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
SETTINGS = """SELECT unnest(setconfig) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
    WHERE datname = %s"""


def own() -> str:
    return str(connection.settings_dict["NAME"])


def _parameters(name: str) -> dict[str, Any]:
    asked = connection.get_connection_params()
    return {key: asked[key] for key in (*LIBPQ, "password") if asked.get(key)} | {"dbname": name}


@contextmanager
def opened(name: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**_parameters(name)) as database:
        yield database


@contextmanager
def _server(*, atomic: bool = False) -> Iterator[psycopg.Connection]:
    """A connection to a database that is neither ours nor one beside, to make, rename and drop those."""
    said = ""
    for name in ("postgres", "template1"):
        try:
            server = psycopg.connect(**_parameters(name), autocommit=not atomic)
            break
        except psycopg.OperationalError as error:
            said = str(error).strip().splitlines()[-1]
    else:
        raise BackupFailed(
            f"连不上 postgres 库，也连不上 template1：{said}。请检查数据库是否已启动、账号能否连接其中一个。"
        )
    with server:
        yield server


def dump(target: Path, fields: Iterable[tuple[str, str]]) -> tuple[Tables, list[tuple[str, str]], set[str]]:
    """Dumps one snapshot by pg_dump; gives what that snapshot holds: tables, migrations, the files its rows name."""
    with opened(own()) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = reader.execute("SELECT pg_export_snapshot()").fetchone()
        found = tables(reader), migrations(reader), _named(reader, fields)
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
        _run("pg_dump", own(), *options, f"--snapshot={snapshot[0] if snapshot else ''}")
    return found


def _named(reader: psycopg.Connection, fields: Iterable[tuple[str, str]]) -> set[str]:
    known = set(reader.execute("SELECT table_name, column_name FROM information_schema.columns").fetchall())
    found: set[str] = set()
    for table, column in fields:
        if (table, column) in known:
            statement = sql.SQL("SELECT {0} FROM {1} WHERE {0} <> ''")
            rows = reader.execute(statement.format(sql.Identifier(column), sql.Identifier(table)))
            found.update(name for (name,) in rows)
    return found


def tables(database: psycopg.Connection) -> Tables:
    with psycopg.Cursor(database) as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        names = sorted(name for (name,) in cursor.fetchall())
        found = {}
        for name in names:
            statement = "SELECT count(*), sum(hashtextextended(row_::text, 0)::numeric)::text FROM {} AS row_"
            cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
            found[name] = list(cursor.fetchone() or ())
        return found


def migrations(database: psycopg.Connection) -> list[tuple[str, str]]:
    there = database.execute("SELECT to_regclass('public.django_migrations')").fetchone()
    if not there or there[0] is None:
        return []
    return [(app, name) for app, name in database.execute("SELECT app, name FROM django_migrations ORDER BY app, name")]


def examine(name: str) -> tuple[Tables, list[tuple[str, str]]]:
    with opened(name) as database:
        return tables(database), migrations(database)


@contextmanager
def checked_copy(dumped: Path) -> Iterator[str]:
    """A database made from the dump, gone afterwards."""
    now = f"{timezone.localtime():%Y%m%d%H%M%S}"
    for left in kept():  # by a backup that was killed a day ago or longer
        found = re.fullmatch(rf"{re.escape(own()[:40])}_check_(\d{{14}})_\w+", left)
        if found and int(now) - int(found[1]) >= 1_000_000:
            drop(left)
    name = f"{own()[:40]}_check_{now}_{os.urandom(2).hex()}"
    try:
        load(dumped, name)
        yield name
    finally:
        drop(name)


def beside(stamp: str) -> str:
    return f"{own()}_restore_{stamp}"


def former(stamp: str) -> str:
    return f"{own()}_former_{stamp}"


def kept() -> list[str]:
    """Names of databases beside our own."""
    with _server() as server:
        rows = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{own()[:40]}_"])
        return [name for (name,) in rows]


def refuse_unfit() -> None:
    """Raises BackupFailed when a restore could not end well here: rights, length of names, somebody connected."""
    connection.close()
    if len(former("0" * 15).encode()) > 63:
        raise BackupFailed(f"数据库名 {own()} 太长，放不下旁边的库名；请改短（不超过 39 个字节）。")
    with _server() as server:
        found = server.execute(MAY, [own()]).fetchone()
        if not found or not found[0]:
            raise BackupFailed(MAY_NOT.format(user=found[1] if found else "", name=own()))
        _refuse_others(server)
    for program in ("pg_dump", "pg_restore"):
        _program(program)


def _refuse_others(server: psycopg.Connection) -> None:
    others = [who for (who,) in server.execute(OTHERS, [own()])]
    if others:
        raise BackupFailed(IN_USE.format(own(), f"{len(others)} 个：{'、'.join(sorted(set(others))[:5])}"))


def load(dumped: Path, name: str) -> None:
    """A new database of that name, sorted and spelled as our own, made from the dump."""
    with _server() as server:
        row = server.execute("SELECT to_jsonb(pg_database) FROM pg_database WHERE datname = %s", [own()]).fetchone()
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


def settle(name: str) -> None:
    """The planner's figures, which a dump does not hold."""
    with opened(name) as database:
        database.autocommit = True
        database.execute("ANALYZE")


def swap(coming: str, going: str) -> None:
    """Our own database goes under the one name, the other becomes our own: both or neither."""
    connection.close()
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with _server(atomic=True) as server:
        _refuse_others(server)
        try:
            server.execute(rename.format(sql.Identifier(own()), sql.Identifier(going)))
            server.execute(rename.format(sql.Identifier(coming), sql.Identifier(own())))
        except psycopg.errors.ObjectInUse as error:
            raise BackupFailed(IN_USE.format(own(), str(error).splitlines()[-1])) from error


def drop(name: str) -> None:
    """Also while the pg_restore of a killed restore still writes into it."""
    with _server() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def loses() -> list[str]:
    """Settings of our own database that a new one of its name does not have."""
    with _server() as server:
        return [setting for (setting,) in server.execute(SETTINGS, [own()])]


def rights(name: str) -> set[grants.Right]:
    """What other roles may do in that database, once it has our own one's name."""
    with opened(name) as database:
        return grants.read(database, own())


def _program(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"找不到 {program}。请安装 PostgreSQL 客户端（Debian：apt-get install postgresql-client）。")
    return found


def _run(program: str, name: str, *options: str) -> None:
    parameters = _parameters(name)
    environment = {**os.environ, "PGPASSWORD": str(parameters.pop("password", ""))}
    command = [_program(program), f"--dbname={make_conninfo(**parameters)}", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupFailed(f"{program} 失败：{done.stderr.strip()[:500]}")
