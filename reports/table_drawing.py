"""Tables of reports as the templates show them: headers with sort links, rows, the total row, and the pager."""

from __future__ import annotations

from typing import Any

from kit.lists.columns import Column
from kit.lists.paging import Pager
from kit.lists.row_html import plain_row
from kit.pages.query_string import QueryString

from .report_parts import ReportTable


def draw_table(table: ReportTable, query: QueryString | None = None) -> dict[str, Any]:
    """Return the context of reports/table.html.

    query: that of the page; only the paged table is sorted by it, cut, and followed by a pager.
    """
    pager, sort = None, ""
    rows = table.rows
    if query and table.paged:
        pager, sort = Pager(query, len(table.rows)), chosen_sort(query)
        rows = table.sorted_rows(sort)[pager.start : pager.start + pager.size]
    columns = table.visible_columns
    return {
        "table": table,
        "headers": [draw_header(table, column, query, sort) for column in columns],
        "rows": [plain_row(column.cell(row) for column in columns) for row in table.with_details(list(rows))],
        "foot": plain_row(draw_foot(column, table.total) for column in columns) if table.total else "",
        "misread": pager.misread if pager else [],
        "pager": pager if pager and len(table.rows) > min(pager.sizes) else None,
    }


def chosen_sort(query: QueryString) -> str:
    return query.request.GET.get("sort", "")


def draw_header(table: ReportTable, column: Column, query: QueryString | None, sort: str) -> dict[str, Any]:
    """Return the header of a column; a sortable one leads to the page sorted by it, the other way round when it is."""
    if query is None or not table.paged or not column.sort:
        return {"column": column, "url": "", "direction": ""}
    sort = sort or table.default_sort
    descending = sort == f"-{column.sort}"
    direction = "descending" if descending else "ascending" if sort == column.sort else ""
    url = query.link(sort=column.sort if descending else f"-{column.sort}")
    return {"column": column, "url": url, "direction": direction}


def draw_foot(column: Column, total: Any) -> str:
    """Return a cell of the total row: blank where there is nothing to add up."""
    return column.cell(total) if column.get(total) is not None else '<td class="m-h"></td>'
