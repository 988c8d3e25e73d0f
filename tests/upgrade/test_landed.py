"""What has landed is never edited: the SQL of each migration is what it was, wherever its imports come from now."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from tests.upgrade.landed import LANDED, digests

pytestmark = pytest.mark.django_db(transaction=True)  # SQLite makes no schema editor inside a transaction


def test_migrations_say_the_same_sql_as_when_they_landed():
    landed = json.loads(LANDED.read_text())[connection.vendor]
    now = digests()
    assert {name: digest for name, digest in now.items() if landed.get(name) != digest} == {}
    assert set(landed) == set(now)
