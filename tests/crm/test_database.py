"""How the product speaks to PostgreSQL: prepared, without compiling; and plainly behind PgBouncer (decision 28)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import User
from crm.lookups import spelled_out
from crm.navigation import statement
from crm.ui.paging import counted

SHOW = "import json; from crm import settings; print(json.dumps(settings.DATABASES['default'].get('OPTIONS', {})))"


def options(**environment: str) -> dict:
    """The connection's options as a process with this environment has them."""
    environment = {**os.environ, "CRM_ENV": "development", **environment}
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    return json.loads(shown.stdout)


def test_behind_pgbouncer_nothing_is_prepared_and_nothing_set_at_the_start():
    assert options(DATABASE_URL="postgres://crm@127.0.0.1/crm", CRM_PGBOUNCER="1") == {}


def test_options_of_the_address_are_kept():
    found = options(DATABASE_URL="postgres://crm@127.0.0.1/crm?options=-c%20search_path%3Dcrm&sslmode=require")
    assert found["options"] == "-c jit=off -c random_page_cost=1.1 -c search_path=crm"
    assert found["sslmode"] == "require"
    assert found["server_side_binding"] is True


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own statements")
def test_the_same_statement_with_other_values_is_prepared_once():
    for pk in range(1, 9):
        list(User.objects.filter(pk=pk, username="niemand").values_list("is_demo", "theme"))
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        chosen = 'SELECT "accounts_user"."is_demo" AS "is_demo", "accounts_user"."theme" AS "theme"'
        prepared = [text for (text,) in cursor.fetchall() if text.startswith(chosen)]
    assert len(prepared) == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans quickly, whatever stands in a statement")
def test_a_statement_spelled_out_asks_the_same_without_parameters(company):
    odd = "100% '海河' \\ {x} %s"
    sql, params = spelled_out("SELECT %s, %s::bigint, '100%%'", [odd, 7])
    assert (counted(sql, params), params) == ([odd, 7, "100%"], ())
    _, menu, values = statement(company.supervisor)
    assert values == (), "with a parameter PostgreSQL plans the menu's counts for every page"
    assert "%s" not in menu
