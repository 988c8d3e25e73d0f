"""Export of a report: the workbook with everything, or its table as CSV; each export logs an event."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from kit.exchange.export_question import build_export_question, is_reason_invalid
from kit.exchange.exports import CONTENT_TYPES, encode_conditions, file_response, log_export
from kit.exchange.writers import write_csv
from kit.pages.query_string import QueryString

from .conditions import Conditions
from .report_parts import Report, ReportTable
from .table_drawing import chosen_sort
from .workbook import Heading, write_workbook


@dataclass(frozen=True)
class ReportExport:
    """The export of one report, which its viewer may export and whose form is valid."""

    title: str
    crumbs: tuple[tuple[str, str], ...]
    mirrored: tuple[str, ...]
    conditions: Conditions
    report: Report
    belongs_to: None = None

    @property
    def query(self) -> QueryString:
        return self.conditions.query

    @property
    def request(self) -> HttpRequest:
        return self.query.request

    def describe_conditions(self) -> list[str]:
        return self.conditions.describe()

    def answer(self, file_format: str) -> HttpResponse:
        """Return the file, or for a GET the question before it."""
        if objection := self.objection(file_format):
            messages.error(self.request, objection)
            return redirect(self.query.link(reason=None))
        total = sum(len(table.rows) for table in self.report.tables)
        reason = self.request.POST.get("reason", "").strip()
        if self.request.method != "POST" or is_reason_invalid(reason, total):
            return build_export_question(self, file_format, total).ask(self.request)
        content, name = self.write(file_format), f"{self.title}-{timezone.localtime():%Y%m%d-%H%M}.{file_format}"
        log_export(self.request.user, self.title, total, encode_conditions(self.request.GET), reason)
        return file_response(content, name, CONTENT_TYPES[file_format])

    def objection(self, file_format: str) -> str:
        """Return why there is nothing to export; "" when there is."""
        if file_format not in CONTENT_TYPES:
            return "只能导出为 xlsx 或 csv。"
        if self.report.empty or not self.report.tables:
            return "没有可以导出的数据，请先调整筛选条件。"
        if any(len(table.rows) > settings.CRM_EXPORT_MAX_ROWS for table in self.report.tables):
            return f"超过 {settings.CRM_EXPORT_MAX_ROWS} 行，不能一次导出。请加筛选条件缩小范围。"
        return ""

    def write(self, file_format: str) -> bytes:
        tables, sort, buffer = self.report.tables, chosen_sort(self.query), io.BytesIO()
        rows = [table.with_details(list(table.sorted_rows(sort if table.paged else ""))) for table in tables]
        if file_format == "xlsx":
            heading = Heading(self.title, self.conditions.filters(), self.mirrored, str(self.request.user))
            write_workbook(buffer, self.report, heading, rows)
        else:
            write_csv(buffer, *paged_cells(tables, rows), title=self.title)
        return buffer.getvalue()


def paged_cells(tables: list[ReportTable], rows: list[list[Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return headers and rows of the paged table, else of the first."""
    index = next((n for n, table in enumerate(tables) if table.paged), 0)
    columns = tables[index].columns
    return [column.label for column in columns], [[column.get(row) for column in columns] for row in rows[index]]
