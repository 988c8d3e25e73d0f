"""What every test stands on: fast passwords, plain static files, and the company of the tests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client

from accounts.roles import ship_roles
from basedata.shipped import ship_calendar, ship_entries
from services.shipped import ship_targets
from tests import factories


def pytest_collection_modifyitems(items):
    """The walks over everything first: begun last, one worker would still walk when the other has nothing left."""
    walks = ("test_hazards_everywhere.py", "test_authorization.py", "test_permissions.py")
    items.sort(key=lambda item: item.path.name not in walks)


@pytest.fixture(autouse=True, scope="session")
def _trail_can_be_emptied():
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
    ship_entries()  # a transactional test before this one may have emptied the tables
    ship_roles()
    ship_calendar()
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
def without_lock(monkeypatch):
    """Rows are read afresh, but not kept: the guard of every transition is off."""
    monkeypatch.setattr("kit.domain.verdict.lock_row", lambda row: row.refresh_from_db())
