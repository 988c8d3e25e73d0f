"""A report as a file: the workbook with everything, or its table as CSV; each export leaves an audit row."""

from __future__ import annotations

import io
from typing import Any

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


def deliver(page: Any, file_format: str) -> HttpResponse:
    """page: a ReportPage whose viewer may export. To a GET, the question."""
    if objection := refusal(page, file_format):
        messages.error(page.request, objection)
        return redirect(page.link(export=None, reason=None))
    tables, reason = page.computed.tables, page.request.POST.get("reason", "").strip()
    total = sum(len(table.rows) for table in tables)
    if page.request.method != "POST" or is_reason_invalid(reason, total):
        return build_export_question(page, file_format, total).ask(page.request)
    rows = [table.filled(list(table.sorted_rows(page.sort if table.paged else ""))) for table in tables]
    buffer = io.BytesIO()
    if file_format == "xlsx":
        write_workbook(buffer, page, rows)
    else:
        write_csv(buffer, *first(tables, rows), title=page.title)
    name = f"{page.title}-{timezone.localtime():%Y%m%d-%H%M}.{file_format}"
    log_export(page.request.user, page.title, total, encode_conditions(page.request.GET), reason)
    return file_response(buffer.getvalue(), name, CONTENT_TYPES[file_format])


def refusal(page: Any, file_format: str) -> str:
    """Why there is nothing to deliver; empty when there is."""
    if file_format not in CONTENT_TYPES:
        return "只能导出为 xlsx 或 csv。"
    if page.computed.empty or not page.computed.tables:
        return "没有可以导出的数据，请先调整筛选条件。"
    if any(len(table.rows) > settings.CRM_EXPORT_MAX_ROWS for table in page.computed.tables):
        return f"超过 {settings.CRM_EXPORT_MAX_ROWS} 行，不能一次导出。请加筛选条件缩小范围。"
    return ""


def first(tables: list[ReportTable], rows: list[list[Any]]) -> tuple[list[str], list[list[Any]]]:
    """Headers and rows of the paged table, else of the first."""
    place = next((n for n, table in enumerate(tables) if table.paged), 0)
    columns = tables[place].columns
    return [column.label for column in columns], [[column.get(row) for column in columns] for row in rows[place]]
