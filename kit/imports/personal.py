"""Personal data in runs: what their rows, choices and files tell of somebody who is erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit.sql.streaming import stream_records
from kit.sql.transactions import in_transaction

from .models import ImportRow, ImportRun, RememberedSheet

Erase = Callable[[Any], Any]  # returns a text, or the texts inside a dict or list, without the person
OF_ROWS, OF_RUNS, OF_SHEETS = (
    ("title", "values", "problems", "note"),
    ("wrong_values", "repairs", "problem"),
    ("repairs",),
)


@in_transaction
def erase_from_runs(erase: Erase) -> int:
    """Erase a person from the rows and choices of all runs, and delete the files that name them; return how many."""
    runs: set[int] = set()
    for row in stream_records(ImportRow.objects.all()):
        if _erase_from(row, OF_ROWS, erase):
            runs.add(row.run_id)
    for run in stream_records(ImportRun.objects.all()):
        if _erase_from(run, OF_RUNS, erase):
            runs.add(run.pk)
    for sheet in stream_records(RememberedSheet.objects.all()):
        _erase_from(sheet, OF_SHEETS, erase)
    for run in ImportRun.objects.filter(pk__in=runs):
        run.drop_file()
    return len(runs)


def _erase_from(record: Any, names: tuple[str, ...], erase: Erase) -> bool:
    values = {name: erase(getattr(record, name)) for name in names}
    if all(values[name] == getattr(record, name) for name in names):
        return False
    type(record)._default_manager.filter(pk=record.pk).update(**values)
    return True
