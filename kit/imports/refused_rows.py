"""The refused rows of a run as the workbook that was uploaded: the same heads, cells marked, to be sent again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from kit.domain.actor import Actor
from kit.domain.file_names import cut_file_name

from .kinds import Outcome
from .models import ImportRow, ImportRun
from .refused_sheet import Refused, RefusedTable, write
from .sheet_rows import open_table
from .sheets import Table
from .synonyms import OWN_HEADS


def refused_file_name(run: ImportRun) -> str:
    return cut_file_name(f"拒绝的行-{Path(run.name).stem}.xlsx")


def write_refused(stream: IO[bytes], run: ImportRun, by: Actor) -> int:
    """Write the heads and the refused rows; return how many."""
    table = open_table(run)
    places = [place for place, head in enumerate(table.heads) if head.text not in OWN_HEADS]
    keys = [run.columns.get(str(table.heads[place].column), "") for place in places]
    targets = {target.key: target for target in run.kind.targets(by)}
    like = RefusedTable(
        run.sheet or "拒绝的行",
        [table.heads[place].text for place in places],
        {new: targets[key] for new, key in enumerate(keys) if key in targets},
        {new: run.units[key] for new, key in enumerate(keys) if run.units.get(key)},
        table.is_1904,
    )
    columns = {key: new for new, key in enumerate(keys) if key}
    return write(stream, like, _refused_rows(run, table, places, columns))


def _refused_rows(run: ImportRun, table: Table, places: list[int], columns: Mapping[str, int]) -> Iterator[Refused]:
    """Yield the refused rows. columns: the place of each target in the new workbook."""
    refused = {row.line: row for row in run.rows.filter(outcome=str(Outcome.REFUSE))}
    for row in table:
        if row.line in refused:
            reasons, problem = _sort_reasons(refused[row.line], columns)
            yield Refused(row.line, [row.cells[place] for place in places], reasons, problem)


def _sort_reasons(row: ImportRow, columns: Mapping[str, int]) -> tuple[dict[int, str], str]:
    """Return what is said of cells, by their places, and what is said of the row."""
    reasons: dict[int, str] = {}
    of_row = []
    for problem in row.reasons:
        if problem.target in columns:
            place = columns[problem.target]
            reasons[place] = f"{reasons[place]}；{problem.reason}" if place in reasons else problem.reason
        else:
            of_row.append(f"{problem.label}：{problem.reason}")
    return reasons, " ".join(of_row)
