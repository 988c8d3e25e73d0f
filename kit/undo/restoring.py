"""Taking a change back: all of its rows in one transaction, or none, with the reason."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from kit.audit.models import AuditEntry
from kit.domain.days import show_day
from kit.domain.verdict import refuse_if
from kit.sql.row_locks import lock_row
from kit.sql.transactions import in_transaction
from kit.transitions import LockedWithParent

from .comparing import State, lock_and_compare
from .models import UndoEntry, UndoRow
from .record_by_record import close, take_back_records
from .writing import hand_over, model_of, write_rows

NAMED_ROWS = 3


def take_back(entry: UndoEntry, *, by: Any) -> str:
    """Take the change back; return what else is to be told of it, in Chinese. Raise Refused naming the row.

    However often it is sent: the entry is locked, and whoever comes second is refused.
    """
    kind = entry.undoable
    if kind.each is not None:
        return take_back_records(entry, by=by)
    with transaction.atomic():
        kind.lock(entry)
        lock_row(entry)
        entry.can_undo(by).enforce()
        rows, kept = _lock_rows(entry)
        kind.check(entry)
        restored, notes = write_rows(rows, entry)
        restored.kept = kept
        notes.append(kind.follow(entry, restored, by))
        close(entry, by=by)
    return "".join(note for note in notes if note)


@in_transaction
def _lock_rows(entry: UndoEntry) -> tuple[list[UndoRow], list[UndoRow]]:
    """Lock the rows of the change; return those to write back, and those that stay as they are.

    Rows that somebody changed since refuse, by their names, unless their kind lets them stay.

    Rows that were deleted since are left out: the one under 最近删除 that holds them takes over what they had before.
    """
    remaining, conflicts = [], []
    for row, state in lock_and_compare(list(entry.rows.order_by("pk"))):
        if state is State.GONE:
            hand_over(row)
        elif state is State.CHANGED:
            conflicts.append(row)
        else:
            remaining.append(row)
    keep = entry.undoable.keep
    if keep is None:
        refuse_if(bool(conflicts), _describe_conflicts(entry, conflicts)).enforce()
    staying = keep(remaining, conflicts) if keep else set()
    kept = [*conflicts, *(row for row in remaining if row.pk in staying)]
    return sorted((row for row in remaining if row.pk not in staying), key=lambda row: row.pk), kept


def _describe_conflicts(entry: UndoEntry, conflicts: list[UndoRow]) -> str:
    sentences = [_describe_conflict(entry, row) for row in conflicts[:NAMED_ROWS]]
    more = f"；另有 {len(conflicts) - NAMED_ROWS} 条" if len(conflicts) > NAMED_ROWS else ""
    return f"不能撤销，之后有人改动过：{'；'.join(sentences)}{more}。"


def _describe_conflict(entry: UndoEntry, row: UndoRow) -> str:
    """Name the row, and who changed it when, as the audit log has it."""
    model = model_of(row)
    record = model._base_manager.get(pk=row.key)
    name = f"{model._meta.verbose_name}「{record}」"
    parent = record.locked_parent() if isinstance(record, LockedWithParent) else None
    for about in (record, parent):
        event = AuditEntry.objects.about(about).filter(at__gt=entry.at).first() if about is not None else None
        if event is not None:
            return f"{name}{show_day(event.at, 'time')} 由{event.actor_name}{event.verb}"
    return f"{name}已不是当时的内容"
