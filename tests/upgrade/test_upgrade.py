"""An installation of the first edition, taken to this version: nobody signs in anew, no row and no job is lost.

first-sqlite.zip and first-postgres.zip were made by make.py, as README.md tells. The upgrade runs in processes of its
own, as in a company, on a copy; on PostgreSQL in a database of its own.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import zipfile
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from psycopg import sql

HERE = Path(__file__).parent
PEOPLE = {"xiaoming": "客户经理", "zhuguan": "销售主管", "gaoguan": "高管", "admin": "系统管理员"}
SETTINGS = {
    "CRM_BASE_URL": "http://localhost",
    "CRM_DEBUG": "true",
    "CRM_EMAIL_URL": "memorymail://",
    "CRM_ENV": "development",
    "CRM_SESSION_HOURS": "876000",  # as the installation had it, so that its sessions are open on every day to come
    "CRM_SESSION_IDLE_MINUTES": "0",
    "SECRET_KEY": "the-known-key-of-the-upgrade-test-and-of-no-installation",
}
STATES = {
    "accounts.Notification": "mail",
    "customers.ChurnCase": "status",
    "customers.Customer": "status",
    "customers.Order": "status",
    "jobs.Job": "status",
    "marketing.Opportunity": "status",
    "reports.MonthlyReport": "status",
    "services.ServiceRequest": "status",
}
SUMS = [
    ["customers.Order", "total"],
    ["customers.OrderLine", "quantity"],
    ["customers.RevenueYear", "amount"],
    ["marketing.Opportunity", "expected_amount"],
]
EXPORTED = """
    SELECT j.id, username FROM jobs_job j JOIN accounts_user u ON u.id = j.owner_id
    WHERE function LIKE '%.run_export' AND status = 'done'
"""
CHANGED_STATES = {"customers.ChurnCase": ("resolved", "merged", 1)}  # ended by a merge: a state of its own since then
GROWING = {  # an upgrade adds rows to these, and takes none away
    "accounts_role": "a role that is new",
    "audit_auditentry": "what the upgrade did",
    "auth_group": "a role that is new",
    "auth_group_permissions": "rights of what is new",
    "auth_permission": "rights of what is new",
    "customers_churnchange": "marks by which reports see that rows changed",
    "customers_revenuechange": "a mark of the monthly revenue, which the upgrade fills",
    "django_content_type": "models that are new",
    "django_migrations": "the migrations themselves",
    "marketing_opportunitychange": "marks by which reports see that rows changed",
    "services_servicechange": "marks by which reports see that rows changed",
}
FUNCTIONS = {  # how many jobs of each kind wait
    "run_export": 9,
    "verify_trail": 1,
    "run_scan": 1,
    "run": 2,  # a sync and an import
}


class Installation:
    """The first edition's database, files and feed in a folder; run() is its manage.py of today."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        here = {"CRM_VAR_DIR": str(folder), "CRM_SYNC_SOURCE": str(folder / "sync"), "DATABASE_URL": url}
        self.environment = {**os.environ, **SETTINGS, **here}

    def run(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=settings.BASE_DIR,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{arguments} {done.stdout[-2000:]} {done.stderr[-4000:]}"
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def rows(self, statement: str) -> list[tuple]:
        """What the database says by itself, without the product."""
        raise NotImplementedError

    def tables(self) -> list[str]:
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        return {table: self.rows(f'SELECT count(*) FROM "{table}"')[0][0] for table in self.tables()}

    def raw_states(self) -> dict[str, dict[str, int]]:
        found = {}
        for model, field in STATES.items():
            rows = self.rows(f"SELECT {field}, count(*) FROM {table_of(model)} GROUP BY {field}")
            found[model] = {str(state): count for state, count in rows}
        return found

    def raw_sums(self) -> dict[str, str]:
        found = {}
        for model, field in SUMS:
            rows = self.rows(f"SELECT {field} FROM {table_of(model)} WHERE {field} IS NOT NULL")
            found[f"{model}.{field}"] = str(sum((Decimal(str(value)) for (value,) in rows), Decimal()).normalize())
        return found

    def sessions(self) -> dict[str, str]:
        found = self.rows(
            "SELECT username, session_key FROM accounts_usersession JOIN accounts_user u ON u.id = user_id"
        )
        return {username: key for username, key in found if username in PEOPLE}


def table_of(model: str) -> str:
    """The table of the first edition; names of models and tables were never set apart."""
    return model.lower().replace(".", "_")


class SqliteInstallation(Installation):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, f"sqlite:///{folder}/crm.sqlite3")

    def rows(self, statement: str) -> list[tuple]:
        with closing(sqlite3.connect(self.folder / "crm.sqlite3")) as database:
            return database.execute(statement).fetchall()

    def tables(self) -> list[str]:
        found = self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return [name for (name,) in found]


