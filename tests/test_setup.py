"""Setting up: the scripts in bin/, the first administrator, and what the manual says about settings."""

from __future__ import annotations

import ast
import io
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError, ProgrammingError

from accounts.models import User
from crm.management.failures import describe_error
from kit.audit.models import AuditEntry
from tests import factories
from tests.scripts import ROOT, run, server, setup, testing

# Python, virtual environment, packages


@pytest.mark.parametrize("script", ["bin/run.py", "bin/setup.py", "bin/supervise.py"])
def test_entry_scripts_can_be_read_by_old_pythons(script):
    assert ast.parse((ROOT / script).read_text(), feature_version=(3, 8)).body


def test_an_old_python_is_told_what_to_do():
    problem = setup.python_problem((3, 8, 18), has_uv=False)
    assert "3.11" in problem
    assert "3.8.18" in problem
    assert setup.python_problem((3, 8, 18), has_uv=True) == ""
    assert setup.python_problem((3, 13, 0), has_uv=False) == ""


def test_a_virtual_environment_without_python_is_not_usable(monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "VENV", str(tmp_path))
    monkeypatch.setattr(setup, "PYTHON", str(tmp_path / "bin" / "python"))
    (tmp_path / "requirements.txt.installed").write_text("left over")
    assert not setup.venv_is_usable()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert setup.venv_is_usable()


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """A project of one lock file; pip only counts its calls and returns `code`."""
    calls = SimpleNamespace(count=0, code=0, lock=tmp_path / "requirements.txt")

    def call(command):
        calls.count += 1
        return SimpleNamespace(returncode=calls.code)

    monkeypatch.setattr(setup, "ROOT", str(tmp_path))
    monkeypatch.setattr(setup, "VENV", str(tmp_path))
    monkeypatch.setattr(setup.subprocess, "run", call)
    calls.lock.write_text("django==5.2.1")
    return calls


def test_packages_are_installed_once_per_lock_file(pip):
    setup.ensure_packages("requirements.txt")
    setup.ensure_packages("requirements.txt")
    assert pip.count == 1
    pip.lock.write_text("django==5.2.2")
    setup.ensure_packages("requirements.txt")
    assert pip.count == 2


def test_a_failed_installation_is_tried_again(pip):
    pip.code = 1
    with pytest.raises(setup.SetupError, match="请检查网络"):
        setup.ensure_packages("requirements.txt")
    pip.code = 0
    setup.ensure_packages("requirements.txt")
    assert pip.count == 2


def test_lock_files_name_no_registry():
    for lock in ("requirements.txt", "requirements-dev.txt", "requirements-node.txt", "package-lock.json"):
        text = (ROOT / lock).read_text()
        assert "--index-url" not in text
        assert '"resolved"' not in text
        assert not re.search(r"^https?://", text, re.M)


# make run


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "80 80", "８０８０"])
def test_a_port_must_be_a_number(text):
    with pytest.raises(setup.SetupError, match="不是端口号"):
        run.chosen_port(text)


def test_a_taken_port_names_a_free_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(setup.SetupError, match=f"端口 {port} 已被占用") as refusal:
            run.chosen_port(str(port))
    other = int(re.search(r"PORT=(\d+) make run", str(refusal.value))[1])
    assert other != port
    assert run.chosen_port(str(other)) == other


