"""Which database reads are sent to: the routers decide, for statements written as SQL too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accounts.audit_pages.filters import distinct_values
from accounts.departments.members import department_members
from crm.navigation import open_items
from customers.models import Customer
from kit.sql.counts import count_capped
from tests import factories

IMPORTED = re.compile(r"^from django\.db import .*\bconnection\b", re.MULTILINE)
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("crm", "accounts", "basedata", "customers", "kit", "marketing", "services", "reports")
# Files that write, lock or look after the database itself, on the default connection.
BY_HAND = {
    "accounts/roles/shipping.py",
    "crm/backup/restoration.py",
    "crm/demo/bulk.py",
    "customers/churn/scan.py",
    "customers/sync/orders.py",
    "kit/audit/bulk_log.py",
    "kit/sql/locks.py",
}


class NotedReads:
    """A router that notes which models are read."""

    def __init__(self):
        self.models = set()

    def db_for_read(self, model, **hints):
        self.models.add(model.__name__)
        return "default"


@pytest.mark.django_db
def test_statements_written_as_sql_are_sent_where_the_routers_say(company, settings):
    person = factories.fresh(company.supervisor)
    router = NotedReads()
    settings.DATABASE_ROUTERS = [router]
    for read, model in (
        (lambda: person.role_permissions, "Role"),
        (lambda: department_members(person), "Department"),
        (lambda: count_capped([(Customer.objects.visible_to(person), 9)]), "Customer"),
        (lambda: open_items(person), "Notification"),
        (lambda: distinct_values("verb"), "AuditEntry"),
    ):
        router.models.clear()
        read()
        assert model in router.models


def test_no_read_names_its_connection():
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)
    by_hand = {str(path.relative_to(ROOT)) for path in paths if names_a_connection(path.read_text("utf-8"))}
    assert by_hand == BY_HAND


def names_a_connection(source):
    return "with connection.cursor(" in source and bool(IMPORTED.search(source))


@pytest.mark.parametrize(("imported", "found"), [("connection", True), ("models, transaction", False)])
def test_a_connection_named_by_hand_is_seen(imported, found):
    assert names_a_connection(f"from django.db import {imported}\nwith connection.cursor() as cursor:") is found
