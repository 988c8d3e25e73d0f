"""Where the pages of an opportunity stand, and what their forms remember."""

from __future__ import annotations

from django.test import Client

from marketing.models import Opportunity
from tests.html import value

NEW = "/marketing/opportunities/new/"


def at(record: Opportunity, step: str = "") -> str:
    """Return the URL of one step of an opportunity; of its own page without a step."""
    return f"/marketing/opportunities/{record.pk}/{step}"


def opened(client: Client, url: str) -> str:
    """Return the hidden memory of a form page."""
    return value(client.get(url).content, "opened")
