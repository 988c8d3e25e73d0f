"""The tables are those of the models, and every migration has a way back."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from accounts.models import Role
from accounts.roles.shipped import SHIPPED_ROLES
from basedata.initial_data import INITIAL_ENTRIES as ENTRIES
from basedata.models import DictionaryEntry
from kit.audit.models import AuditEntry
from kit.sql.markers import list_triggers
from tests import factories

OWN = [
    config.label
    for config in apps.get_app_configs()
    if config.module.__name__.split(".")[0]
    in ("crm", "accounts", "basedata", "customers", "marketing", "services", "reports", "kit")
]


def migrations(label):
    return sorted(name for app, name in MigrationLoader(None).disk_migrations if app == label)


MIGRATED = [label for label in OWN if migrations(label)]


def tables():
    return set(connection.introspection.table_names())


def tables_of(label):
    return {model._meta.db_table for model in apps.get_app_config(label).get_models(include_auto_created=True)}


def triggers():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_no_model_has_changed_without_a_migration(capsys):
    call_command("makemigrations", check=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out


def test_every_app_with_tables_has_migrations():
    assert {label for label in OWN if tables_of(label)} == set(MIGRATED)


def test_no_operation_lacks_a_way_back():
    loader = MigrationLoader(None)
    stuck = [
        f"{label}.{name}: {operation.describe()}"
        for (label, name), migration in loader.disk_migrations.items()
        if label in OWN
        for operation in migration.operations
        if not operation.reversible
    ]
    assert stuck == []


def forget_groups():
    """Groups outlive the roles that stand on them; by SQL, while the tables around them come and go."""
    with connection.cursor() as cursor:
        for table in ("accounts_user_groups", "accounts_role", "auth_group_permissions", "auth_group"):
            if table in tables():
                cursor.execute(f"DELETE FROM {table}")


@pytest.fixture
def whole_again(transactional_db):
    """Whatever happens, the tests that follow find every table, and the shipped rows as on the first day."""
    yield
    forget_groups()
    call_command("migrate", verbosity=0)


TOP_DOWN = [
    "reports", "services", "marketing", "customers", "imports", "ui", "undo", "jobs", "audit", "accounts", "basedata",
]  # fmt: skip


@pytest.mark.usefixtures("whole_again")
def test_every_migration_goes_back_to_nothing_and_the_tables_come_again():
    assert set(TOP_DOWN) == set(MIGRATED)
    before = tables()
    for label in TOP_DOWN:
        assert tables_of(label) <= before
        for target in [*reversed(migrations(label)[:-1]), "zero"]:
            call_command("migrate", label, target, verbosity=0)
        assert not tables_of(label) & tables(), label
    forget_groups()
    call_command("migrate", verbosity=0)
    assert tables() == before
    assert set(Role.objects.values_list("code", flat=True)) == set(SHIPPED_ROLES)
    assert set(DictionaryEntry.objects.values_list("category", flat=True)) == set(ENTRIES)
    person = factories.person("account_manager")
    assert factories.opportunity(person).pk
    assert AuditEntry.objects.get().actor == person


@pytest.mark.usefixtures("whole_again")
def test_the_shipped_roles_come_again_after_their_app_went():
    call_command("migrate", "accounts", "zero", verbosity=0)
    call_command("migrate", verbosity=0)
    assert set(Role.objects.values_list("code", flat=True)) == set(SHIPPED_ROLES)


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the trigger is PostgreSQL's")
@pytest.mark.usefixtures("whole_again")
def test_the_triggers_of_the_audit_trail_go_and_come_with_their_migration():
    names = {"audit_entry_append_only", "audit_seal_append_only", "audit_entry_no_truncate", "audit_seal_no_truncate"}
    assert names <= triggers()
    call_command("migrate", "audit", "0001", verbosity=0)
    assert not names & triggers()
    call_command("migrate", "audit", verbosity=0)
    assert names <= triggers()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL changes a table in its place")
def test_on_sqlite_an_upgrade_keeps_the_triggers_of_the_tables_it_makes_anew():
    """Without them reports remember figures that are out of date."""
    tables = ("customers_customer", "customers_churncase", "customers_contact")
    before = list_triggers(connection, tables)
    assert {name.split("_")[-2] for name in before} == {"churnchange", "servicechange"}
    call_command("migrate", "customers", "0009_covering_indexes", verbosity=0)
    assert list_triggers(connection, tables).keys() == before.keys()
    call_command("migrate", verbosity=0)
    assert list_triggers(connection, tables).keys() == before.keys()
