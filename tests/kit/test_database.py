"""How the product speaks to PostgreSQL: prepared, without compiling; and plainly behind PgBouncer (decision 28)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import User
from crm.navigation import statement
from kit.sql.counts import inline_params, run_count
from kit.sql.streaming import stream_records, stream_values
from tests import factories

SHOW = "import json; from crm import settings; print(json.dumps(settings.DATABASES['default'], default=str))"


def options(**environment: str) -> dict:
    return database(**environment).get("OPTIONS", {})


def database(**environment: str) -> dict:
    """The connection's settings as a process with this environment has them."""
    environment = {**os.environ, "CRM_ENV": "development", "CRM_PROCESS": "command", **environment}
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    return json.loads(shown.stdout)


def test_behind_pgbouncer_nothing_is_prepared_and_nothing_set_at_the_start():
    assert options(DATABASE_URL="postgres://crm@127.0.0.1/crm", CRM_PGBOUNCER="1") == {"connect_timeout": 10}


def test_pages_give_up_sooner_than_commands():
    found = options(DATABASE_URL="postgres://crm@127.0.0.1/crm", CRM_PROCESS="web", CRM_LOCK_SECONDS="3")
    assert "-c lock_timeout=3s -c statement_timeout=5s -c idle_in_transaction_session_timeout=60s" in found["options"]
    assert found["connect_timeout"] == 2
    assert options(DATABASE_URL="sqlite:////tmp/a", CRM_PROCESS="web")["timeout"] == 4
    assert options(DATABASE_URL="sqlite:////tmp/a")["timeout"] == 120


def test_options_of_the_address_are_kept():
    found = options(DATABASE_URL="postgres://crm@127.0.0.1/crm?options=-c%20search_path%3Dcrm&sslmode=require")
    assert found["options"].startswith(
        "-c jit=off -c random_page_cost=1.1 -c lock_timeout=120s -c statement_timeout=0s "
    )
    assert found["options"].endswith(" -c search_path=crm")
    assert found["sslmode"] == "require"
    assert found["server_side_binding"] is True


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own statements")
def test_the_same_statement_with_other_values_is_prepared_once():
    for pk in range(1, 9):
        list(User.objects.filter(pk=pk, username="niemand").values_list("is_demo", "theme"))
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        chosen = 'SELECT "accounts_user"."is_demo" AS "is_demo", "accounts_user"."theme" AS "theme"'
        prepared = [text for (text,) in cursor.fetchall() if text.startswith(chosen)]
    assert len(prepared) == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans quickly, whatever stands in a statement")
def test_a_statement_spelled_out_asks_the_same_without_parameters(company):
    odd = "100% '海河' \\ {x} %s"
    sql, params = inline_params(connection, "SELECT %s, %s::bigint, '100%%'", [odd, 7])
    assert (run_count(connection, sql, params), params) == ([odd, 7, "100%"], ())
    _, menu, values = statement(company.supervisor)
    assert values == (), "with a parameter PostgreSQL plans the menu's counts for every page"
    assert "%s" not in menu


# Reading many rows without a cursor on the server


