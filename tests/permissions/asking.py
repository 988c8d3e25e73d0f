"""Asking an address as somebody: what comes back, what was written; the database stays as it was."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.test.client import ClientHandler
from django.urls import reverse

from tests.permissions.tables import WRITING
from tests.permissions.world import World

HANDLER = ClientHandler(enforce_csrf_checks=False)  # one for a thousand requests: loading middleware takes longer
OURS = ("accounts", "audit", "jobs", "basedata", "customers", "marketing", "services", "reports")
STORED = [model for label in OURS for model in apps.get_app_config(label).get_models(include_auto_created=True)]
# Words of the world that no answer tells to whom the record is hidden from.
SECRETS = ("沈阳北辰", "压力变送器", "二期 140", "高峰", "024-5555", "确认需求", "海河水务", "天津市某路")


class Answer(NamedTuple):
    """What somebody got: a status or "in" for the sign-in page, the body, whether more was written than may be."""

    status: str
    body: str
    wrote: bool


def url_of(name: str, record: str, world: World) -> str:
    """Return the URL of an address with that kind of record."""
    return reverse(name, args=["token"] if name in ("setup", "rate") else world.addresses[record])


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Return every stored value of the product's own tables, editable or not, as the database keeps it."""
    found = {}
    with connection.cursor() as cursor:
        for model in STORED:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}" ORDER BY 1')
            found[model._meta.label] = cursor.fetchall()
    return found


def ask(cookies: SimpleCookie | None, world: World, name: str, record: str, verb: str) -> Answer:
    """Send one request with the cookies of a browser, or none; the database is as it was afterwards."""
    with transaction.atomic():
        client = Client()
        client.handler = HANDLER
        client.cookies = SimpleCookie(cookies)
        before = snapshot() if verb == "POST" else None
        address = url_of(name, record, world)
        response = client.get(address) if verb == "GET" else client.post(address, world.posted(name))
        if name == "admin:index" and response.status_code == 302:
            response = client.get(response["Location"])  # the admin's own sign-in page forwards or refuses
        status = str(response.status_code)
        if status == "302" and response["Location"].startswith(reverse("login")):
            status = "in"
        may_write = status in ("302", "204") or (name, status) in WRITING
        wrote = before is not None and not may_write and before != snapshot()
        transaction.set_rollback(True)
    body = b"" if response.streaming else response.content
    return Answer(status, body.decode(errors="replace"), wrote)