class PostgresInstallation(Installation):
    def __init__(self, folder: Path) -> None:
        self.name = f"{connection.settings_dict['NAME']}_upgrade_{os.getpid()}"[-60:]
        super().__init__(folder, server_url(self.name))

    def create(self) -> None:
        self.drop()
        with psycopg.connect(server_url("postgres"), autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(self.name)))
        with psycopg.connect(server_url(self.name), autocommit=True) as database:
            database.execute((self.folder / "crm.sql").read_bytes())

    def drop(self) -> None:
        with psycopg.connect(server_url("postgres"), autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))

    def rows(self, statement: str) -> list[tuple]:
        with psycopg.connect(server_url(self.name)) as database:
            return database.execute(statement.encode()).fetchall()

    def tables(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def server_url(name: str) -> str:
    """The address of a database beside the tests' own."""
    own = connection.settings_dict
    user = ":".join(quote(part, safe="") for part in (own["USER"], own["PASSWORD"]) if part)
    return f"postgres://{user}@{own['HOST']}:{own['PORT'] or 5432}/{name}"


class Upgraded:
    """What was before, and what is after `migrate`."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.counts, self.states, self.sums = (
            installation.counts(),
            installation.raw_states(),
            installation.raw_sums(),
        )
        self.sessions = installation.sessions()
        self.files = {username: f"/jobs/{number}/file/" for number, username in installation.rows(EXPORTED)}
        self.rating_key = installation.rows("SELECT rating_key FROM services_serviceround WHERE rating_key <> ''")[0][0]
        installation.manage("migrate", "--verbosity=0")
        self.counts_after = installation.counts()


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    with zipfile.ZipFile(HERE / f"first-{'sqlite' if connection.vendor == 'sqlite' else 'postgres'}.zip") as archive:
        archive.extractall(folder)
    if connection.vendor == "sqlite":
        yield Upgraded(SqliteInstallation(folder))
        return
    installation = PostgresInstallation(folder)
    try:
        installation.create()
        yield Upgraded(installation)
    finally:
        installation.drop()


@pytest.fixture(scope="module")
def visit(upgraded):
    """What visit.py found."""
    known = json.loads((upgraded.installation.folder / "known.json").read_text(encoding="utf-8"))
    asked = {
        "sessions": upgraded.sessions,
        "menus": known["menus"],
        "files": upgraded.files,
        "states": STATES,
        "sums": SUMS,
        "rating_key": upgraded.rating_key,
        "sign_in": ["lisiyuan", "upgrade-from-the-first", known["recovery_codes"][0]],
    }
    return json.loads(upgraded.installation.run("-m", "tests.upgrade.visit", given=json.dumps(asked)))


def test_no_table_loses_a_row_and_only_named_ones_gain_some(upgraded):
    before, after = upgraded.counts, upgraded.counts_after
    changed = {name: (count, after.get(name)) for name, count in before.items() if after.get(name) != count}
    assert set(changed) <= set(GROWING), changed
    assert all(after[name] > before[name] for name in changed), changed


@pytest.mark.parametrize("username", PEOPLE)
def test_the_session_of_before_opens_every_page_of_the_menu(visit, username):
    pages = visit["pages"][username]
    assert {url: status for url, status in pages.items() if status != 200} == {}
    assert len(pages) > 10


def test_the_figures_are_those_that_the_database_gave_before(upgraded, visit):
    assert visit["sums"] == upgraded.sums
    assert all(Decimal(value) > 0 for value in upgraded.sums.values())
    expected = {model: Counter(states) for model, states in upgraded.states.items()}
    for model, (former, state, count) in CHANGED_STATES.items():
        expected[model].update({former: -count, state: count})
    assert visit["states"] == expected


def test_links_in_the_hands_of_customers_stay_good(visit):
    """Signed by the key and by a word that must not change: open for their days, then past, but never forged."""
    assert visit["rating"] in (200, 410)
    assert visit["forged"] == 404


def test_passwords_and_recovery_codes_stay_good(visit):
    assert visit["sign_in"] == ["/login/code/", "/"]


def test_the_trail_verifies(upgraded):
    assert "审计记录完整" in upgraded.installation.manage("verify_audit")


def test_the_data_is_checked(upgraded):
    assert re.search("没有发现存错的数据|什么都没有改动", upgraded.installation.manage("check_data"))


def test_every_function_that_a_row_names_is_known(visit):
    """Of finished jobs too: pages ask by it what a job was."""
    for path in {*visit["functions"], *visit["tasks"]}:
        assert import_string(path), path
    assert visit["scans"] == 3


def test_the_file_of_a_finished_export_goes_to_those_who_may_take_the_list_away(visit):
    assert visit["files"] == {"zhuguan": 200, "admin": 403}


@pytest.mark.usefixtures("visit")  # before what is due by the clock takes old files away
def test_what_was_queued_is_worked_off(upgraded):
    """Jobs that waited, the one whose worker died, and what is due by the clock."""
    installation = upgraded.installation
    waiting = installation.rows("SELECT id, function FROM jobs_job WHERE status IN ('queued', 'running') ORDER BY id")
    died = installation.rows("SELECT id FROM jobs_job WHERE status = 'running'")
    names = Counter(function.rpartition(".")[2] for number, function in waiting if (number,) not in died)
    assert names == FUNCTIONS
    worker = ("db_worker", "--batch", "--interval=0", "--no-startup-delay", "--no-reload")
    installation.manage(*worker)
    installation.manage("run_due")  # sends the jobs of workers that died to the queue once more
    installation.manage(*worker)
    numbers = ", ".join(str(number) for number, _ in waiting)
    ended = installation.rows(f"SELECT id, status, result FROM jobs_job WHERE id IN ({numbers}) ORDER BY id")
    assert [row for row in ended if row[1] != "done"] == []
    assert installation.rows("SELECT count(*) FROM customers_customer WHERE name LIKE '排队的%'") == [(2,)]
    tasks = installation.rows("SELECT status, count(*) FROM django_tasks_database_dbtaskresult GROUP BY status")
    assert dict(tasks).keys() == {"SUCCESSFUL", "FAILED", "RUNNING"}
    assert dict(tasks)["FAILED"] == dict(tasks)["RUNNING"] == 1  # as they were left
    assert installation.rows("SELECT task, result FROM jobs_duerun WHERE result LIKE '失败%'") == []
