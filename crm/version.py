"""The version of the product, as the menu, /readyz and CHANGELOG.md give it."""

from __future__ import annotations

from django.http import HttpRequest

VERSION = "0.2.0"


def version(request: HttpRequest) -> dict[str, str]:
    """Give every page the version."""
    return {"version": VERSION}
