"""The database a benchmark runs on: PostgreSQL, with a generated company only."""

from __future__ import annotations

import os
from typing import LiteralString

import aftercare
import probe
import psycopg
from psycopg import conninfo, sql

DEFAULT_URL = "postgres://root@127.0.0.1/crm_bench"
PREFIX = "bench_"  # of the user names generate_data gives
SUPERVISOR, MANAGER = "bench_supervisor", "bench_manager_1"
EXECUTIVE, ADMINISTRATOR = "bench_executive", "bench_administrator"
ROLES = {EXECUTIVE: "高管", ADMINISTRATOR: "系统管理员"}  # of the users that generate_data does not make

NO_DATABASE = """连不上 PostgreSQL：{error}
测速需要 PostgreSQL 14 或更高版本。请任选一种做法：
  1. 在本机启动 PostgreSQL，并允许用户 root 免密码建库（默认地址 {default}）；
  2. 指定一个空的数据库：CRM_BENCH_DATABASE_URL=postgres://用户:密码@主机/库名 make bench
"""
NOT_OURS = """数据库里有不是测速生成的用户（例如 {name}）。为了不动真实数据，测速没有开始。
请用 CRM_BENCH_DATABASE_URL 指定一个空的数据库。
"""


class NotReady(Exception):
    """The benchmark cannot run here; the text says in Chinese what to do."""


def database_url() -> str:
    """Return the URL of PostgreSQL: the benchmark's own variable, then DATABASE_URL, then the local default."""
    configured = os.environ.get("CRM_BENCH_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    return configured if configured.startswith(("postgres", "psql", "pgsql")) else DEFAULT_URL


def reach(url: str) -> None:
    """Connect, creating the database when only that is missing; raise NotReady with what to do."""
    try:
        _create_when_missing(url)
        psycopg.connect(_libpq(url), connect_timeout=5).close()
    except psycopg.Error as error:
        raise NotReady(NO_DATABASE.format(error=str(error).strip(), default=DEFAULT_URL)) from error


def _libpq(url: str) -> str:
    return "postgresql://" + url.split("://", 1)[1]


def _create_when_missing(url: str) -> None:
    name = conninfo.conninfo_to_dict(_libpq(url)).get("dbname", "")
    server = conninfo.make_conninfo(_libpq(url), dbname="postgres", connect_timeout=5)
    with psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(str(name))))


def beside(url: str, suffix: str) -> str:
    """Return the URL of a database of the same server that only a comparison uses."""
    address, mark, query = url.partition("?")
    return f"{address}_{suffix}{mark}{query}"


def drop(url: str) -> None:
    _on_server(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", url)


def copy(source: str, target: str) -> None:
    """Create a database with the same rows; nobody may be connected to the source."""
    _on_server(source, "CREATE DATABASE {} TEMPLATE {}", target, source)


def tidy(url: str) -> None:
    with psycopg.connect(_libpq(url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _on_server(url: str, statement: LiteralString, *databases: str) -> None:
    names = [sql.Identifier(str(conninfo.conninfo_to_dict(_libpq(database))["dbname"])) for database in databases]
    server = conninfo.make_conninfo(_libpq(url), dbname="postgres", connect_timeout=5)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*names))


def disconnect() -> None:
    """Close Django's own connection."""
    from django.db import connection

    connection.close()


def prepare(opportunities: int, customers: int, services: int, password: str) -> tuple[int, int, int]:
    """Migrate, generate what is missing and let the users sign in with this password.

    Gives how many opportunities, customers and service requests there are. Needs Django set up on the database.
    Later versions call it too when they compare themselves with this one: the arguments stay.
    """
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    _refuse_real_people()
    present, known = _counts()
    if present < opportunities or known < customers:
        missing = {"opportunities": max(opportunities - present, 0), "customers": max(customers - known, 1)}
        call_command("generate_data", **missing, password=password)
    probe.add_people(ROLES)
    _set_passwords(password)
    known_services = aftercare.add_requests(services, SUPERVISOR)
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return (*_counts(), known_services)


def _counts() -> tuple[int, int]:
    from customers.models import Customer
    from marketing.models import Opportunity

    return Opportunity.objects.count(), Customer.objects.count()


def _refuse_real_people() -> None:
    from accounts.models import User

    stranger = User.objects.exclude(username__startswith=PREFIX).first()
    if stranger is not None:
        raise NotReady(NOT_OURS.format(name=stranger.username))


def _set_passwords(password: str) -> None:
    from django.contrib.auth.hashers import make_password

    from accounts.models import User

    people = User.objects.filter(username__in=(SUPERVISOR, MANAGER, *ROLES))
    if people.update(password=make_password(password)) != 2 + len(ROLES):
        raise NotReady(f"缺少测速用户 {SUPERVISOR} 和 {MANAGER}，请换一个空的数据库重新生成。")


def remove_created(mark: str) -> None:
    """Delete the opportunities this run created; their events stay, as every event does."""
    from marketing.models import Opportunity

    Opportunity.objects.filter(customer_name__startswith=mark).delete()
