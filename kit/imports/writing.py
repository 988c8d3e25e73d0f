"""Carrying a run out: what the preview promised and nothing else, and all that is needed to take it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from kit.audit.log import log_event
from kit.domain.actor import Actor
from kit.sql.row_locks import lock_row
from kit.sql.streaming import stream_values
from kit.sql.transactions import in_transaction
from kit.undo.models import UndoEntry, UndoRow

from .kinds import Beat, Change, Importer, Outcome, PlannedRow, SheetRefused
from .models import UNDO_FOR, ImportRow, ImportRun
from .steps import plan

ROWS_PER_INSERT = 1000
BROKEN_PROMISE = "预览以后变了，没有导入。请再看一次预览。"
OUTCOME_LABELS = {
    Outcome.CREATE: "新建",
    Outcome.UPDATE: "更新",
    Outcome.SAME: "无变化",
    Outcome.SKIP: "跳过",
    Outcome.REFUSE: "拒绝",
}


def undo_kind(run: ImportRun) -> str:
    """Return the name of the Undoable that takes runs of this kind back."""
    return f"imports.{run.kind_key}"


def carry_out(run: ImportRun, by: Actor, beat: Beat | None = None) -> None:
    """Import the good rows, or none. Raise SheetRefused; a run that was carried out already is left as it is.

    Killed anywhere it has written nothing, or everything: the run is marked in the transaction that shows the rows.
    """
    if run.state in (run.State.DONE, run.State.UNDONE):
        return
    importer = plan(run, by, beat)
    _refuse_broken_promises(run, importer)
    refused = sum(row.outcome is Outcome.REFUSE for row in importer.planned())
    if run.is_strict and refused:
        raise SheetRefused(f"{refused} 行被拒绝，您选了「有拒绝就不导入」，什么都没有写入。")
    if importer.needs_reason and not run.reason.strip():
        raise SheetRefused(f"{importer.needs_reason} 行的客户等级有变化，请填写变更原因。")
    importer.write(lambda changes: _finish(run, by, importer, changes), beat)


def _refuse_broken_promises(run: ImportRun, importer: Importer) -> None:
    """Refuse rows of which something else would become now than the preview showed."""
    fields = stream_values(run.rows.values_list("pk", "line", "outcome", "record", "version"))
    promised = {line: promise for _, line, *promise in fields}
    broken = [row for row in importer.planned() if row.is_good and promised.get(row.line) != list(row.promise)]
    if broken:
        importer.refuse({row.line: BROKEN_PROMISE for row in broken})


@in_transaction
def _finish(run: ImportRun, by: Actor, importer: Importer, changes: Iterable[Change]) -> None:
    """Mark the run as done, in the transaction of its rows."""
    lock_row(run)
    if run.state in (run.State.DONE, run.State.UNDONE):
        raise SheetRefused("这个文件已经导入，没有再写一次。")
    planned = importer.planned()
    counts = Counter(str(row.outcome) for row in planned)
    run.counts, run.notes = dict(counts), importer.notes
    run.state, run.written_at, run.problem = run.State.DONE, timezone.now(), ""
    run.undo = _journal(run, by, changes)
    run.save()
    _store_refusals(run, planned)
    told: dict[str, Any] = {label: counts[str(outcome)] for outcome, label in OUTCOME_LABELS.items()}
    log_event(by, "导入", text=f"{run.kind.label}：{run.name}", changes=told)


def _journal(run: ImportRun, by: Actor, changes: Iterable[Change]) -> UndoEntry:
    text = f"{run.kind.label}：{run.name}"[:200]
    now = timezone.now()
    entry = UndoEntry.objects.create(
        kind=undo_kind(run), verb="导入", text=text, by_id=by.pk, at=now, until=now + UNDO_FOR
    )
    rows = [
        UndoRow(
            entry=entry,
            model=change.model._meta.label_lower,
            key=change.key,
            before=None if change.before is None else dict(change.before),
            after=dict(change.after),
            version=change.version,
        )
        for change in changes
    ]
    UndoRow.objects.bulk_create(rows, batch_size=ROWS_PER_INSERT)
    return entry


def _store_refusals(run: ImportRun, planned: Iterable[PlannedRow]) -> None:
    """Let the rows of the preview tell what was refused since."""
    known = set(run.rows.filter(outcome=str(Outcome.REFUSE)).values_list("line", flat=True))
    late = [row for row in planned if row.outcome is Outcome.REFUSE and row.line not in known]
    run.rows.filter(line__in=[row.line for row in late]).delete()
    ImportRow.objects.bulk_create([ImportRow.of(run, row) for row in late], batch_size=ROWS_PER_INSERT)


@transaction.atomic
def give_back(run: ImportRun, problem: str) -> None:
    """Return a run that could not be carried out to its preview, with the reason."""
    lock_row(run)
    if run.state == run.State.WRITING:
        run.state, run.problem = run.State.PREVIEW, problem[:500]
        run.save(update_fields=["state", "problem"])
