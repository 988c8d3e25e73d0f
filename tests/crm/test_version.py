"""The version is said once and shown where people and machines look for it."""

from __future__ import annotations

import tomllib

import pytest
from django.conf import settings

from crm.version import VERSION
from tests.html import texts

pytestmark = pytest.mark.django_db


def test_the_menu_and_readyz_give_the_version(company, sign_in, client):
    assert set(texts(sign_in(company.manager).get("/"), "p.version")) == {f"版本 {VERSION}"}
    assert client.get("/readyz").json()["version"] == VERSION


def test_pyproject_and_changelog_know_the_version():
    assert tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"] == VERSION
    headings = [
        line for line in (settings.BASE_DIR / "CHANGELOG.md").read_text().splitlines() if line.startswith("## [")
    ]
    assert headings[0].startswith(f"## [{VERSION}]")
    assert any(line.startswith("## [0.1.0]") for line in headings)
