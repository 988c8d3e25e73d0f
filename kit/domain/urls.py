"""URLs of pages, by the name of their pattern."""

from __future__ import annotations

from functools import cache

from django.urls import reverse


def record_url(url_name: str, pk: int) -> str:
    """The address of a page with the record's key as its one part."""
    return _url_template(url_name).replace("/0/", f"/{pk}/")


@cache
def page_url(url_name: str) -> str:
    """The address of a page without parts; asked a hundred times on a page of figures."""
    return reverse(url_name)


@cache
def _url_template(url_name: str) -> str:
    return reverse(url_name, args=[0])
