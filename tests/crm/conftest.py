"""What tests of backups stand on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import psycopg
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from psycopg import sql

from accounts.roles.shipping import ship_roles
from basedata.initial_data import create_initial_entries
from crm.backup import postgres, sqlite
from kit.audit import seals
from kit.audit.log import log_event
from tests import factories


@pytest.fixture
def apart(transactional_db, tmp_path):
    """The connection stands on a copy of the test database, which a restore may rename and remove."""
    own = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        yield from _file_apart(own, str(tmp_path / "crm.sqlite3"))
    else:
        yield from _database_apart(own, f"{own[:30]}_apart")
    ContentType.objects.clear_cache()


def _file_apart(own, name):
    connection.ensure_connection()
    shared = connection.connection
    with closing(sqlite3.connect(name)) as copy:
        shared.backup(copy)
    connection.connection, connection.settings_dict["NAME"] = None, name
    yield name
    connection.close()
    connection.connection, connection.settings_dict["NAME"] = shared, own


def _database_apart(own, name):
    connection.close()
    with postgres._server() as server:
        _drop_all(server, name)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, own))))
    connection.settings_dict["NAME"] = name
    yield name
    connection.close()
    connection.settings_dict["NAME"] = own
    with postgres._server() as server:
        _drop_all(server, name)


def _drop_all(server: psycopg.Connection, name: str) -> None:
    """The database and what restores left beside it."""
    found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name]).fetchall()
    for (each,) in found:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(each)))


@pytest.fixture
def house(apart, settings, tmp_path):
    """Something worth keeping, in places of its own: people, a customer, a sealed trail, a file."""
    settings.MEDIA_ROOT, settings.VAR_DIR = tmp_path / "media", tmp_path
    create_initial_entries()
    ship_roles()
    manager = factories.person("account_manager", name="周经理")
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=manager)
    log_event(manager, "新建", customer)
    seals.seal_pending()
    stored = settings.MEDIA_ROOT / "contracts" / "合同.txt"
    stored.parent.mkdir(parents=True)
    stored.write_text("一式两份")
    return SimpleNamespace(database=apart, stored=stored, media=settings.MEDIA_ROOT, folder=tmp_path / "kept")


@pytest.fixture
def own_tables():
    """own_tables() gives every table's rows and checksum."""

    def read():
        connection.close()
        name = connection.settings_dict["NAME"]
        with (postgres if connection.vendor == "postgresql" else sqlite).connect_to(name) as database:
            return (postgres if connection.vendor == "postgresql" else sqlite).tables(database)

    return read
