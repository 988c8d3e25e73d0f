"""Running it: what production demands, and what errors show."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta

import pytest
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import User
from crm.errors import server_error
from tests.html import links, text

pytestmark = pytest.mark.django_db


def run(*arguments, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "CRM_VAR_DIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=django_settings.BASE_DIR,
        env={**kept, "DJANGO_SETTINGS_MODULE": "crm.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SETUP = ("-c", "import django; django.setup()")
KEY = "k" * 30 + "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"CRM_ENV": "production"}, "SECRET_KEY"),
        ({"CRM_ENV": "production", "SECRET_KEY": ""}, "SECRET_KEY"),
        ({"CRM_ENV": "production", "SECRET_KEY": KEY, "CRM_DEBUG": "1"}, "CRM_DEBUG"),
        ({"CRM_ENV": "prod"}, "CRM_ENV"),
        ({"CRM_LOCK_SECONDS": "abc"}, "CRM_LOCK_SECONDS 应是整数"),
        ({"CRM_HTTPS": "ture"}, "CRM_HTTPS 只能是 1 或 0"),
    ],
)
def test_it_refuses_to_start_without_a_key_or_with_settings_that_are_none(environment, word):
    result = run(*SETUP, **environment)
    assert result.returncode != 0
    assert f"ImproperlyConfigured: {word}" in result.stderr or word in result.stderr.splitlines()[-1]


def test_production_passes_djangos_deployment_check():
    result = run(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING",
        CRM_ENV="production", SECRET_KEY=KEY, CRM_ALLOWED_HOSTS="crm.example.com",
    )  # fmt: skip
    assert (result.returncode, "no issues" in result.stdout) == (0, True), result.stderr


def test_no_user_exists_before_somebody_makes_one():
    assert User.objects.count() == 0


def test_the_error_page_is_made_without_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "系统出错了" in text(response)
    assert links(response) == [("回工作台", "/")]


def test_a_crash_shows_the_error_page_and_nothing_of_the_inside(company, sign_in, monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("crm.home.figures", crash)
    client = sign_in(company.manager)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "系统出错了" in response.content.decode()
    assert "secret detail" not in response.content.decode()


@pytest.mark.parametrize("address", ["/nowhere", "/customers/999999/", "/marketing/nowhere/"])
def test_what_is_not_there_gets_a_chinese_page_with_a_way_on(address, clients):
    page = clients["manager"].get(address)
    assert "没有这个页面或记录" in text(page)
    assert ("回工作台", "/") in links(page)
    assert Client().get("/nowhere").status_code == 404


def test_a_foreign_host_name_is_refused(client):
    assert client.get("/login/", headers={"host": "evil.example"}).status_code == 400


def test_today_is_shanghais_whatever_the_server_thinks():
    assert django_settings.TIME_ZONE == "Asia/Shanghai"
    assert timezone.localdate() == (timezone.now() + timedelta(hours=8)).replace(tzinfo=None).date()
    assert isinstance(timezone.localdate(), date)
