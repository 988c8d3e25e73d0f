"""Answers to requests."""

from __future__ import annotations


def page_of(response, status=200):
    """Return the page of an answer that has this status."""
    assert response.status_code == status
    return response.content.decode()
