"""URLs of pages by their URL name; reversing is cached, because one page of figures holds a hundred links."""

from __future__ import annotations

from functools import cache

from django.urls import reverse


def record_url(url_name: str, pk: int) -> str:
    """Return the URL of a page whose only argument is the record's key."""
    return _url_template(url_name).replace("/0/", f"/{pk}/")


@cache
def page_url(url_name: str) -> str:
    """Return the URL of a page without arguments."""
    return reverse(url_name)


@cache
def _url_template(url_name: str) -> str:
    return reverse(url_name, args=[0])
