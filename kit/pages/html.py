"""Text made into HTML, and addresses of records: what every cell of a list needs, twenty times a page.

Every value passes escape(); this is one of the named places that may declare text safe.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString


def safe(value: Any) -> str:
    """Escaped, unless it is HTML already."""
    return value if isinstance(value, SafeString) else escape(str(value))


def fill(pattern: str, *values: Any) -> SafeString:
    """The pattern with the values in its places; as format_html, without its care for lazy translations."""
    return SafeString(pattern.format(*map(safe, values)))


def joined(parts: Iterable[SafeString]) -> SafeString:
    return SafeString("".join(parts))


def record_url(url_name: str, pk: int) -> str:
    """The address of a page with the record's key as its one part."""
    return _pattern(url_name).replace("/0/", f"/{pk}/")


@cache
def page_url(url_name: str) -> str:
    """The address of a page without parts; asked a hundred times on a page of figures."""
    return reverse(url_name)


@cache
def _pattern(url_name: str) -> str:
    return reverse(url_name, args=[0])
