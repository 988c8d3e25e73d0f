"""Taking back a change of many records: each goes back by itself, unless somebody changed it since, who is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.utils import timezone

from kit.audit.log import format_value, log_event, log_events
from kit.audit.models import AuditEntry
from kit.domain.days import format_day
from kit.domain.left_out import LeftOut, describe_left_out
from kit.domain.verdict import refuse_if
from kit.sql.id_sets import IdSet
from kit.sql.row_locks import lock_row
from kit.sql.transactions import in_transaction

from .comparing import State, by_model, lock_and_compare
from .expiry import delete_files_of
from .kinds import EachRecord, Subject
from .models import UndoEntry, UndoRow
from .stored_values import VERSION, decode
from .writing import hand_over, model_of, write_rows

MAX_REASONS = 5  # sentences of a message
Groups = dict[int, list[UndoRow]]


@dataclass
class Restoration:
    """The records that went back, and those that did not. unseen: deleted ones, and those outside the view."""

    done: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    unseen: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        return len(self.left_out) + self.unseen

    @property
    def reasons(self) -> list[str]:
        sentences = describe_left_out(self.left_out)
        return [*sentences, *([f"另外 {self.unseen:,} 条已删除，或不在您的查看范围内。"] if self.unseen else [])]

    def __str__(self) -> str:
        notes = "".join(note for note in self.notes if note)
        if not self.left:
            return notes
        more = f"其余原因共 {len(self.reasons):,} 种。" if len(self.reasons) > MAX_REASONS else ""
        reasons = "".join(self.reasons[:MAX_REASONS]) + more
        return f"{notes}恢复 {self.done:,} 条，另有 {self.left:,} 条没有恢复：{reasons}"


def take_back_records(entry: UndoEntry, *, by: Any) -> str:
    """Take all records of the change back at once; return what else is to be told. Raise Refused where none goes."""
    with transaction.atomic():
        restoration = restore_records(entry, list(entry.rows.order_by("pk")), by=by)
        refuse_if(not restoration.done, f"没有一条可以撤销：{''.join(restoration.reasons[:MAX_REASONS])}").enforce()
        close(entry, by=by)
    return str(restoration)


@in_transaction
def restore_records(entry: UndoEntry, rows: list[UndoRow], *, by: Any, in_job: bool = False) -> Restoration:
    """Put those records back that are as the change left them. rows: all of some records, in the journal's order."""
    each = entry.undoable.each
    assert each is not None, "only kinds whose records go back by themselves come here"
    each.lock(rows)
    lock_row(entry)
    (entry.while_offered(by) if in_job else entry.can_undo(by)).enforce()
    states = {row.pk: state for row, state in lock_and_compare(rows)}
    groups, subjects = _by_record(rows), each.judge(rows, by)
    restoration = Restoration()
    ready = _sort_out(entry, groups, subjects, states, restoration)
    _restore(entry, each, ready, by, restoration)
    _log(entry, ready, subjects, by)
    restoration.done = len(ready)
    UndoRow.objects.filter(entry=entry, record_key__in=list(ready)).delete()
    entry.records -= len(ready)
    entry.save(update_fields=["records"])
    return restoration


@in_transaction
def close(entry: UndoEntry, *, by: Any) -> None:
    """Say that the entry was taken back, and forget its rows."""
    entry.undone_at, entry.undone_by_id = timezone.now(), by.pk
    entry.save(update_fields=["undone_at", "undone_by"])
    delete_files_of(entry.rows.filter(record_key__isnull=False, after__isnull=True))
    entry.rows.all().delete()
    facts = {"操作": str(entry), "操作人": str(entry.by), "操作时间": entry.at}
    log_event(by, "撤销", entry.record, text=entry.text, **facts)


def _by_record(rows: Iterable[UndoRow]) -> Groups:
    groups: Groups = defaultdict(list)
    for row in rows:
        groups[row.record_key or 0].append(row)
    return groups


@in_transaction
def _sort_out(
    entry: UndoEntry, groups: Groups, subjects: dict[int, Subject], states: dict[int, State], into: Restoration
) -> Groups:
    """Return the records that go back; name the others."""
    ready, conflicts = Groups(), dict[int, UndoRow]()
    for key, rows in groups.items():
        for row in rows:
            if states[row.pk] is State.GONE:
                hand_over(row)
        changed = next((row for row in rows if _stands_in_the_way(row, states[row.pk])), None)
        if key not in subjects:
            into.unseen += 1
        elif changed is not None:
            conflicts[key] = changed
        elif verdict := subjects[key].verdict:
            ready[key] = [row for row in rows if states[row.pk] is State.AS_LEFT]
        else:
            into.left_out.append(LeftOut(str(subjects[key].record), verdict.reason))
    reasons = _say_who(entry, conflicts, subjects)
    into.left_out += [LeftOut(str(subjects[key].record), reasons[key]) for key in conflicts]
    return ready


