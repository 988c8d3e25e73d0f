"""The job that takes back a change of more records than a request does, batch by batch."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Count

from kit.domain.verdict import Refused
from kit.jobs.models import Job, JobRefused
from kit.jobs.tasks import start_job
from kit.sql.row_locks import lock_row
from kit.sql.turns import in_turn

from .models import UndoEntry, UndoRow
from .record_by_record import Restoration, close, restore_records

BATCH = 100  # records
MAX_NOTES = 100  # sentences about records left out
TAKE_BACK_FUNCTION = "kit.undo.jobs.run_take_back"


def start_taking_back(entry: UndoEntry, *, by: Any) -> Job:
    """Start the job; the entry waits for it. Raise Refused where it cannot be taken back."""
    with transaction.atomic():
        lock_row(entry)
        entry.can_undo(by).enforce()
        entry.job = start_job(f"撤销{entry.verb}", TAKE_BACK_FUNCTION, owner=by, entry=entry.pk)
        entry.save(update_fields=["job"])
    return entry.job


def run_take_back(job: Job) -> str:
    """Run the job. A batch and the progress are saved together: run again, it goes on where it stopped."""
    entry = UndoEntry.objects.filter(pk=job.arguments["entry"]).select_related("by").first()
    if entry is None:
        raise JobRefused("已过可以撤销的时间，没有撤销。")
    restored, total = job.arguments.get("restored", 0), job.total or entry.records
    try:
        while rows := next_rows(entry, job.arguments.get("last")):
            with in_turn():
                restoration = restore_records(entry, rows, by=job.owner, in_job=True)
                restored += restoration.done
                save_progress(job, rows, restored, total, restoration)
        with in_turn():
            if restored:
                close(entry, by=job.owner)
    except Refused as refused:
        so_far = f"已恢复 {restored:,} 条，其余" if restored else ""
        raise JobRefused(f"{str(refused).removesuffix('。')}，{so_far}没有恢复。") from refused
    left = total - restored
    return f"已撤销：{entry}。恢复 {restored:,} 条{f'，{left:,} 条没有恢复，原因见下' if left else ''}。"[:500]


def next_rows(entry: UndoEntry, last: int | None) -> list[UndoRow]:
    """Return all rows of the next records. last: the record that the batch before ended with."""
    rows = entry.rows.all() if last is None else entry.rows.filter(record_key__gt=last)
    counted = rows.order_by("record_key").values_list("record_key").annotate(Count("pk"))
    until = max((key for key, _ in counted[:BATCH]), default=None)
    return [] if until is None else list(rows.filter(record_key__lte=until).order_by("pk"))


def save_progress(job: Job, rows: list[UndoRow], restored: int, total: int, restoration: Restoration) -> None:
    keys = {row.record_key or 0 for row in rows}
    job.notes = [*job.notes, *restoration.notes, *restoration.reasons][:MAX_NOTES]
    job.arguments |= {"restored": restored, "last": max(keys)}
    job.save(update_fields=["notes", "arguments"])
    job.heartbeat(job.done + len(keys), total)
