"""A 客户管理报告 as a workbook: a cover with the remarks and answers, then a sheet for each of the four reports."""

from __future__ import annotations

from typing import IO

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.styles import Alignment
from openpyxl.worksheet.worksheet import Worksheet

from accounts.models import User
from kit.domain.days import format_day
from kit.exchange.writers import sheet_name

from .models import MonthlyReport, Submission
from .report_snapshot import RestoredReport, restore_reports
from .workbook import BOLD, GREY, TITLE, add_charts, append_row, fit_columns, write_cell, write_table


def write_monthly(target: IO[bytes], record: MonthlyReport, version: MonthlyReport | Submission, *, by: User) -> None:
    """Write the workbook. version: the working copy or the submission that the user reads."""
    book = Workbook()
    write_cover(book.active, record, version, by)
    for restored in restore_reports(version.figures):
        sheet = book.create_sheet(sheet_name(restored.title))
        write_report_sheet(book, sheet, restored)
    if "图表数据" in book.sheetnames:
        book.move_sheet("图表数据", len(book.sheetnames))
    book.save(target)


def write_cover(sheet: Worksheet, record: MonthlyReport, version: MonthlyReport | Submission, by: User) -> None:
    sheet.title = "客户管理报告"
    write_cell(sheet, 1, 1, str(record), font=TITLE)
    facts = [
        ("报告人", str(record.author)),
        ("状态", record.get_status_display()),
        ("数字取自", format_day(version.taken_at, "long time")),
        ("导出", f"{by}，{format_day(timezone.now(), 'long time')}"),
    ]
    for fact in facts:
        append_row(sheet, fact, font=GREY)
    append_row(sheet, [""])
    append_row(sheet, ["情况说明"], font=BOLD)
    for line in version.remarks.splitlines() or ["（尚未填写）"]:
        append_row(sheet, [line], alignment=Alignment(wrap_text=True, vertical="top"))
    for submission in record.submissions.select_related("answered_by"):
        append_row(sheet, [""])
        append_row(sheet, [f"第 {submission.number} 次提交", format_day(submission.submitted_at, "time")], font=BOLD)
        if submission.answered_by:
            append_row(
                sheet,
                [
                    f"{submission.answered_by}{submission.get_outcome_display()}",
                    format_day(submission.answered_at, "time"),
                ],
            )
            append_row(sheet, [submission.comment])
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 60, 30


def write_report_sheet(book: Workbook, sheet: Worksheet, restored: RestoredReport) -> None:
    write_cell(sheet, 1, 1, restored.title, font=TITLE)
    for line in (*restored.report.facts, *restored.report.notes):
        append_row(sheet, [line], font=GREY)
    if restored.report.empty:
        append_row(sheet, ["没有数据。"])
    for kpi in restored.report.kpis:
        append_row(sheet, [kpi.label, f"{kpi.value} {kpi.unit}".strip(), kpi.note])
    if restored.report.charts:
        add_charts(book, sheet, restored.report.charts)
    for table in restored.report.tables:
        write_table(sheet, table, list(table.rows))
    fit_columns(sheet)
