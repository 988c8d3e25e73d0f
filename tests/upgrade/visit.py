"""What people find after the upgrade, by their sessions of before; run by test_upgrade.py in the upgraded installation.

Prints one JSON object. Models are asked by label and name: where their modules stand may change.
"""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core import signing  # noqa: E402
from django.db.models import Count  # noqa: E402
from django.test import Client  # noqa: E402

from tests import html  # noqa: E402

MENU, RECORD, SCAN = "aside nav a[href]", "main table.tbl tbody a[href^='/']", "main ul.rows a[href^='/jobs/']"


def browser(session_key: str = "") -> Client:
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    if session_key:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_key
    return client


def walk(session_key: str, menu_before: list[str]) -> dict[str, int]:
    """Return {URL: status} of the home page, every page of the menu as it is and was, and the first record of each."""
    client, statuses = browser(session_key), {}
    home = client.get("/")
    statuses["/"] = home.status_code
    for url in dict.fromkeys([*menu_before, *urls(home, MENU)]):
        page = client.get(url, follow=url in menu_before)  # a page that moved leads to its new place
        statuses[url] = 302 if page.wsgi_request.path == "/login/" else page.status_code
        for record in urls(page, RECORD)[:1]:
            statuses[record] = client.get(record).status_code
    return statuses


def urls(page: Any, selector: str) -> list[str]:
    return html.urls(page, selector) if page.status_code == 200 else []


def count_states(models: dict[str, str]) -> dict[str, dict[str, int]]:
    """Return {label.Model: {state: rows}} for {label.Model: field}."""
    found = {}
    for name, field in models.items():
        rows = apps.get_model(name)._base_manager.order_by().values(field).annotate(rows=Count("pk"))
        found[name] = {str(row[field]): row["rows"] for row in rows}
    return found


def sums(columns: list[list[str]]) -> dict[str, str]:
    """Return the exact sum of each (label.Model, field)."""
    found = {}
    for name, field in columns:
        values = apps.get_model(name)._base_manager.values_list(field, flat=True)
        found[f"{name}.{field}"] = str(sum(filter(None, values.iterator()), Decimal()).normalize())
    return found


def sign_in(username: str, password: str, code: str) -> list[str]:
    """Return where the password leads, and where the recovery code."""
    client = browser()
    first = client.post("/login/", {"username": username, "password": password})
    second = client.post("/login/code/", {"code": code})
    return [first.get("Location", str(first.status_code)), second.get("Location", str(second.status_code))]


def main(asked: dict[str, Any]) -> dict[str, Any]:
    token = signing.Signer(salt="services.rate").sign(asked["rating_key"])
    return {
        "pages": {username: walk(key, asked["menus"][username]) for username, key in asked["sessions"].items()},
        "files": {name: browser(asked["sessions"][name]).get(url).status_code for name, url in asked["files"].items()},
        "scans": len(urls(browser(asked["sessions"]["admin"]).get("/customers/churn/scan/"), SCAN)),
        "states": count_states(asked["states"]),
        "sums": sums(asked["sums"]),
        "rating": browser().get(f"/rate/{token}/").status_code,
        "forged": browser().get(f"/rate/{token}x/").status_code,
        "sign_in": sign_in(*asked["sign_in"]),
        "functions": list(apps.get_model("jobs.Job")._base_manager.values_list("function", flat=True)),
        "tasks": list(
            apps.get_model("django_tasks_database.DBTaskResult")._base_manager.values_list("task_path", flat=True)
        ),
    }


if __name__ == "__main__":
    json.dump(main(json.load(sys.stdin)), sys.stdout)
