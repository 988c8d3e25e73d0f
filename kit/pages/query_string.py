"""The query string of a list or report: links with parameters changed, and what its forms keep."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

LASTING = ("sort", "page_size")  # what a new query keeps


class QueryString:
    """The parameters a page was opened with; it reads request.GET when asked, for a POST may replace it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def link(self, **changes: Any) -> str:
        """Return the page's URL with parameters changed, from its first page on; None drops one."""
        changes = {"page": None, "export": None, **changes}
        parameters = [(name, value) for name, value in self.request.GET.items() if name not in changes]
        query = urlencode(parameters + [(name, value) for name, value in changes.items() if value is not None])
        return f"{self.request.path}?{query}" if query else self.request.path

    @property
    def conditions(self) -> str:
        """The query string without page, export and reason: what an export and its form repeat."""
        return self.link(reason=None).partition("?")[2]

    def kept(self, *names: str) -> list[tuple[str, str]]:
        """Return the parameters of these names that are there; without names those that a new query keeps."""
        return [(name, str(value)) for name, value in self.request.GET.items() if name in (names or LASTING)]

    def without(self, *names: str) -> list[tuple[str, str]]:
        """Return all other parameters, for the hidden inputs of a form that sets these."""
        return [(name, str(value)) for name, value in self.request.GET.items() if name not in {*names, "export"}]
