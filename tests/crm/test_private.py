"""What the product stores is for its own account: whatever the umask, and also what lay there before."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings as project
from django.core.management import call_command

from crm import file_permissions
from tests import factories
from tests.scripts import server

WRITES = """
import os, sqlite3, sys
os.umask(0)
{set_up}
os.makedirs(f"{{sys.argv[1]}}/folder/inside")
open(f"{{sys.argv[1]}}/folder/inside/file", "w").close()
database = sqlite3.connect(f"{{sys.argv[1]}}/db.sqlite3")
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE a (b)")
os._exit(0)  # the log stays
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder: Path) -> list[str]:
    """What somebody else could read or write, by its relative name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if mode(path) & file_permissions.UMASK)


def written(folder: Path, set_up: str) -> Path:
    var = folder / "var"
    environment = {
        **os.environ,
        "CRM_ENV": "development",
        "CRM_VAR_DIR": str(var),
        "DJANGO_SETTINGS_MODULE": "crm.settings",
    }
    (folder / "data").mkdir()
    command = [sys.executable, "-c", WRITES.format(set_up=set_up), str(folder / "data")]
    subprocess.run(command, cwd=project.BASE_DIR, env=environment, check=True)
    return folder / "data"


@pytest.mark.parametrize("entry", ["import crm.settings", "import crm.wsgi"])
def test_whatever_a_process_of_the_product_writes_is_closed_to_others(entry, tmp_path):
    assert open_to_others(written(tmp_path, entry)) == []
    assert mode(tmp_path / "var") == file_permissions.WAY_THROUGH


def test_control_without_it_everything_would_be_open(tmp_path):
    found = open_to_others(written(tmp_path, ""))
    assert found == ["db.sqlite3", "db.sqlite3-shm", "db.sqlite3-wal", "folder", "folder/inside", "folder/inside/file"]


@pytest.mark.django_db
def test_an_uploaded_file_is_closed_even_under_a_wide_umask(company, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    customer = factories.CustomerFactory(manager=company.manager)
    former = os.umask(0)
    try:
        attached = factories.attachment(factories.interaction(customer, company.manager), company.manager)
    finally:
        os.umask(former)
    assert attached.file.storage.exists(attached.file.name)
    assert open_to_others(tmp_path) == []


def test_static_files_stay_readable_by_a_front_server(settings, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.css").write_text("a { color: red }\n" * 200)
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [tmp_path / "source"], tmp_path / "var" / "static"
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    options = {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755}
    storage = {"BACKEND": "crm.static_files.PublicStaticFilesStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": storage}
    former = os.umask(file_permissions.UMASK)
    try:
        call_command("collectstatic", interactive=False, verbosity=0)
    finally:
        os.umask(former)
    found = {path.suffix: mode(path) for path in settings.STATIC_ROOT.rglob("*") if path.is_file()}
    assert found == {".css": 0o644, ".gz": 0o644, ".json": 0o644}
    assert mode(settings.STATIC_ROOT) == 0o755


@pytest.fixture
def loose(tmp_path):
    """A var/ of before: everything open, static files among it."""
    var = tmp_path / "var"
    for name in ("crm.sqlite3", "crm.sqlite3-wal", "secret_key", "files/a/b.pdf", "backups/crm-1.tar", "static/a.css"):
        (var / name).parent.mkdir(parents=True, exist_ok=True)
        (var / name).write_text("x")
    for path in [var, *var.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
    return var


def test_what_lay_open_before_is_closed_at_the_start_and_static_files_are_not(loose, capsys):
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(loose / "crm.sqlite3")}
    settings = SimpleNamespace(VAR_DIR=loose, STATIC_ROOT=loose / "static", DATABASES={"default": own})
    server.close_to_others(settings)
    assert open_to_others(loose) == ["static", "static/a.css"]
    assert mode(loose) == file_permissions.WAY_THROUGH
    assert "已收紧 9 个" in capsys.readouterr().out
    server.close_to_others(settings)
    assert capsys.readouterr().out == ""


def test_a_database_elsewhere_is_closed_too_and_links_are_left_alone(loose, tmp_path):
    database = tmp_path / "elsewhere.sqlite3"
    for part in ("", "-wal"):
        Path(f"{database}{part}").touch()
        Path(f"{database}{part}").chmod(0o644)
    (loose / "link").symlink_to(__file__)
    before = mode(Path(__file__))
    file_permissions.tighten(loose, public=loose / "static", database=database)
    assert [mode(Path(f"{database}{part}")) for part in ("", "-wal")] == [0o600, 0o600]
    assert mode(Path(__file__)) == before


def test_what_cannot_be_closed_is_named(loose, monkeypatch):
    real = Path.chmod

    def chmod(path, wanted):
        if path.name == "secret_key":
            raise PermissionError
        real(path, wanted)

    monkeypatch.setattr(Path, "chmod", chmod)
    assert file_permissions.tighten(loose, public=loose / "static")[1] == [loose / "secret_key"]
