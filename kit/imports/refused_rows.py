"""The refused rows as the workbook that was uploaded: the same heads, cells marked and commented, to be sent again."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import xlsxwriter

from kit.domain.file_names import cut_file_name
from kit.exchange.writers import sheet_name

from .kinds import Outcome
from .models import ImportRow, ImportRun
from .sheet_rows import open_table

REASONS = "原因与改法"
COLUMN_WIDTH = 16


def refused_file_name(run: ImportRun) -> str:
    return cut_file_name(f"拒绝的行-{Path(run.name).stem}.xlsx")


def write_refused(target: IO[bytes], run: ImportRun) -> int:
    """Write the heads and the refused rows; return how many."""
    refused = {row.line: row for row in run.rows.filter(outcome=str(Outcome.REFUSE))}
    table = open_table(run)
    heads = [head for head in table.heads if head.text != REASONS]
    places = [place for place, head in enumerate(table.heads) if head.text != REASONS]
    columns = {run.columns.get(str(head.column), ""): place for place, head in enumerate(heads)}
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    sheet = book.add_worksheet(sheet_name(run.sheet or "拒绝的行"))
    bold, marked = book.add_format({"bold": True}), book.add_format({"bg_color": "#FBD5D5"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(heads), COLUMN_WIDTH)
    for place, text in enumerate([*(head.text for head in heads), REASONS]):
        sheet.write_string(0, place, text, bold)
    count = 0
    for row in table:
        if row.line in refused:
            count += 1
            texts = [row.cells[place] for place in places]
            found = refused[row.line]
            _write_row(sheet, count, texts, _reasons_by_place(found, columns), marked)
            told = "；".join(f"{problem.label}：{problem.reason}" for problem in found.reasons)
            sheet.write_string(count, len(texts), f"第 {row.line} 行。{told}", marked)
    book.close()
    return count


def _reasons_by_place(row: ImportRow, columns: dict[str, int]) -> dict[int, str]:
    reasons: dict[int, str] = {}
    for problem in row.reasons:
        if problem.target in columns:
            place = columns[problem.target]
            reasons[place] = f"{reasons[place]}；{problem.reason}" if place in reasons else problem.reason
    return reasons


def _write_row(sheet: Any, number: int, texts: list[str], reasons: dict[int, str], marked: Any) -> None:
    for place, text in enumerate(texts):
        if place in reasons:
            sheet.write_string(number, place, text, marked)
            sheet.write_comment(number, place, reasons[place])
        elif text:
            sheet.write_string(number, place, text)