def test_own_settings_come_from_the_env_file_too():
    text = "# comment\nPORT=9000\nexport CRM_DEMO='0'\nSECRET_KEY=not-for-this-script\nCRM_ENV=\"production\"  \n"
    assert run.own_settings(text) == {"PORT": "9000", "CRM_DEMO": "0", "CRM_ENV": "production"}


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("django.db.utils.OperationalError: connection refused\n\tIs it running?\n", "DATABASE_URL"),
        ("CommandError: 连不上数据库。（connection refused）", "连不上数据库。（connection refused）"),
        ("django.db.utils.OperationalError: unable to open database file", "能否写入"),
        ("PermissionError: [Errno 13] Permission denied: 'var/secret_key'", "能否写入"),
        ("Traceback\nCommandError: 数据库里已有正式用户", "数据库里已有正式用户"),
        ("django.core.exceptions.ImproperlyConfigured: CRM_ENV 只能是 …", "CRM_ENV 只能是 …"),
        ("ValueError: odd", "准备数据库时出错：ValueError: odd"),
        ("", "没有说明原因"),
    ],
)
def test_failures_say_what_to_do(output, words):
    assert words in run.explain(output)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationalError("no such table: jobs_duerun"), "先运行 manage.py migrate"),
        (ProgrammingError('relation "jobs_duerun" does not exist\nLINE 1: SELECT'), "先运行 manage.py migrate"),
        (OperationalError('connection to server at "h" failed: Connection refused\n\tIs it running?'), "连不上数据库"),
        (OperationalError("unable to open database file"), "能否写入"),
        (OperationalError("database is locked"), "请等它结束"),
        (ImproperlyConfigured("CRM_ENV 只能是 …"), "CRM_ENV 只能是 …"),
        (ProgrammingError("syntax error at or near"), ""),
        (OperationalError("deadlock detected"), ""),
        (ValueError("odd"), ""),
    ],
)
def test_a_command_that_cannot_begin_says_what_to_do(error, words):
    said = describe_error(error)
    assert words in said
    assert bool(said) == bool(words)  # a fault of the program keeps its traceback
    assert "\n" not in said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://a:b@host/name", "DATABASE_URL 不能用"),
        ("nonsense", "DATABASE_URL 不能用"),
        ("sqlite:///{}/new.sqlite3", "先运行 manage.py migrate"),
    ],
)
def test_a_command_ends_in_a_sentence_without_a_traceback(url, words, tmp_path):
    environment = {**os.environ, "DATABASE_URL": url.format(tmp_path), "CRM_VAR_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "run_due"],
        cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_static_files_are_collected_when_they_changed(monkeypatch, tmp_path):
    calls = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        run, "manage", lambda *arguments: calls.append(arguments) or Path("var/static").mkdir(exist_ok=True)
    )
    Path("requirements.txt").touch()
    Path("var").mkdir()
    Path("static").mkdir()
    Path("static/app.js").write_text("1")
    run.collect_static("var")
    run.collect_static("var")
    assert len(calls) == 1
    Path("static/app.js").write_text("22")
    run.collect_static("var")
    assert len(calls) == 2


# make test


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("....\n97 passed in 12.30s", {"passed": 97}),
        ("1 failed, 5 passed, 2 skipped, 1 warning in 3.02s\n", {"failed": 1, "passed": 5, "skipped": 2}),
        ("= 3 passed, 2 errors in 61.00s (0:01:01) =", {"passed": 3, "error": 2}),
        ("no tests ran in 0.01s", {}),
        ("INTERNALERROR> 3 passed\nSegmentation fault", {}),
    ],
)
def test_closing_line_of_pytest(output, counts):
    assert testing.closing_counts(output) == counts


def test_summary_counts_runs_that_broke_off_and_runs_without_tests():
    summary = testing.Summary()
    summary.add("2 failed, 8 passed in 1.00s", 1, "SQLite")
    summary.add("Segmentation fault", -11, "PostgreSQL")
    summary.add("no tests ran in 0.01s", 5, "浏览器")
    assert (summary.passed, summary.failed) == (8, 3)
    assert summary.missing == ["浏览器：没有选中任何测试"]


SLOW = """..
============================= slowest 20 durations =============================
12.50s call     tests/test_a.py::test_walk[a - b]
2.25s setup    tests/test_a.py::test_walk[a - b]
3.00s call     tests/test_b.py::test_more
0.01s teardown tests/test_b.py::test_more

(7 durations < 0.005s hidden.  Use -vv to show these durations.)
2 passed in 18.00s
"""


def test_the_end_says_the_minutes_of_each_part_and_the_slowest_tests_of_all():
    summary = testing.Summary()
    summary.add(SLOW, 0, "SQLite", 90.0)
    summary.add(SLOW.replace("3.00s", "99.00s").replace("12.50s", "0.50s"), 0, "PostgreSQL", 30.0)
    assert summary.times() == [
        "用时 2.0 分钟：SQLite 1.5 分钟，PostgreSQL 0.5 分钟",
        "最慢的 4 个测试：",
        "   99.01 秒  PostgreSQL  tests/test_b.py::test_more",
        "   14.75 秒  SQLite  tests/test_a.py::test_walk[a - b]",
        "    3.01 秒  SQLite  tests/test_b.py::test_more",
        "    2.75 秒  PostgreSQL  tests/test_a.py::test_walk[a - b]",
    ]


