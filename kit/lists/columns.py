"""Columns: one declaration is header, sort link, cell and column of the export."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import models
from django.utils.html import format_html

from kit.pages.html import escape_value
from kit.pages.query_string import QueryString
from kit.pages.templatetags.ui import format_cell


@dataclass
class Column:
    """A column of the page and of the export."""

    label: str
    value: str | Callable[[Any], Any]  # dotted path from the row, or a function of it
    sort: str = ""  # field to order by; empty: not sortable
    html: Callable[[Any], str] | None = None  # content of the cell of a row; default: the formatted value
    css: str = ""
    export_only: bool = False  # shown only where the user asks for it
    beside: tuple[str, ...] = ()  # keys of columns whose values stand in this one's cell: they follow it into a file

    @property
    def key(self) -> str:
        """Return its name in URLs and saved views."""
        if not isinstance(self.value, str):
            return self.sort or self.label
        return self.value.removeprefix("get_").removesuffix("_display")

    def get(self, row: Any, viewer: Any = None) -> Any:
        """Return the row's value, as a file shows it to the viewer."""
        if callable(self.value):
            return self.value(row)
        for name in self.value.split("."):
            row = getattr(row, name, None)
            row = row() if callable(row) and not isinstance(row, models.Manager) else row
        return row

    @cached_property
    def opening(self) -> str:
        """Return the cell's opening tag; on phones a cell shows its label unless a class replaces it."""
        if {"m-h", "m-t", "m-r"} & set(self.css.split()):
            return format_html('<td class="{}">', self.css)
        return format_html('<td class="{}" data-l="{}">', self.css, self.label)

    def cell(self, row: Any, viewer: Any = None) -> str:
        """Return the row's cell as the page shows it to the viewer."""
        return f"{self.opening}{escape_value(self.html(row) if self.html else format_cell(self.get(row)))}</td>"

    @property
    def file_header(self) -> str:
        """The header in a file. A cell on the page may show two values, "A / B"; the file has the first."""
        return self.label.partition(" / ")[0] if isinstance(self.value, str) else self.label


def sortable(columns: Iterable[Column]) -> set[str]:
    """Return the fields that the columns sort by."""
    return {column.sort for column in columns if column.sort}


def sort_headers(columns: Iterable[Column], sort: str, query: QueryString) -> list[dict[str, Any]]:
    """Return each column with the link that sorts by it, first downwards, and the direction it is sorted in now."""
    headers = []
    for column in columns:
        is_sorted = bool(column.sort) and sort.removeprefix("-") == column.sort
        descending = is_sorted and sort.startswith("-")
        url = query.link(sort=column.sort if descending else f"-{column.sort}") if column.sort else ""
        direction = ("descending" if descending else "ascending") if is_sorted else ""
        headers.append({"column": column, "url": url, "direction": direction})
    return headers
