"""Contact details on pages: in lists, in files, and one by one with the way to open what is masked."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass
from typing import Any

from kit.domain.text import DASH
from kit.pages.html import format_html_fast
from kit.pages.lists import Column


@dataclass
class DetailColumn(Column):
    """A column with a contact detail, drawn as its viewer sees it.

    below: the detail that stands under the value in the cell; refused: the flag of somebody who asked not to be
    called: marked on pages, and his numbers are left out of files.
    """

    viewer: Any = None
    below: str = ""
    refused: str = ""

    def get(self, row: Any) -> Any:
        if self.value not in row.detail_fields:
            return super().get(row)
        return "" if self.refused and getattr(row, self.refused) else row.detail(self.value, self.viewer)

    def cell(self, row: Any) -> str:
        if not self.below:
            return format_html_fast("{}{}</td>", self.opening, detail_html(row, str(self.value), self.viewer))
        shown = detail_html(row, self.below, self.viewer) if getattr(row, self.below) else ""
        mark = REFUSES if self.refused and getattr(row, self.refused) else ""
        name = self.get(row) or DASH
        return format_html_fast('{}{}{}<small class="sm nw hide-m">{}</small></td>', self.opening, name, mark, shown)


REFUSES = format_html_fast(' <span class="st red">{}</span>', "请勿联系")
OPEN_HTML = """<span class="masked">{} <a href="{}" {}="{}" {} aria-label="{}">显示</a></span>"""
IN_DIALOG = format_html_fast('hx-target="{}" hx-select="unset" hx-swap="innerHTML"', "#dialog")  # as other row links


def detail_html(row: Any, name: str, viewer: Any, token: str = "") -> str:
    """A detail on a page; masked, with the way to open it. token: the CSRF token, which lets htmx open it in place."""
    value = row.detail(name, viewer)
    if not value or value == getattr(row, name) or not row.can_open_detail(viewer):
        return value or DASH
    url, label = row.get_detail_url(name), row._meta.get_field(name).verbose_name
    way, rest = ("hx-post", in_place(token)) if token else ("hx-get", IN_DIALOG)
    return format_html_fast(OPEN_HTML, value, url, way, url, rest, f"显示完整的{label}")


def in_place(token: str) -> str:
    headers = json.dumps({"X-CSRFToken": token})
    return format_html_fast('hx-target="{}" hx-swap="{}" hx-headers="{}"', "closest .masked", "outerHTML", headers)


class DetailedList:
    """Mix into a list with DetailColumns."""

    columns: tuple[Column, ...]

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        self.columns = tuple(map(self.as_seen, type(self).columns))

    def as_seen(self, column: Column) -> Column:
        """The column for who looks at it; the tag of its cells stays made."""
        if not isinstance(column, DetailColumn):
            return column
        str(column.opening)
        seen = copy(column)
        seen.viewer = self.request.user  # type: ignore[attr-defined]
        return seen
