"""Counting rows up to a cap, and the pager of a list page."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kit.pages.query_string import QueryString
from kit.pages.unknown_parameters import shorten
from kit.sql.counts import (
    STATEMENTS,
    Counted,
    Summed,
    build_count_and_sum,
    count_capped,
    inline_params,
    key_of,
    run_count,
)
from kit.sql.readers import connection_for_reading

PAGE_SIZES = (10, 20, 50, 100)
MAX_COUNT = 10_000


def count_and_sum(capped_rows: Sequence[Counted], summed: Summed | None) -> tuple[list[int], Decimal | None]:
    """Return what count_capped() does, and the sum, in one statement. The sum is None without rows and for too many."""
    if summed is None:
        return count_capped(capped_rows), None
    connection = connection_for_reading(summed.rows.model)
    keys = key_of(capped_rows), key_of([(summed.rows, summed.cap)])
    key = None if None in keys else (*keys, summed.field, summed.place)

    def compile_both() -> tuple[str, Sequence[Any]]:
        return inline_params(connection, *build_count_and_sum(capped_rows, summed))

    sql, params = compile_both() if key is None else STATEMENTS.get((connection.alias, key), compile_both)
    *numbers, total = run_count(connection, sql, params)
    return numbers, None if total is None else Decimal(total)


def format_count(count: int) -> str:
    """Return the number as text, "10,000+" above the cap."""
    return f"{MAX_COUNT:,}+" if count > MAX_COUNT else str(count)


class Pager:
    """The page of a result that the query string chooses; counting and jumping end at MAX_COUNT rows."""

    def __init__(self, query: QueryString, total: int) -> None:
        self.query = query
        self.capped = total > MAX_COUNT
        self.total = min(total, MAX_COUNT)
        parameters = query.request.GET
        size = parameters.get("page_size", "")
        self.size = int(size) if size in map(str, PAGE_SIZES) else 20
        self.pages = max(1, -(-self.total // self.size))
        page = parameters.get("page", "")
        self.page = min(max(int(page) if page.isdecimal() and len(page) < 9 else 1, 1), self.pages)
        self.misread = self.describe_misread(size, page)
        self.start = (self.page - 1) * self.size
        self.sizes = PAGE_SIZES

    def describe_misread(self, size: str, page: str) -> list[str]:
        """Return sentences about a page or a page size that does not exist."""
        sentences = []
        if size and size != str(self.size):
            sizes = "、".join(map(str, PAGE_SIZES))
            sentences.append(f"每页可以是 {sizes} 条，不能是「{shorten(size)}」，现在每页 {self.size} 条。")
        if page and page.lstrip("0") != str(self.page):
            sentences.append(f"没有第「{shorten(page)}」页，共 {self.pages} 页，现在显示第 {self.page} 页。")
        return sentences

    def url(self, page: int) -> str:
        """Return the link to another page, empty for this one and for one that does not exist."""
        return self.query.link(page=page) if 1 <= page <= self.pages and page != self.page else ""

    first = property(lambda self: self.url(1))
    previous = property(lambda self: self.url(self.page - 1))
    next = property(lambda self: self.url(self.page + 1))
    last = property(lambda self: self.url(self.pages))

    def hidden(self) -> list[tuple[str, str]]:
        """Return the other parameters, which the form for page and page size keeps."""
        return self.query.without("page", "page_size")
