"""Export of a report: the workbook with everything, or its table as CSV; each export logs an event."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from kit.exchange.export_question import build_export_question, is_reason_invalid
from kit.exchange.exports import CONTENT_TYPES, encode_conditions, file_response, log_export
from kit.exchange.writers import write_csv

from .report_parts import ReportTable
from .workbook import write_workbook

if TYPE_CHECKING:
    from .report_page import ReportPage


def deliver(page: ReportPage, file_format: str) -> HttpResponse:
    """Return the file, or for a GET the question before it. page: its viewer may export."""
    if objection := refusal_reason(page, file_format):
        messages.error(page.request, objection)
        return redirect(page.query.link(reason=None))
    tables, reason = page.computed.tables, page.request.POST.get("reason", "").strip()
    total = sum(len(table.rows) for table in tables)
    if page.request.method != "POST" or is_reason_invalid(reason, total):
        return build_export_question(page, file_format, total).ask(page.request)
    rows = [table.with_details(list(table.sorted_rows(page.sort if table.paged else ""))) for table in tables]
    buffer = io.BytesIO()
    if file_format == "xlsx":
        write_workbook(buffer, page, rows)
    else:
        write_csv(buffer, *paged_cells(tables, rows), title=page.title)
    name = f"{page.title}-{timezone.localtime():%Y%m%d-%H%M}.{file_format}"
    log_export(page.request.user, page.title, total, encode_conditions(page.request.GET), reason)
    return file_response(buffer.getvalue(), name, CONTENT_TYPES[file_format])


def refusal_reason(page: ReportPage, file_format: str) -> str:
    """Return why there is nothing to export; "" when there is."""
    if file_format not in CONTENT_TYPES:
        return "只能导出为 xlsx 或 csv。"
    if page.computed.empty or not page.computed.tables:
        return "没有可以导出的数据，请先调整筛选条件。"
    if any(len(table.rows) > settings.CRM_EXPORT_MAX_ROWS for table in page.computed.tables):
        return f"超过 {settings.CRM_EXPORT_MAX_ROWS} 行，不能一次导出。请加筛选条件缩小范围。"
    return ""


def paged_cells(tables: list[ReportTable], rows: list[list[Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return headers and rows of the paged table, else of the first."""
    index = next((n for n, table in enumerate(tables) if table.paged), 0)
    columns = tables[index].columns
    return [column.label for column in columns], [[column.get(row) for column in columns] for row in rows[index]]
