"""The way back: whole, of this version, with the former state beside; whatever is refused changes nothing."""

from __future__ import annotations

import json
import os
import sqlite3
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from accounts.models import User
from crm.backup import creation, files, leftovers, postgres, restoration, sqlite, versions
from crm.backup.archive import Archive
from crm.backup.creation import make_backup
from crm.backup.manifest import DATABASE as MEMBER
from customers.models import Customer
from kit.audit.models import AuditEntry
from tests import factories

DATABASE = postgres if connection.vendor == "postgresql" else sqlite
ON_SQLITE = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's file")


@pytest.fixture
def archive(house):
    """A backup, taken on trust (test_backup.py checks them); afterwards somebody went on working."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(creation, "_check", lambda *_: None)
        made = make_backup(house.folder).path
    spoil(house)
    return made


def spoil(house):
    Customer.objects.update(name="改坏了")
    house.stored.write_text("改坏了")
    (house.stored.parent / "多出来的.txt").write_text("x")


def restore(archive, **options):
    call_command("restore", str(archive), overwrite=True, **options)


def state(house):
    """Everything a restore may change: rows, files with their content, what lies beside."""
    connection.close()
    with DATABASE.connect_to(house.database) as database:
        rows = DATABASE.tables(database)
    stored = {str(path): path.read_bytes() for path in sorted(house.media.rglob("*")) if path.is_file()}
    return rows, stored, DATABASE.databases_beside(), sorted(path.name for path in house.media.parent.iterdir())


def assert_refused(house, archive, words, **options):
    """It is refused with these words, and nothing is other than before."""
    before = state(house)
    with pytest.raises(CommandError, match=words) as told:
        call_command("restore", str(archive), **{"overwrite": True, **options})
    assert "\n" not in str(told.value)
    assert state(house) == before


def rebuilt(archive, change):
    """The archive as the first format has it, with its parts changed: change(manifest, database) → the two."""
    manifest = Archive(archive).manifest
    with tarfile.open(archive) as packed:
        held = {name: packed.extractfile(name).read() for name in packed.getnames()}
    manifest_ = {
        "made_at": manifest.made_at,
        "vendor": manifest.vendor,
        "tables": manifest.tables,
        "files": {name: manifest.members[f"files/{name}"][1] for name in manifest.files},
    }
    manifest_, database = change(manifest_, held[MEMBER])
    path = archive.with_name("crm-before.tar")
    parts = {"manifest.json": json.dumps(manifest_, ensure_ascii=False).encode(), MEMBER: database}
    parts |= {name: content for name, content in held.items() if name.startswith("files/")}
    with tarfile.open(path, "w") as packed:
        for name, content in parts.items():
            (archive.parent / "part").write_bytes(content)
            packed.add(archive.parent / "part", name)
    return path


# What comes back, and what stays


def test_a_restored_backup_is_what_was_backed_up_to_the_last_row_and_file(house, own_tables, capsys):
    before = own_tables()
    made = make_backup(house.folder).path
    spoil(house)
    restore(made)
    assert "核对一致" in capsys.readouterr().out
    after = own_tables()
    assert after.pop("audit_auditentry")[0] == before.pop("audit_auditentry")[0] + 1, "the restore's own event"
    assert [after.pop("sqlite_sequence", None) is None] == [before.pop("sqlite_sequence", None) is None]
    assert after == before
    assert Customer.objects.get().name == "海河水务有限公司"
    assert [path.name for path in house.stored.parent.iterdir()] == ["合同.txt"]
    assert house.stored.read_text() == "一式两份"
    assert factories.CustomerFactory(manager=User.objects.first()).pk, "numbers go on after the restored ones"


def test_the_former_state_is_listed_swapped_back_and_removed(house, archive, capsys):
    restore(archive)
    assert "--back 换回" in capsys.readouterr().out
    call_command("restore", action="back")
    assert Customer.objects.get().name == "改坏了"
    assert house.stored.read_text() == "改坏了"
    call_command("restore", action="back")
    assert house.stored.read_text() == "一式两份"
    call_command("restore", action="forget")
    capsys.readouterr()
    call_command("restore", action="status")
    assert leftovers.NOTHING in capsys.readouterr().out
    assert (DATABASE.databases_beside(), [path.name for path in house.media.iterdir()]) == ([], ["contracts"])
    assert Customer.objects.get().name == "海河水务有限公司"
    with pytest.raises(CommandError, match="没有留下"):
        call_command("restore", action="back")


def test_what_a_restore_keeps_beside_is_in_no_backup(house, archive, tmp_path):
    restore(archive)
    assert make_backup(tmp_path / "later").manifest.files == ["contracts/合同.txt"]


def test_a_backup_of_the_first_format_comes_back_and_says_what_was_not_provable(house, archive, capsys):
    restore(rebuilt(archive, lambda manifest_, database: (manifest_, database)))
    assert Customer.objects.get().name == "海河水务有限公司"
    assert house.stored.read_text() == "一式两份"
    assert "没有数据库文件本身的校验和" in capsys.readouterr().out


def test_a_backup_from_before_an_upgrade_is_brought_to_this_version_first(house, own_tables, capsys):
    newest = MigrationLoader(connection).graph.leaf_nodes()
    call_command("migrate", "customers", "0008", verbosity=0)
    made = make_backup(house.folder).path
    call_command("migrate", verbosity=0)
    now = set(own_tables())
    restore(made)
    assert set(own_tables()) == now
    applied = set(MigrationLoader(connection).applied_migrations)
    assert set(newest) <= applied
    assert Customer.objects.get().name == "海河水务有限公司"
    assert "执行了 0 个" not in capsys.readouterr().out


def test_a_backup_with_migrations_renumbered_or_withdrawn_since_is_an_older_one(house, monkeypatch):
    """Brought up by what stands before the renumbered one, which itself was there already."""
    calls = []
    monkeypatch.setattr(versions, "call_command", lambda *words, **options: calls.append((*words, "fake" in options)))
    held = [("customers", "0004_text_indexes"), ("ui", "0003_dear_grams")]
    versions.refuse_newer(held)
    versions.migrate_copy(held)
    renumbered = ("migrate", "customers", "0005_text_indexes", True)
    assert calls == [("migrate", "customers", "0004_revenue_rollup", False), renumbered, ("migrate", False)]


def record_applied(app, name):
    connection.cursor().execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, '2026-01-01 00:00:00Z')", [app, name]
    )


def test_an_audit_log_broken_before_the_backup_is_reported_and_restored(house, capsys):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_auditentry SET verb = '改了'")
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER USER")
    restore(make_backup(house.folder).path)
    assert "审计记录在备份以前就不完整" in capsys.readouterr().out
    assert AuditEntry.objects.filter(verb="改了").exists()


# What is refused


def test_people_are_not_replaced_without_being_asked(house, archive):
    assert_refused(house, archive, "--overwrite", overwrite=False)


def test_a_backup_of_another_database_and_a_missing_file_are_refused(house, archive):
    other = rebuilt(archive, lambda manifest_, database: ({**manifest_, "vendor": "oracle"}, database))
    assert_refused(house, other, "来自 oracle")
    assert_refused(house, archive.with_name("no.tar"), "找不到")
    assert_refused(house, archive.parent, "找不到")


def test_a_backup_of_a_newer_version_is_refused(house):
    record_applied("customers", "0999_later")
    made = make_backup(house.folder).path
    assert_refused(house, made, "customers.0999_later")
    assert_refused(house, rebuilt(made, lambda manifest_, database: (manifest_, database)), "customers.0999_later")


def test_a_damaged_backup_is_refused_and_nothing_changes(house, archive):
    content = archive.read_bytes()
    size = len(content)
    for place in range(600, size, size // 13):
        archive.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(CommandError, match="恢复失败"):
            restore(archive)
    for length in (0, size // 2, size - 1):
        archive.write_bytes(content[:length])
        assert_refused(house, archive, "恢复失败")


def test_rows_of_the_first_format_that_differ_from_the_manifest_change_nothing(house, archive):
    def fewer(manifest_, database):
        return {**manifest_, "tables": {**manifest_["tables"], "customers_customer": [0, None]}}, database

    assert_refused(house, rebuilt(archive, fewer), "customers_customer")
    assert_refused(
        house, rebuilt(archive, lambda manifest_, database: (manifest_, database[: len(database) // 2])), "恢复失败"
    )
    assert_refused(
        house, rebuilt(archive, lambda manifest_, database: (manifest_, b"nothing of the kind" * 99)), "恢复失败"
    )


@ON_SQLITE
def test_of_the_first_format_a_page_of_an_index_is_missed_by_sums_but_not_by_the_check(house, archive):
    def blank(manifest_, database):
        path = archive.with_name("db")
        path.write_bytes(database)
        with sqlite3.connect(path) as opened:
            root = opened.execute(
                "SELECT rootpage FROM sqlite_master WHERE name LIKE 'customers_customer_%'"
            ).fetchone()
            size = opened.execute("PRAGMA page_size").fetchone()[0]
        start = (root[0] - 1) * size
        return manifest_, database[:start] + bytes(size) + database[start + size :]

    assert_refused(house, rebuilt(archive, blank), "损坏|读不出来")


def test_a_migration_that_fails_leaves_everything_as_it_was(house, archive, monkeypatch):
    monkeypatch.setattr(versions, "call_command", lambda *_, **__: (_ for _ in ()).throw(OSError("磁盘已满")))
    assert_refused(house, archive, "磁盘已满")


def test_a_full_disk_is_reported_before_anything_is_written(house, archive, monkeypatch):
    monkeypatch.setattr(restoration.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    assert_refused(house, archive, "先腾出空间")


@ON_SQLITE
def test_a_database_somebody_has_open_is_not_replaced(house, archive):
    other = sqlite3.connect(house.database)
    other.execute("SELECT count(*) FROM accounts_user").fetchone()
    before = Customer.objects.get().name
    with pytest.raises(CommandError, match="请先停止服务"):
        restore(archive)
    other.close()
    assert Customer.objects.get().name == before
    restore(archive)


@ON_SQLITE
def test_a_database_that_cannot_be_read_is_replaced_and_kept_with_its_log(house, archive):
    connection.close()
    Path(house.database).write_bytes(b"broken" * 1000)
    Path(f"{house.database}-wal").write_bytes(b"log")
    with pytest.raises(CommandError, match="--overwrite"):
        call_command("restore", str(archive))
    restore(archive)
    assert Customer.objects.get().name == "海河水务有限公司"
    connection.close()
    (former,) = [name for name in DATABASE.databases_beside() if "former" in name and not name.endswith("-wal")]
    assert Path(former).read_bytes() == b"broken" * 1000


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's databases")
def test_a_database_somebody_is_connected_to_is_not_replaced(house, archive):
    with postgres.connect_to(house.database) as other:
        other.execute("SELECT 1")
        with pytest.raises(CommandError, match="请先停止服务"):
            restore(archive)
    assert Customer.objects.get().name == "改坏了"
    assert DATABASE.databases_beside() == []


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's databases")
def test_a_connection_just_before_the_swap_stops_it(house, archive, monkeypatch):
    with postgres.connect_to(house.database) as other:
        monkeypatch.setattr(postgres, "_refuse_others", lambda server: None)
        other.execute("SELECT 1")
        with pytest.raises(CommandError, match="请先停止服务"):
            restore(archive)
    assert Customer.objects.get().name == "改坏了"
    assert DATABASE.databases_beside() == []


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's databases")
def test_a_role_that_cannot_create_databases_gets_a_hint_what_to_grant(house, archive, monkeypatch):
    role = f"{house.database}_role"
    with postgres._server() as server:
        server.execute(f'DROP ROLE IF EXISTS "{role}"')
        server.execute(f'CREATE ROLE "{role}" LOGIN')
    real = postgres._parameters
    try:
        monkeypatch.setattr(postgres, "_parameters", lambda name: {**real(name), "user": role})
        with pytest.raises(CommandError, match="CREATEDB"):
            restore(archive)
    finally:
        monkeypatch.setattr(postgres, "_parameters", real)
        with postgres._server() as server:
            server.execute(f'DROP ROLE "{role}"')
    assert Customer.objects.get().name == "改坏了"
    assert DATABASE.databases_beside() == []


# Killed in between


class Killed(BaseException):
    """As kill -9: nothing tidies up behind it."""


def killed_at(monkeypatch, owner, name, call=1):
    real, calls = getattr(owner, name), []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, dies)
    monkeypatch.setattr(leftovers, "drop", lambda stamp: None)


# PostgreSQL drops a database only after a checkpoint: the steps that are the same for both are tried on SQLite.
BEFORE_THE_SWAP = [
    ("files", "create_private", 2),
    ("database", "load", 1),
    ("database", "finalize", 1),
    ("database", "swap", 1),
]


@pytest.mark.parametrize(("where", "name", "call"), BEFORE_THE_SWAP if DATABASE is sqlite else BEFORE_THE_SWAP[-1:])
def test_killed_before_the_swap_the_old_is_complete_and_the_rest_is_removed(where, name, call, house, archive):
    before = state(house)[0]
    with pytest.MonkeyPatch.context() as patch:
        killed_at(patch, files if where == "files" else DATABASE, name, call)
        with pytest.raises(Killed):
            restore(archive)
    assert state(house)[0] == before
    assert house.stored.read_text() == "改坏了"
    assert ["没有换上就停了" in leftover.message for leftover in leftovers.find_leftovers()] == [True]
    call_command("restore", action="forget")
    assert (DATABASE.databases_beside(), [path.name for path in house.media.iterdir()]) == ([], ["contracts"])
    restore(archive)
    assert house.stored.read_text() == "一式两份"


@ON_SQLITE
def test_killed_between_the_two_names_of_the_old_database_it_is_still_the_old(house, archive, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        killed_at(patch, os, "replace")
        with pytest.raises(Killed):
            restore(archive)
    assert Customer.objects.get().name == "改坏了"
    call_command("restore", action="forget")
    assert Customer.objects.get().name == "改坏了"


BETWEEN_THE_SWAPS = [("rename", 1), ("rename", 2), ("rename", 3), ("rmdir", 1)]


@pytest.mark.parametrize(("step", "call"), BETWEEN_THE_SWAPS if DATABASE is sqlite else BETWEEN_THE_SWAPS[:1])
def test_killed_between_the_swaps_it_says_so_and_goes_on_to_the_end(step, call, house, archive, capsys):
    with pytest.MonkeyPatch.context() as patch:
        is_after_load = step == "rename" and connection.vendor == "sqlite"  # whose dump becomes the database by one
        killed_at(patch, Path, step, call + is_after_load)
        with pytest.raises(Killed):
            restore(archive)
    with pytest.raises(CommandError, match="--continue"):
        restore(archive)
    with pytest.raises(CommandError, match="--continue"):
        call_command("restore", action="forget")
    call_command("restore", action="finish")
    assert "已做完" in capsys.readouterr().out
    assert Customer.objects.get().name == "海河水务有限公司"
    assert house.stored.read_text() == "一式两份"
    call_command("restore", action="back")
    assert Customer.objects.get().name == "改坏了"
    assert house.stored.read_text() == "改坏了"


def test_killed_on_the_way_back_it_is_gone_on_with_by_the_same_word(house, archive):
    restore(archive)
    with pytest.MonkeyPatch.context() as patch:
        killed_at(patch, DATABASE, "swap")
        with pytest.raises(Killed):
            call_command("restore", action="back")
    assert Customer.objects.get().name == "海河水务有限公司"
    with pytest.raises(CommandError, match="--back"):
        restore(archive)
    call_command("restore", action="back")
    assert Customer.objects.get().name == "改坏了"
    assert house.stored.read_text() == "改坏了"
