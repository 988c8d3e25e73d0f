"""Restoring encrypted backups, and reports of a restore: its event in the audit log, privileges that are lost."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from crm.backup import creation, grants, postgres
from crm.backup.archive import Archive
from crm.backup.creation import make_backup
from customers.models import Customer
from kit.audit import seals, verification
from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from tests.crm.test_restore import assert_refused, restore, spoil

ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's roles")


@pytest.fixture
def key_file(tmp_path_factory, settings):
    path = tmp_path_factory.mktemp("keys") / "backup.key"
    settings.CRM_BACKUP_KEY_FILE = str(path)
    call_command("make_backup_key", verbosity=0)
    return path


@pytest.fixture
def archive(house, monkeypatch):
    """A backup taken on trust: plain unless key_file was asked for first; somebody went on working."""
    monkeypatch.setattr(creation, "_check", lambda *_: None)
    archive = make_backup(house.folder).path
    spoil(house)
    return archive


class NoTime(str):
    """Stands for a time in a manifest."""

    def __format__(self, how):
        return "20260102-030405"

    def isoformat(self):
        return str(self)


# Encrypted ones


def test_an_encrypted_backup_comes_back_to_the_last_row_and_file(house, key_file, capsys):
    made = make_backup(house.folder).path
    spoil(house)
    restore(made)
    said = capsys.readouterr().out
    assert "核对一致" in said
    assert "没有加密" not in said
    assert Customer.objects.get().name == "海河水务有限公司"
    assert [path.read_text() for path in house.stored.parent.iterdir()] == ["一式两份"]


def test_a_plain_one_comes_back_where_backups_are_encrypted_and_that_is_said(house, archive, settings, capsys):
    settings.CRM_BACKUP_KEY_FILE = "/nowhere/backup.key"
    restore(archive)
    assert "这份备份没有加密" in capsys.readouterr().out
    assert Customer.objects.get().name == "海河水务有限公司"


def test_without_its_key_or_damaged_an_encrypted_one_changes_nothing(house, key_file, archive, settings, tmp_path):
    settings.CRM_BACKUP_KEY_FILE = ""
    assert_refused(house, archive, "恢复失败：.*是加密的备份")
    other = tmp_path / "other.key"
    settings.CRM_BACKUP_KEY_FILE = str(other)
    call_command("make_backup_key", verbosity=0)
    assert_refused(house, archive, "另一个密钥")
    other.chmod(0o644)
    assert_refused(house, archive, "chmod 600")
    settings.CRM_BACKUP_KEY_FILE = str(key_file)
    stored = archive.read_bytes()
    for place in (3, 15, 40, 60, 100, len(stored) // 2, len(stored) - 1):
        archive.write_bytes(stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])
        assert_refused(house, archive, "恢复失败")
    for length in (16, 64, 64 + 65552, len(stored) - 1):
        archive.write_bytes(stored[:length])
        assert_refused(house, archive, "恢复失败")
    archive.write_bytes(stored)
    restore(archive)  # control: as it was it comes back
    assert Customer.objects.get().name == "海河水务有限公司"


# The audit log


def test_the_restored_audit_log_names_the_backup_and_its_chain_holds(house, archive):
    before, digest = AuditEntry.objects.count(), hashlib.sha256(archive.read_bytes()).hexdigest()
    assert not AuditEntry.objects.filter(verb="恢复备份").exists()
    restore(archive)
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert AuditEntry.objects.count() == before + 1
    assert (entry.verb, entry.actor_id, entry.actor_name, entry.object_text) == ("恢复备份", None, "系统", archive.name)
    made_at = Archive(archive).manifest.made_at[:16].replace("T", " ")
    assert entry.changes == {"备份时间": ["", made_at], "SHA-256": ["", digest]}
    seals.seal_pending()
    assert verification.verify() == []
    call_command("restore", action="back")
    assert not AuditEntry.objects.filter(verb="恢复备份").exists(), "control: the former database was not touched"


def test_a_refused_restore_leaves_no_event(house, archive):
    archive.write_bytes(archive.read_bytes()[:-1])
    assert_refused(house, archive, "恢复失败")
    assert not AuditEntry.objects.filter(verb="恢复备份").exists()


TIMES = ["", "gestern", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-12:00", "2026-01-02"]


@pytest.mark.parametrize("made_at", TIMES if connection.vendor == "sqlite" else TIMES[:1])
def test_a_backup_that_says_no_sensible_time_is_restored_all_the_same(made_at, house, monkeypatch):
    monkeypatch.setattr(creation, "_check", lambda *_: None)
    monkeypatch.setattr(creation.timezone, "localtime", lambda *_: NoTime(made_at))
    made = make_backup(house.folder).path
    monkeypatch.undo()
    restore(made)
    assert AuditEntry.objects.get(verb="恢复备份").changes["备份时间"] == ["", made_at]


@pytest.mark.parametrize("hours_before", [0, 2])
def test_rows_not_sealed_yet_when_the_backup_was_made_are_not_overdue_for_having_lain_in_it(
    hours_before, house, monkeypatch, capsys
):
    """Control: one that was overdue already is reported."""
    monkeypatch.setattr(creation, "_check", lambda *_: None)
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: now - timedelta(hours=hours_before))
        log_event(None, "新建", Customer.objects.get())
    made = make_backup(house.folder).path
    later = SimpleNamespace(now=lambda: now + timedelta(hours=9))
    monkeypatch.setattr(verification, "timezone", later)
    restore(made)
    assert ("超过 1 小时未封存" in capsys.readouterr().out) == bool(hours_before)


# Rights of other roles


@pytest.fixture
def roles(house):
    """Two roles: one that works with the data, one that reads reports; gone afterwards."""
    names = [f"{house.database[:30]}_worker", f"{house.database[:30]}_Reader"]
    with postgres._server() as server:
        for name in names:
            server.execute(f'DROP ROLE IF EXISTS "{name}"')
            server.execute(f'CREATE ROLE "{name}"')
    yield names
    connection.close()
    with postgres._server() as server:
        databases = [house.database, *(name for name in postgres.databases_beside() if name.startswith(house.database))]
    for database in databases:
        with postgres.connect_to(database) as opened:
            for name in names:
                opened.execute(f'DROP OWNED BY "{name}"')
    with postgres._server() as server:
        for name in names:
            server.execute(f'DROP ROLE "{name}"')


def read_grants(house):
    with postgres.connect_to(house.database) as opened:
        return {grant for grant in grants.read(opened, house.database) if not grant.is_owners}


def test_statements_name_what_is_lost_and_nothing_that_is_there_already():
    def grant(name, privilege, role="reader", is_owners=False):
        return grants.Grant("", "TABLE", f"public.{name}", privilege, role, False, is_owners)

    owners = {grant(name, "SELECT", "owner", is_owners=True) for name in "ab"}
    present = {grant("a", "SELECT"), grant("a", "UPDATE"), grant("b", "SELECT"), grant("b", "UPDATE"), *owners}
    both = "GRANT SELECT, UPDATE ON TABLE public.a, public.b TO reader;"
    assert grants.missing_grants(present, owners) == [both]
    assert grants.missing_grants(present, present) == []
    assert grants.missing_grants({*present, grant("gone", "SELECT")}, owners) == [both], (
        "not on what is no longer there"
    )
    assert grants.missing_grants(owners, {*owners, grant("a", "SELECT", "PUBLIC")}) == [
        "REVOKE SELECT ON TABLE public.a FROM PUBLIC;"
    ]


@pytest.mark.postgres
@ON_POSTGRESQL
def test_privileges_of_other_roles_are_listed_with_the_statements_that_grant_them(house, archive, roles, capsys):
    worker, reader = roles
    with postgres.connect_to(house.database) as opened:
        opened.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{worker}"')
        opened.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{worker}"')
        opened.execute(f'GRANT SELECT (name) ON customers_customer TO "{reader}" WITH GRANT OPTION')
        opened.execute(f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "{reader}"')
        opened.execute(f'REVOKE CONNECT ON DATABASE "{house.database}" FROM PUBLIC')
        opened.execute(f'GRANT CONNECT ON DATABASE "{house.database}" TO "{worker}"')
    before = read_grants(house)
    restore(archive)
    said = capsys.readouterr().out
    assert "权限没有带到新库" in said
    assert read_grants(house) != before
    statements = [line for line in said.splitlines() if line.endswith(";")]
    assert len(statements) == 6
    with postgres.connect_to(house.database) as opened:
        for statement in statements:
            opened.execute(statement)
    assert read_grants(house) == before


@pytest.mark.postgres
@ON_POSTGRESQL
def test_control_without_privileges_of_other_roles_nothing_is_listed(house, archive, capsys):
    restore(archive)
    assert "权限没有带到新库" not in capsys.readouterr().out
