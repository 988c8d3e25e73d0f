"""Requests: their size, cookies and host names; the health URLs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from crm.headers import WITHOUT_SESSION
from crm.version import VERSION
from kit.jobs.models import DueRun, Job
from tests.html import links, text, texts

pytestmark = pytest.mark.django_db


class Unread(io.BytesIO):
    """A body that must not be touched."""

    def read(self, *args):
        raise AssertionError("a refused body was read")


def send(client, size, **more):
    return client.generic("POST", "/login/", b"", CONTENT_LENGTH=str(size), **{"wsgi.input": Unread(), **more})


def test_a_visitor_sends_no_more_than_a_sign_in_form():
    for size in (WITHOUT_SESSION + 1, 10**12, "9" * 30, "-1", "x", "１"):
        answer = send(Client(), size)
        assert (size, answer.status_code) == (size, 413)
        assert "没有接收" in answer.content.decode()


def test_a_forged_session_cookie_allows_no_larger_request():
    visited = SessionStore()  # a session without a user
    visited.create()
    for key in ("", "abc", "x" * 32, visited.session_key):
        client = Client()
        client.cookies[django_settings.SESSION_COOKIE_NAME] = key
        assert send(client, WITHOUT_SESSION + 1).status_code == 413


def test_a_signed_in_user_sends_no_more_than_the_largest_form(company, sign_in, settings):
    client = sign_in(company.manager)
    assert send(client, settings.CRM_REQUEST_MAX_BYTES + 1).status_code == 413
    assert settings.CRM_REQUEST_MAX_BYTES > 10 * settings.CRM_ATTACHMENT_MAX_MB * 1024 * 1024
    assert client.post("/customers/new/", {"name": "x" * (WITHOUT_SESSION * 2)}).status_code == 200


def test_many_fields_and_many_files_get_a_page(company, sign_in):
    client = sign_in(company.manager)
    client.raise_request_exception = False
    many = {f"f{n}": "x" for n in range(django_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert client.post("/customers/new/", many).status_code == 400
    files = {f"f{n}": io.BytesIO(b"x") for n in range(django_settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)}
    assert client.post("/customers/new/", files).status_code == 400


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\n", b"\x00\xff", b'{"a": 1}'])
@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=x", "application/json", "x/y", ""]
)
def test_a_broken_body_is_no_crash(body, kind, company, sign_in):
    client = sign_in(company.manager)
    client.raise_request_exception = False
    assert client.generic("POST", "/customers/new/", body, content_type=kind).status_code in (200, 400)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "a b", "", "[::1", "x" * 5000]
)
def test_only_named_hosts_are_served(host, client):
    answer = client.get("/login/", headers={"host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_a_forwarded_host_is_not_believed(client):
    answer = client.get("/customers/", headers={"X-Forwarded-Host": "evil.example", "X-Original-URL": "/admin/"})
    assert answer["Location"] == "/login/?next=/customers/"


PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
SHOW = """
import json, django
django.setup()
from django.test import Client
from django.conf import settings
answer = Client().get("/login/", secure=True, headers={"host": "crm.example.com"})
plain = Client().get("/login/", headers={"host": "crm.example.com"})
health = Client().get("/healthz", headers={"host": "crm.example.com"})
print(json.dumps({
    "cookies": {name: cookie.OutputString() for name, cookie in answer.cookies.items()},
    "session": settings.SESSION_COOKIE_NAME, "hsts": answer.get("Strict-Transport-Security"),
    "plain": [plain.status_code, plain.get("Location")], "health": health.status_code,
}))
"""


def test_in_production_cookies_are_for_this_host_and_https_only():
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "CRM_VAR_DIR") if name in os.environ}
    production = {"CRM_ENV": "production", "SECRET_KEY": "k" * 30 + "abcdefghijklmnopqrstuvwxyz0123456789"}
    environment = {
        **inherited,
        **production,
        "CRM_ALLOWED_HOSTS": "crm.example.com",
        "DJANGO_SETTINGS_MODULE": "crm.settings",
    }
    # The sign-in page needs the collected static files only for their names.
    program = f"import crm.settings as s; s.STORAGES['staticfiles'] = {{'BACKEND': {PLAIN!r}}}\n{SHOW}"
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=django_settings.BASE_DIR, env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    output = json.loads(process.stdout)
    assert output["session"] == "__Host-sessionid"
    cookie = output["cookies"]["__Host-csrftoken"]
    assert all(part in cookie for part in ("HttpOnly", "Path=/", "SameSite=Lax", "Secure"))
    assert "Domain" not in cookie
    assert output["hsts"] == "max-age=31536000; includeSubDomains; preload"
    assert output["plain"] == [301, "https://crm.example.com/login/"]
    assert output["health"] == 200


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(company):
    client = Client()
    client.post("/login/", {"username": company.manager.username, "password": "a-long-passphrase"})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", "")


# The URL of a button


@pytest.mark.parametrize("url", ["/accounts/audit/verify/", "/admin/logout/", "/logout/"])
def test_the_url_of_a_button_opened_directly_gets_a_page_with_links(url, company, sign_in):
    answer = sign_in(company.administrator).get(url)
    assert (answer.status_code, answer["Allow"][:4]) == (405, "POST")
    assert "这个地址不能直接打开" in texts(answer, "h1")
    assert "何管理" in text(answer)
    assert ("回工作台", "/") in links(answer)
    assert answer["Cache-Control"] == "no-store, private"


# Health


def test_healthz_queries_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_readyz_says_when_schedule_and_scan_last_ran_and_how_long_a_job_waits(client, company):
    ago = {"churn.scan": 5000, "x": 90}
    for task, seconds in ago.items():
        DueRun.objects.create(task=task, period=1)
        DueRun.objects.filter(task=task).update(started_at=timezone.now() - timedelta(seconds=seconds))
    Job.objects.create(kind="导出", function="x", owner=company.manager)
    Job.objects.update(created_at=timezone.now() - timedelta(seconds=300))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    status = answer.json()
    assert (status["database"], status["migrations"]) == ("ok", "ok")
    assert 89 <= status["schedule_age_seconds"] <= 95
    assert 4999 <= status["churn_scan_age_seconds"] <= 5005
    assert 299 <= status["oldest_waiting_job_seconds"] <= 305


def test_readyz_is_not_ready_with_pending_migrations_or_without_a_database(client, monkeypatch):
    monkeypatch.setattr("crm.health.MigrationExecutor.migration_plan", lambda *args: [("a", False)])
    assert client.get("/readyz").status_code == 503

    def broken(*args):
        raise DatabaseError("password=geheim")

    monkeypatch.setattr("crm.health.MigrationExecutor.migration_plan", broken)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"version": VERSION, "database": "unreachable"})
    assert connection.is_usable()
