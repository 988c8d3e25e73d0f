"""The query string of a list or report: links with parameters changed, and what its forms keep."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

LASTING = ("sort", "page_size", "mine", "view", "columns")  # what a new query keeps

DROPPED = ("page", "export", "choosing")  # by every link to other conditions


class QueryString:
    """The parameters a page was opened with; it reads request.GET when asked, for a POST may replace it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All parameters with each of their values, the same pair once."""
        return list(dict.fromkeys((name, value) for name, values in self.request.GET.lists() for value in values))

    def link(self, **changes: Any) -> str:
        """Return the page's URL with parameters changed, from its first page on; None drops one."""
        changes = {**dict.fromkeys(DROPPED), **changes}
        kept = [(name, value) for name, value in self.pairs if name not in changes]
        return self._url(kept + [(name, value) for name, value in changes.items() if value is not None])

    def link_without(self, dropped_name: str, dropped_value: str) -> str:
        """Return the page's URL, from its first page on, without one of a parameter's values."""
        dropped = (dropped_name, dropped_value)
        return self._url([pair for pair in self.pairs if pair != dropped and pair[0] not in DROPPED])

    def _url(self, pairs: list[tuple[str, Any]]) -> str:
        query = urlencode(pairs)
        return f"{self.request.path}?{query}" if query else self.request.path

    @property
    def reset_url(self) -> str:
        """The page without conditions; 我的 is none."""
        return f"{self.request.path}?mine=1" if self.request.GET.get("mine") == "1" else self.request.path

    @property
    def conditions(self) -> str:
        """The query string without page, export and reason: what an export and its form repeat."""
        return self.link(reason=None).partition("?")[2]

    def kept(self, *names: str) -> list[tuple[str, str]]:
        """Return the parameters of these names that are there; without names those that a new query keeps."""
        return [(name, value) for name, value in self.pairs if name in (names or LASTING)]

    def without(self, *names: str) -> list[tuple[str, str]]:
        """Return all other parameters, for the hidden inputs of a form that sets these."""
        return [(name, value) for name, value in self.pairs if name not in {*names, "export"}]
