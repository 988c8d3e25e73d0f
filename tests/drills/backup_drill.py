"""Backup and restore on SQLite and PostgreSQL: from versions in between, and killed with -9 at random times."""

# ruff: noqa: T201

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
VERSIONS, KILLS, CUSTOMERS = (
    int(os.environ.get(f"DRILL_{name}", count))
    for name, count in (("VERSIONS", "4"), ("KILLS", "3"), ("CUSTOMERS", "2000"))
)
SERVER = os.environ.get("DRILL_POSTGRES_URL", "postgres://root@127.0.0.1:5432")
CHOSEN = os.environ.get("DRILL_DATABASES", "sqlite postgres").split()
STATIONS = f"""
from pathlib import Path
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from crm.backup.creation import make_backup
plan = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
done = 0
for place in [1 + (len(plan) - 1) * number // {VERSIONS} for number in range({VERSIONS})]:
    MigrationExecutor(connection).migrate([(one.app_label, one.name) for one, _ in plan[done:place]])
    made, done = make_backup(Path(FOLDER)), place
    made.path.rename(made.path.with_name(f"{{place:03}}.tar"))
"""
PEOPLE = """
from accounts.roles.shipped import ship_roles
from basedata.initial_data import create_initial_entries
from tests import factories
create_initial_entries(); ship_roles()
owner = factories.person("account_manager", username="drill")
first = factories.CustomerFactory(manager=owner)
for number in range(40):
    factories.attachment(factories.interaction(first, owner), owner, b"%PDF-1.4 " + bytes(50_000), f"{number}.pdf")
for number in range(COUNT):
    factories.CustomerFactory(manager=owner)
"""
STATE = """
import hashlib, json
from django.db import connection
from kit.audit.models import AuditEntry
from django.db.migrations.executor import MigrationExecutor
from crm.backup import files
from crm.backup.creation import database
from crm.backup.restoration import RESTORED
connection.ensure_connection()
with database().connect_to(database().current_name()) as connection_:
    tables = database().tables(connection_)
if "audit_auditentry" in tables:  # but for the event that each restore adds
    entries = AuditEntry.objects.exclude(verb=RESTORED).order_by("pk").values_list()
    tables["audit_auditentry"] = hashlib.sha256(repr(list(entries)).encode()).hexdigest()
    tables.pop("sqlite_sequence", None)
stored = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.stored_files()}
executor = MigrationExecutor(connection)
if executor.migration_plan(executor.loader.graph.leaf_nodes()):
    raise SystemExit("of an older version")
print(json.dumps([tables, stored], sort_keys=True))
"""
SPOIL = """
from customers.models import Attachment, Customer
Customer.objects.update(name="改坏了")
for row in Attachment.objects.all()[:20]:
    row.file.storage.delete(row.file.name)
"""


class House:
    """One installation: a database, a var/, and the commands run on them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.var = folder
        folder.mkdir()
        self.environment = {**os.environ, "CRM_ENV": "development", "CRM_VAR_DIR": str(folder), "DATABASE_URL": url}

    def begin(self, *words: str) -> subprocess.Popen:
        command = [sys.executable, "manage.py", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str) -> str:
        process = self.begin(*words)
        output, errors = process.communicate()
        if process.returncode:
            sys.exit(f"manage.py {' '.join(words)[:60]} failed: {errors.strip()[-500:]}")
        return output

    def shell(self, program: str) -> str:
        return self.run("shell", "-v0", "-c", program)

    def state(self) -> list:
        return json.loads(self.shell(STATE))


def versions(house: House) -> bool:
    """Restore backups of states between the first migration and the last one; each is migrated to the present one."""
    folder = house.var / "versions"
    house.shell(STATIONS.replace("FOLDER", repr(str(folder))))
    house.run("migrate", "-v0")
    today = house.state()[0].keys()
    for archive in sorted(folder.iterdir()):
        said = house.run("restore", str(archive), "--overwrite")
        print(f"  from migration {archive.stem}: {said.splitlines()[0]}", flush=True)
        if house.state()[0].keys() != today:
            return False
    house.run("restore", "--forget")
    return True


def calm(house: House) -> bool:
    house.shell(PEOPLE.replace("COUNT", str(CUSTOMERS)))
    before, started = house.state(), time.monotonic()
    print(f"  {house.run('backup', str(house.var / 'kept')).strip()} in {time.monotonic() - started:.1f} s", flush=True)
    house.shell(SPOIL)
    started = time.monotonic()
    said = house.run("restore", str(archive_of(house)), "--overwrite")
    print(f"  {said.splitlines()[0]} in {time.monotonic() - started:.1f} s", flush=True)
    house.run("restore", "--forget")
    return house.state() == before


def archive_of(house: House) -> Path:
    (archive,) = (house.var / "kept").iterdir()
    return archive


def rough(house: House) -> bool:
    """Kill restores: the old or the new state is complete after each; --status tells how to continue in between."""
    new = house.state()
    house.shell(SPOIL)
    old = house.state()
    command = ("restore", str(archive_of(house)), "--overwrite")
    started = time.monotonic()
    house.run(*command)
    took = time.monotonic() - started
    house.run("restore", "--back")
    house.run("restore", "--forget")
    for _ in range(KILLS):
        running, wait = house.begin(*command), random.uniform(0.3, 1.0) * took
        time.sleep(wait)
        running.kill()
        running.communicate()
        status = house.run("restore", "--status")
        if "--continue" in status:
            house.run("restore", "--continue")
        found = house.state()
        which = "new" if found == new else "old" if found == old else "HALF"
        print(f"  killed after {wait:.2f} s of {took:.2f}: {which}", flush=True)
        if found not in (new, old):
            return False
        if found == new:
            house.run("restore", "--back")
        house.run("restore", "--forget")
    house.run(*command)
    return house.state() == new


def drilled(name: str, house: House) -> bool:
    print(f"backups on {name}", flush=True)
    started, computed = time.monotonic(), computing()
    right = versions(house) and calm(house) and rough(house)
    took = f"{time.monotonic() - started:.0f} s, {computing() - computed:.0f} s of them computing"
    print(f"  {'as it should be' if right else 'NOT AS IT SHOULD BE'}: {took}", flush=True)
    return right


def computing() -> float:
    """Seconds of a core that the commands took so far: the same on a machine that others use too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def backup_drill(folder: Path) -> bool:
    right = "sqlite" not in CHOSEN or drilled(
        "SQLite", House(folder / "sqlite", f"sqlite:///{folder}/sqlite/crm.sqlite3")
    )
    return ("postgres" not in CHOSEN or on_postgresql(folder)) and right


def on_postgresql(folder: Path) -> bool:
    server, name = f"{SERVER}/postgres", f"crm_drill_{os.getpid()}"
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=3) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError as error:
        print(f"no PostgreSQL at {server.rpartition('@')[2]}, not drilled there: {error}")
        return False
    try:
        return drilled("PostgreSQL", House(folder / "postgres", f"{SERVER}/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            statement = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            for (each,) in connection.execute(statement, [name]).fetchall():
                connection.execute(f'DROP DATABASE "{each}" WITH (FORCE)')