def _stands_in_the_way(row: UndoRow, state: State) -> bool:
    """Return whether the record stays as it is: a row was changed, or one that the change made was taken away."""
    return state is State.CHANGED or (state is State.GONE and row.is_creation)


def _say_who(entry: UndoEntry, conflicts: dict[int, UndoRow], subjects: dict[int, Subject]) -> dict[int, str]:
    """Return {key of the record: who changed it since and when}, out of the audit log."""
    reasons = dict.fromkeys(conflicts, "之后已经变动，没有恢复。")
    record_keys = {(row.model, row.key): key for key, row in conflicts.items()}
    own = {(type(subjects[key].record), key): key for key in conflicts}
    others = {(model_of(row), row.key): record_keys[row.model, row.key] for row in conflicts.values()}
    for of_rows in (own, others):
        for model in {model for model, _ in of_rows}:
            keys = {key: record for (of, key), record in of_rows.items() if of is model}
            for event in _events_since(model, keys, entry):
                what = "" if of_rows is own else f"{model._meta.verbose_name}「{event.object_text}」"
                when = format_day(event.at, "time")
                reasons[keys[event.object_id or 0]] = f"{what}{when} 由{event.actor_name}{event.verb}，没有恢复。"
    return reasons


def _events_since(model: type[models.Model], keys: Collection[int], entry: UndoEntry) -> models.QuerySet[AuditEntry]:
    kind = ContentType.objects.get_for_model(model)
    return AuditEntry.objects.filter(content_type=kind, object_id__in=list(keys), at__gt=entry.at).order_by("pk")


@in_transaction
def _restore(entry: UndoEntry, each: EachRecord, ready: Groups, by: Any, into: Restoration) -> None:
    rows = sorted((row for group in ready.values() for row in group), key=lambda row: row.pk)
    if rows:
        restored, notes = write_rows(rows, entry)
        _follow_versions(entry, rows)
        each.follow(entry, restored, by)
        into.notes += notes


@in_transaction
def _follow_versions(entry: UndoEntry, rows: list[UndoRow]) -> None:
    """Let the change before this one be taken back after it: the records are again as that one left them."""
    versions = {(row.model, row.key): row.version for row in rows if row.version is not None}
    earlier = UndoRow.objects.filter(model__in={model for model, _ in versions}, key__in={key for _, key in versions})
    followed = []
    for row in earlier.filter(version__isnull=False).exclude(entry=entry):
        left = versions.get((row.model, row.key))
        if left is not None and row.version == left - 1:
            row.version = left + 1
            followed.append(row)
    UndoRow.objects.bulk_update(followed, ["version"])


@in_transaction
def _log(entry: UndoEntry, ready: Groups, subjects: dict[int, Subject], by: Any) -> None:
    """Write an event for each record, with its own values as they were and are."""
    records = [subjects[key].record for key in ready]
    own = {
        row.key: row
        for key, rows in ready.items()
        for row in rows
        if (model_of(row), row.key) == (type(subjects[key].record), key)
    }
    facts = _describe_values(own.values())
    log_events(by, f"撤销{entry.verb}", records, changes=lambda record: facts.get(record.pk, {}))


def _describe_values(rows: Collection[UndoRow]) -> dict[int, dict[str, tuple[str, str]]]:
    """Return {key: {label: (as the change left it, as it was)}} of rows that were changed."""
    changed = [row for row in rows if not row.is_creation and not row.is_deletion]
    facts: dict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for model, group in by_model(changed).items():
        for name in {name for row in group for name in row.old if name != VERSION}:
            column = model._meta.get_field(name)
            pairs = {row.key: (row.new.get(name), row.old.get(name)) for row in group if name in row.old}
            texts = _texts(column, {value for pair in pairs.values() for value in pair})
            for key, (new, old) in pairs.items():
                facts[key][str(getattr(column, "verbose_name", name))] = (texts[new], texts[old])
    return facts


def _texts(column: Any, values: set[Any]) -> dict[Any, str]:
    """Return {value: as the screen shows it}."""
    if column.is_relation:
        keys = IdSet(value for value in values if value is not None)
        names = {row.pk: str(row) for row in column.related_model._base_manager.filter(pk__in=keys)}
        return {value: names.get(value, "") for value in values}
    choices = dict(column.flatchoices)
    stored = {value: decode(column.model, {column.attname: value})[column.attname] for value in values}
    return {value: str(choices.get(one, format_value(one))) for value, one in stored.items()}
