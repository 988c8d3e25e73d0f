"""Addresses made of routes, for tests that walk over all of them."""

from __future__ import annotations


def filled(route: str, key: object) -> str:
    """Return a route with `key` in the place of every part that a record fills."""
    return "/".join(str(key) if part.startswith("<") else part for part in route.split("/"))
