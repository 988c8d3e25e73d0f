"""A 客户管理报告 as a workbook: a cover with the remarks and answers, then a sheet for each of the four reports."""

from __future__ import annotations

from typing import IO, Any

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.styles import Alignment

from accounts.models import User
from kit.domain.days import format_day
from kit.exchange.writers import sheet_name

from .models import MonthlyReport, Submission
from .report_snapshot import Kept, bring_back
from .workbook import BOLD, GREY, TITLE, draw, fit, put, put_row, write_table


def write_monthly(target: IO[bytes], record: MonthlyReport, shown: MonthlyReport | Submission, *, by: User) -> None:
    """shown: the working copy or the submission that the person reads."""
    book = Workbook()
    cover(book.active, record, shown, by)
    for kept in bring_back(shown.figures):
        sheet = book.create_sheet(sheet_name(kept.title))
        report_sheet(book, sheet, kept)
    if "图表数据" in book.sheetnames:
        book.move_sheet("图表数据", len(book.sheetnames))
    book.save(target)


def cover(sheet: Any, record: MonthlyReport, shown: MonthlyReport | Submission, by: User) -> None:
    sheet.title = "客户管理报告"
    put(sheet, 1, 1, str(record), font=TITLE)
    facts = [
        ("报告人", str(record.author)),
        ("状态", record.get_status_display()),
        ("数字取自", format_day(shown.taken_at, "long time")),
        ("导出", f"{by}，{format_day(timezone.now(), 'long time')}"),
    ]
    for fact in facts:
        put_row(sheet, fact, font=GREY)
    put_row(sheet, [""])
    put_row(sheet, ["情况说明"], font=BOLD)
    for line in shown.remarks.splitlines() or ["（尚未填写）"]:
        put_row(sheet, [line], alignment=Alignment(wrap_text=True, vertical="top"))
    for one in record.submissions.select_related("answered_by"):
        put_row(sheet, [""])
        put_row(sheet, [f"第 {one.number} 次提交", format_day(one.submitted_at, "time")], font=BOLD)
        if one.answered_by:
            put_row(sheet, [f"{one.answered_by}{one.get_outcome_display()}", format_day(one.answered_at, "time")])
            put_row(sheet, [one.comment])
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 60, 30


def report_sheet(book: Any, sheet: Any, kept: Kept) -> None:
    put(sheet, 1, 1, kept.title, font=TITLE)
    for line in (*kept.report.facts, *kept.report.notes):
        put_row(sheet, [line], font=GREY)
    if kept.report.empty:
        put_row(sheet, ["没有数据。"])
    for kpi in kept.report.kpis:
        put_row(sheet, [kpi.label, f"{kpi.value} {kpi.unit}".strip(), kpi.note])
    if kept.report.charts:
        draw(book, sheet, kept.report.charts)
    for table in kept.report.tables:
        write_table(sheet, table, list(table.rows))
    fit(sheet)
