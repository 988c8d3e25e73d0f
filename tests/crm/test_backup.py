"""Backups are checked by restoring them; what is not whole never gets the final name."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from accounts.roles import ship_roles
from basedata.shipped import ship_entries
from crm import backup
from customers.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def work(tmp_path):
    """Something worth keeping: people, a customer, a file. Files lie in a folder of their own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    ship_entries()
    ship_roles()
    factories.CustomerFactory(name="海河水务有限公司", manager=factories.UserFactory(name="周经理"))
    stored = Path(settings.MEDIA_ROOT) / "contracts" / "合同.txt"
    stored.parent.mkdir(parents=True)
    stored.write_text("一式两份")
    return stored


def made(folder):
    call_command("backup", str(folder))
    (archive,) = folder.iterdir()
    return archive


def test_a_restored_backup_is_what_was_backed_up_to_the_last_row_and_file(work, tmp_path, capsys):
    before = backup._own_tables()
    archive = made(tmp_path / "kept")
    assert archive.name.startswith("crm-")
    assert "已核对" in capsys.readouterr().out
    Customer.objects.update(name="改坏了")
    User.objects.filter(customers=None).delete()
    work.write_text("改坏了")
    (work.parent / "多出来的.txt").write_text("x")
    with pytest.raises(CommandError, match="--overwrite"):
        call_command("restore", str(archive))
    assert Customer.objects.get().name == "改坏了"
    call_command("restore", str(archive), overwrite=True)
    assert backup._own_tables() == before
    assert Customer.objects.get().name == "海河水务有限公司"
    assert [path.name for path in work.parent.iterdir()] == ["合同.txt"]
    assert work.read_text() == "一式两份"
    assert factories.CustomerFactory(manager=User.objects.first()).pk, "numbers go on after the restored ones"


@pytest.mark.parametrize("fault", ["rows", "files", "archive", "dump"])
def test_a_backup_that_is_not_whole_gets_no_name_and_fails(fault, work, tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    if fault == "rows":
        summary = "postgres_tables" if connection.vendor == "postgresql" else "sqlite_tables"
        real, calls = getattr(backup, summary), []
        monkeypatch.setattr(
            backup, summary, lambda at: calls.append(1) or {**real(at), "audit_auditentry": [len(calls)]}
        )
    elif fault == "files":
        answers = iter([{"a": "1"}, {"a": "2"}])
        monkeypatch.setattr(backup, "_checksums", lambda root: next(answers))
        (Path(settings.MEDIA_ROOT) / "a").write_text("1")
    elif fault == "archive":
        real_pack = backup._pack
        monkeypatch.setattr(backup, "_pack", lambda part, *rest: (real_pack(part, *rest), part.write_bytes(b"half"))[0])
    else:
        what = "_run" if connection.vendor == "postgresql" else "sqlite_file"
        monkeypatch.setattr(backup, what, lambda *_: (_ for _ in ()).throw(OSError("磁盘已满")))
    with pytest.raises(CommandError, match="备份失败"):
        call_command("backup", str(kept))
    assert list(kept.iterdir()) == []


def test_a_damaged_backup_is_refused_and_nothing_changes(work, tmp_path):
    archive = made(tmp_path / "kept")
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(CommandError, match="恢复失败"):
        call_command("restore", str(archive), overwrite=True)
    assert Customer.objects.get().name == "海河水务有限公司"
    assert work.read_text() == "一式两份"


def test_a_backup_of_another_database_and_a_missing_file_are_refused(work, tmp_path):
    archive = made(tmp_path / "kept")
    folder = tmp_path / "other"
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    manifest = folder / backup.MANIFEST
    manifest.write_text(manifest.read_text().replace(connection.vendor, "oracle"))
    with tarfile.open(archive, "w") as packed:
        for path in folder.iterdir():
            packed.add(path, path.name)
    with pytest.raises(CommandError, match="来自 oracle"):
        call_command("restore", str(archive), overwrite=True)
    with pytest.raises(CommandError, match="找不到"):
        call_command("restore", str(tmp_path / "no.tar"))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's programs")
def test_without_the_programs_of_postgresql_it_says_what_to_install(work, tmp_path, monkeypatch):
    monkeypatch.setattr(backup.shutil, "which", lambda name: None)
    with pytest.raises(CommandError, match="postgresql-client"):
        call_command("backup", str(tmp_path / "kept"))