def test_behind_pgbouncer_no_cursor_is_opened_on_the_server():
    address = "postgres://crm@127.0.0.1/crm"
    assert database(DATABASE_URL=address, CRM_PGBOUNCER="1")["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert database(DATABASE_URL=address, CRM_PGBOUNCER="0")["DISABLE_SERVER_SIDE_CURSORS"] is False
    assert not database(DATABASE_URL="sqlite:///x.sqlite3", CRM_PGBOUNCER="1").get("DISABLE_SERVER_SIDE_CURSORS")


def test_nothing_of_the_product_reads_by_djangos_iterator():
    """Behind PgBouncer it would hold every row at once: kit/sql/streaming.py reads a part at a time."""
    folders = ("accounts", "basedata", "crm", "customers", "kit", "marketing", "reports", "services")
    sources = [path for folder in folders for path in (settings.BASE_DIR / folder).rglob("*.py")]
    assert [str(path) for path in sources if ".iterator(" in path.read_text() and "migrations" not in path.parts] == []


@pytest.fixture
def people(db):
    return [factories.UserFactory(name=f"人{n:02}") for n in range(11)]


def test_streamed_rows_come_whole_and_in_order_a_part_at_a_time(people, django_assert_num_queries):
    rows = User.objects.order_by("-name").select_related("department")
    with django_assert_num_queries(1 + 3):
        assert list(stream_records(rows, 4)) == people[::-1]
    with django_assert_num_queries(1):
        assert list(stream_records(rows.none() | rows.filter(name="无"))) == []


def test_what_leaves_the_conditions_while_it_is_streamed_is_left_out(people):
    rows = stream_records(User.objects.filter(is_active=True).order_by("name"), 4)
    first = next(rows)
    User.objects.filter(pk__in=[people[5].pk, people[6].pk]).update(is_active=False)
    people[7].delete()
    assert [first, *rows] == [*people[:5], *people[8:]]


def test_values_by_key_are_each_read_once_while_they_change(people, django_assert_num_queries):
    found = []
    with django_assert_num_queries(4 + 11):
        for pk, name in stream_values(
            User.objects.filter(is_active=True).order_by("name").values_list("pk", "name"), 4
        ):
            User.objects.filter(pk=pk).update(is_active=False)
            found.append(name)
    assert found == [person.name for person in people]


# Through a real PgBouncer (Debian: apt-get install pgbouncer); without one these tests are left out

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
POOLED = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a pooler of PostgreSQL"),
    pytest.mark.skipif(not PGBOUNCER, reason="pgbouncer is not installed"),
]
CONFIG = """
[databases]
{name} = host={host} port={database_port} user={user} password={password} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""
# Between two reads somebody else's transaction takes the session of the first: the next is read in another.
READ = """
import django, sys
django.setup()
from django.db import connection, connections
from accounts.models import User
from kit.sql.streaming import stream_records, stream_values
readers = {
    "iterator": lambda: User.objects.order_by("pk").iterator(chunk_size=1),
    "stream_records": lambda: stream_records(User.objects.order_by("pk"), 1),
    "stream_values": lambda: stream_values(User.objects.values_list("pk"), 1),
}
connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] &= sys.argv[2] == "as set"
rows = iter(readers[sys.argv[1]]())
next(rows)
other = connections.create_connection("default")
other.set_autocommit(False)
other.cursor().execute("SELECT 1")
print(1 + len(list(rows)))
"""


@pytest.fixture
def pooled():
    """The address of the tests' database through a PgBouncer of two sessions, lent per transaction."""
    own, folder = connection.settings_dict, Path(tempfile.mkdtemp())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {"name": own["NAME"], "host": own["HOST"] or "127.0.0.1", "database_port": own["PORT"] or 5432}
    values |= {"user": own["USER"], "password": own["PASSWORD"], "port": port}
    (folder / "pgbouncer.ini").write_text(CONFIG.format(**values))
    folder.chmod(0o755)
    as_somebody = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    pooler = subprocess.Popen(
        [str(PGBOUNCER), *as_somebody, str(folder / "pgbouncer.ini")], stderr=subprocess.PIPE, text=True
    )
    for line in pooler.stderr:
        if "listening on" in line or "FATAL" in line:
            break
    yield f"postgres://{own['USER']}@127.0.0.1:{port}/{own['NAME']}"
    pooler.terminate()
    pooler.wait()
    shutil.rmtree(folder)


def read(address: str, reader: str, cursors: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "CRM_ENV": "development", "DATABASE_URL": address, "CRM_PGBOUNCER": "1"}
    environment["DJANGO_SETTINGS_MODULE"] = "crm.settings"
    command = [sys.executable, "-c", READ, reader, cursors]
    return subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)


class TestPooled:
    pytestmark = POOLED

    @pytest.mark.parametrize("reader", ["stream_records", "stream_values", "iterator"])
    def test_rows_read_through_pgbouncer_come_whole_while_others_take_the_session(self, people, pooled, reader):
        answer = read(pooled, reader, "as set")
        assert (answer.stdout.strip(), answer.returncode) == (str(len(people)), 0), answer.stderr

    @pytest.mark.usefixtures("people")
    def test_control_with_a_cursor_on_the_server_the_rows_are_lost(self, pooled):
        answer = read(pooled, "iterator", "on the server")
        assert answer.returncode != 0
        assert "InvalidCursorName" in answer.stderr
