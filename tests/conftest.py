"""What every test stands on: fast passwords, plain static files, and the company of the tests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client

from accounts.roles.shipping import ship_roles
from basedata.initial_data import create_initial_calendar, create_initial_entries
from services.targets.shipped import ship_targets
from tests import factories
from tests.permissions.asking import HANDLER
from tests.permissions.tables import make_world

DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup"}


def pytest_addoption(parser):
    parser.addoption("--with-database-only", action="store_true", help="leave out tests that ask for no database")


def pytest_collection_modifyitems(config, items):
    """The walks over everything first: begun last, one worker would still walk when the other has nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("walk") is None)
    if config.getoption("--with-database-only"):
        config.hook.pytest_deselected(items=[item for item in items if not uses_database(item)])
        items[:] = [item for item in items if uses_database(item)]


def uses_database(item) -> bool:
    """Return whether the test may meet one: by a fixture, its marker, or in a process that it starts."""
    is_marked = item.get_closest_marker("django_db") or item.get_closest_marker("postgres")
    return bool(is_marked or DATABASE_FIXTURES & set(item.fixturenames) or hasattr(item.module, "subprocess"))


@pytest.fixture(autouse=True, scope="session")
def _audit_log_can_be_emptied():
    """After a transactional test all tables are emptied; PostgreSQL refuses that to the trail, so its triggers rest.

    Row by row: there are few, and to truncate a table its files are made anew, which takes a hundred times as long.
    """
    if connection.vendor != "postgresql":
        yield
        return
    operations = type(connection.ops)
    plain = operations.sql_flush

    def sql_flush(self, style, tables, *, reset_sequences=False, **options):
        if reset_sequences:
            return plain(self, style, tables, reset_sequences=True, **options)
        trail = sorted(table for table in tables if table.startswith("audit_"))
        off, on = ([f"ALTER TABLE {table} {word} TRIGGER USER" for table in trail] for word in ("DISABLE", "ENABLE"))
        emptied = [f'DELETE FROM "{table}"' for table in sorted(tables)]  # keys to other rows are asked at the end
        return [*off, *emptied, "SET CONSTRAINTS ALL IMMEDIATE", *on]

    operations.sql_flush = sql_flush
    yield
    operations.sql_flush = plain


@pytest.fixture(autouse=True)
def _quick_settings(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.MEDIA_ROOT = tmp_path
    settings.SECURE_SSL_REDIRECT = False
    settings.CRM_STRICT_CUSTOMER_FORM = False


@pytest.fixture
def company(db):
    """Two groups under one supervisor, and one outside: the people every rule is tried with."""
    create_initial_entries()  # a transactional test before this one may have emptied the tables
    ship_roles()
    create_initial_calendar()
    ship_targets()
    sales = factories.DepartmentFactory(name="销售部")
    north = factories.DepartmentFactory(name="华北组", parent=sales)
    east = factories.DepartmentFactory(name="华东组", parent=sales)
    other = factories.DepartmentFactory(name="海外部")
    return SimpleNamespace(
        sales=sales,
        north=north,
        east=east,
        other=other,
        supervisor=factories.person("sales_supervisor", name="林主管", department=sales),
        manager=factories.person("account_manager", name="周经理", department=north),
        colleague=factories.person("account_manager", name="陈同事", department=north),
        eastern=factories.person("account_manager", name="王华东", department=east),
        stranger=factories.person("account_manager", name="外人甲", department=other),
        outsider=factories.person("sales_supervisor", name="外部主管", department=other),
        executive=factories.person("executive", name="沈总", department=sales),
        administrator=factories.person("administrator", name="何管理", department=None),
        nobody=factories.UserFactory(name="无角色"),
    )


@pytest.fixture
def sign_in():
    """sign_in(user) gives a browser of that person."""

    def enter(user) -> Client:
        client = Client()
        client.force_login(user, backend="accounts.backends.RoleBackend")
        return client

    return enter


@pytest.fixture
def world(company):
    """One record of each kind, all in the manager's hands, and what to post at them."""
    return make_world(company)


@pytest.fixture
def enter(world, sign_in):
    """enter(name of a person) gives that person's browser; each signs in once."""
    kept: dict[str, Client] = {}

    def of(person: str) -> Client:
        if person not in kept:
            user = world.people[person]
            kept[person] = sign_in(user) if user else Client()
            kept[person].handler = HANDLER
        return kept[person]

    return of


@pytest.fixture
def forged(company):
    """What a form never shows and nobody may set by posting it."""
    stranger = company.stranger.pk
    mighty = dict.fromkeys(("is_superuser", "is_staff", "groups"), "1")
    people = dict.fromkeys(("assignee", "assigned_by", "created_by", "manager", "executed_by"), stranger)
    days = dict.fromkeys(("assigned_at", "deleted_at"), "2020-01-01")
    times = dict.fromkeys(("created_at", "closed_at"), "2020-01-01 00:00")
    keys = {"id": "4711", "pk": "4711", "number": "KH000000001", "customer": "1", "competitor": "1", "version": "99"}
    texts = {"status": "won", "name_pinyin": "zzz", "win_reason": "伪造", "lost_reason": "伪造"}
    return {**mighty, **people, **days, **times, **keys, **texts}


@pytest.fixture
def without_lock(monkeypatch):
    """Rows are read afresh, but not kept: the guard of every transition is off."""
    for module in ("kit.sql.row_locks", "kit.transitions"):
        monkeypatch.setattr(f"{module}.lock_row", lambda row: row.refresh_from_db())
