"""The refused rows as the workbook that was uploaded: the same heads, cells marked and commented, to be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kit.domain.file_names import cut_file_name
from kit.exchange.writers import MarkedRow, write_marked

from .kinds import Outcome
from .models import ImportRow, ImportRun
from .sheet_rows import open_table

REASONS = "原因与改法"  # the last column, which is not read when the workbook is sent again


def refused_file_name(run: ImportRun) -> str:
    return cut_file_name(f"拒绝的行-{Path(run.name).stem}.xlsx")


def write_refused(target: IO[bytes], run: ImportRun) -> int:
    """Write the heads and the refused rows; return how many."""
    heads = [head.text for head in open_table(run).heads if head.text != REASONS]
    return write_marked(target, [*heads, REASONS], _refused_rows(run), title=run.sheet or "拒绝的行")


def _refused_rows(run: ImportRun) -> Iterator[MarkedRow]:
    refused = {row.line: row for row in run.rows.filter(outcome=str(Outcome.REFUSE))}
    table = open_table(run)
    places = [place for place, head in enumerate(table.heads) if head.text != REASONS]
    targets = {run.columns.get(str(table.heads[place].column), ""): new for new, place in enumerate(places)}
    for row in table:
        if row.line in refused:
            found = refused[row.line]
            told = "；".join(f"{problem.label}：{problem.reason}" for problem in found.reasons)
            texts = [*(row.cells[place] for place in places), f"第 {row.line} 行。{told}"]
            yield texts, _remarks(found, targets)


def _remarks(row: ImportRow, targets: dict[str, int]) -> dict[int, str]:
    remarks: dict[int, str] = {}
    for problem in row.reasons:
        if problem.target in targets:
            place = targets[problem.target]
            remarks[place] = f"{remarks[place]}；{problem.reason}" if place in remarks else problem.reason
    return remarks