def test_no_more_than_the_slowest_twenty_are_listed_and_pytest_is_asked_for_them():
    assert "--durations=20" in testing.PYTEST
    summary = testing.Summary()
    for part in ("SQLite", "PostgreSQL"):
        summary.add("\n".join(f"{n}.00s call     tests/test_a.py::test_{n}" for n in range(20)), 0, part, 1.0)
    assert len(summary.times()) == 2 + 20
    assert testing.Summary().times() == []


def test_a_named_browser_that_is_not_there_is_not_replaced(monkeypatch):
    monkeypatch.setenv("CRM_CHROMIUM", "/nonexistent/chromium")
    assert testing.chromium() == ""


# The first administrator


def printed(command: str, *arguments: str, **options: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def test_setup_link_opens_until_there_is_an_administrator(client, db):
    path = re.search(r"http://crm\.example(/setup/\S+/)", printed("setup_link", address="http://crm.example/"))[1]
    assert client.get(path).status_code == 200
    factories.person("administrator")
    assert client.get(path).status_code == 410
    assert "已有系统管理员" in printed("setup_link")


def test_setup_link_ends_after_a_day(client, db, monkeypatch):
    path = re.search(r"/setup/\S+/", printed("setup_link"))[0]
    monkeypatch.setattr("django.core.signing.time", SimpleNamespace(time=lambda: 9e9))
    assert client.get(path).status_code == 404


def test_create_administrator_gives_the_role_and_an_audit_row(db, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("Long-enough-77\n"))
    printed("create_administrator", "boss", "--name", "何总", "--password-stdin")
    user = User.objects.administrators().get()
    assert (user.username, user.name) == ("boss", "何总")
    assert user.check_password("Long-enough-77")
    entry = AuditEntry.objects.get(object_id=user.pk, verb="新建")
    assert (entry.actor_id, entry.actor_name) == (None, "系统")


def test_create_administrator_prints_a_generated_password(db):
    output = printed("create_administrator", "boss", "--name", "何总", "--generate")
    assert User.objects.get(username="boss").check_password(re.search(r"密码：(\S{16})", output)[1])


@pytest.mark.parametrize(
    ("username", "name", "password"),
    [("boss", "何总", "12345678"), ("two words", "何总", "Long-enough-77"), ("boss", "", "Long-enough-77")],
)
def test_create_administrator_refuses(db, monkeypatch, username, name, password):
    monkeypatch.setattr(sys, "stdin", io.StringIO(password))
    with pytest.raises(CommandError, match="没有创建"):
        printed("create_administrator", username, "--name", name, "--password-stdin")
    assert not User.objects.filter(username=username).exists()


def test_create_administrator_refuses_a_name_in_use(db):
    factories.UserFactory(username="boss")
    with pytest.raises(CommandError, match="已有人使用"):
        printed("create_administrator", "boss", "--name", "何总", "--generate")


# Production


def test_the_server_refuses_a_database_of_another_version(db, monkeypatch):
    monkeypatch.setattr(connection, "close", lambda: None)
    server.refuse_pending_migrations()
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *arguments: ["0002"])
    with pytest.raises(SystemExit, match=r"manage\.py migrate"):
        server.refuse_pending_migrations()


def test_the_administrators_manual_lists_every_setting():
    sources = [ROOT / "crm" / "settings.py", ROOT / "gunicorn.conf.py", *(ROOT / "bin").glob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    names = set(re.findall(r'(?:env\.\w+|environ\.get)\(\s*"(\w+)"', text)) - {"USER", "CI", "CRM_PROCESS"}
    table = (ROOT / "docs/admin.zh.md").read_text().split("\n## 设置\n")[1].split("\n## ")[0]
    assert "SECRET_KEY" in names
    assert {name for name in names if f"`{name}`" not in table} == set()
