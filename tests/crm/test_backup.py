"""Backups are checked by restoring them; what is not whole never gets the final name."""

from __future__ import annotations

import os
import stat
import tarfile

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from crm.backup import creation, files, postgres, sqlite
from crm.backup.archive import Archive, Writer
from customers.models import Customer
from tests import factories

DATABASE = postgres if connection.vendor == "postgresql" else sqlite


def made(folder):
    call_command("backup", str(folder))
    (archive,) = folder.iterdir()
    return archive


@pytest.fixture
def trusted(house, monkeypatch):
    """A house whose backups are not restored for a check: PostgreSQL takes its time to drop what that makes."""
    monkeypatch.setattr(creation, "_check", lambda *_: None)
    return house


def test_a_backup_holds_every_row_and_file_and_says_so_itself(house, own_tables, capsys):
    archive = made(house.folder)
    assert archive.name.startswith("crm-")
    assert "已核对" in capsys.readouterr().out
    manifest = Archive(archive).manifest
    assert manifest.tables == own_tables()
    assert manifest.files == ["contracts/合同.txt"]
    assert ("customers", "0001_first") in manifest.migrations
    assert (manifest.vendor, manifest.product, manifest.missing) == (connection.vendor, creation.product(), ())


def test_any_tar_opens_a_backup(trusted):
    with tarfile.open(made(trusted.folder)) as opened:
        assert opened.getnames() == ["database", "files/contracts/合同.txt", "manifest.json", "manifest.sha256"]
        assert opened.extractfile("files/contracts/合同.txt").read().decode() == "一式两份"


def test_only_its_owner_reads_a_backup_and_enters_its_folder(trusted):
    archive = made(trusted.folder)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert stat.S_IMODE(trusted.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("fault", ["rows", "archive", "dump", "read"])
def test_a_backup_that_is_not_whole_gets_no_name_and_fails(fault, house, monkeypatch):
    if fault == "rows":
        real, calls = DATABASE.tables, []
        changed = lambda at: calls.append(1) or {**real(at), "audit_auditentry": [len(calls), None]}  # noqa: E731
        monkeypatch.setattr(DATABASE, "tables", changed)
    elif fault == "archive":
        real_close = Writer.close

        def close(self, manifest):
            real_close(self, manifest)
            self.out.seek(700)
            self.out.write(b"\xff")

        monkeypatch.setattr(Writer, "close", close)
    elif fault == "dump":
        monkeypatch.setattr(DATABASE, "dump", lambda *_: (_ for _ in ()).throw(OSError("磁盘已满")))
    else:
        monkeypatch.setattr(Archive, "walk", lambda *_: (_ for _ in ()).throw(OSError("磁盘坏了")))
    with pytest.raises(CommandError, match="备份失败"):
        call_command("backup", str(house.folder))
    assert list(house.folder.iterdir()) == []


def test_files_named_by_rows_but_missing_are_reported(trusted, capsys):
    customer = Customer.objects.get()
    attached = factories.attachment(factories.interaction(customer, customer.manager), customer.manager)
    assert Archive(made(trusted.folder)).manifest.missing == ()
    attached.file.storage.delete(attached.file.name)
    trusted.folder = trusted.folder.with_name("later")
    assert Archive(made(trusted.folder)).manifest.missing == (attached.file.name,)
    assert attached.file.name in capsys.readouterr().out


def test_a_file_whose_row_goes_meanwhile_stops_no_backup(trusted, monkeypatch):
    real = files.stored_files
    monkeypatch.setattr(files, "stored_files", lambda: [*real(), ("files/gone.txt", trusted.media / "gone.txt")])
    assert Archive(made(trusted.folder)).manifest.files == ["contracts/合同.txt"]


def test_files_behind_a_linked_folder_are_kept_and_a_circle_ends(trusted, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text("a")
    (trusted.media / "linked").symlink_to(tmp_path / "elsewhere")
    (trusted.media / "circle").symlink_to(trusted.media)
    assert Archive(made(trusted.folder)).manifest.files == ["contracts/合同.txt", "linked/a.txt"]


def test_a_folder_of_backups_inside_the_stored_files_is_refused(trusted):
    with pytest.raises(CommandError, match="附件目录里"):
        call_command("backup", str(trusted.media / "backups"))
    assert [path.name for path in trusted.media.iterdir()] == ["contracts"]


def test_what_killed_backups_left_is_swept_away_after_a_day(trusted):
    trusted.folder.mkdir()
    for name in ("crm-1.ab.part", "crm-2.cd.part", "crm-scratch-old/database", "crm-scratch-new/database"):
        (trusted.folder / name).parent.mkdir(exist_ok=True)
        (trusted.folder / name).write_text("x")
    for name in ("crm-1.ab.part", "crm-scratch-old"):
        os.utime(trusted.folder / name, (0, 0))
    call_command("backup", str(trusted.folder))
    left = sorted(path.name for path in trusted.folder.iterdir() if path.suffix != ".tar")
    assert left == ["crm-2.cd.part", "crm-scratch-new"]


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's databases")
def test_a_database_of_a_check_that_was_killed_is_dropped_after_a_day(house):
    old, young = f"{house.database}_check_20260102030405_ab", f"{house.database}_check_29991231000000_ab"
    with postgres._server() as server:
        for name in (old, young):
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    call_command("backup", str(house.folder))
    assert postgres.databases_beside() == [young]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's programs")
def test_without_the_programs_of_postgresql_it_says_what_to_install(house, monkeypatch):
    monkeypatch.setattr(postgres.shutil, "which", lambda name: None)
    with pytest.raises(CommandError, match="postgresql-client"):
        call_command("backup", str(house.folder))
