"""Taking something away, as the forms of the pages do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.test import Client


def export(client: Client, url: str, kind: str = "csv", *, reason: str | None = None, **conditions: Any) -> Any:
    """The answer to the button of a list, report or record. url: as it stands in links, conditions added to its own."""
    path, _, query = url.partition("?")
    given = "&".join(part for part in (query, urlencode(conditions, doseq=True)) if part)
    return client.post(path, {"export": kind, "conditions": given} | ({} if reason is None else {"reason": reason}))
