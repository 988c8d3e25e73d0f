"""Taking a change back: all of its rows in one transaction, or none, with the reason."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from kit.domain.days import format_day
from kit.domain.verdict import refuse_if
from kit.sql.id_sets import IdSet
from kit.sql.row_locks import lock_row
from kit.sql.transactions import in_transaction
from kit.transitions import LockedWithParent

from .kinds import RestoredRows
from .models import UndoEntry, UndoRow
from .stored_values import VERSION, Values, decode, has_version, read_by_key

NAMED_ROWS = 3
ROWS_PER_DELETE = 500
RowsByModel = dict[type[models.Model], list[UndoRow]]


def take_back(entry: UndoEntry, *, by: Any) -> str:
    """Take the change back; return what else is to be told of it, in Chinese. Raise Refused naming the row.

    However often it is sent: the entry is locked, and whoever comes second is refused.
    """
    with transaction.atomic():
        kind = entry.undoable
        kind.lock(entry)
        lock_row(entry)
        entry.can_undo(by).enforce()
        restored = RestoredRows()
        rows = _lock_rows(entry, restored)
        kind.check(entry)
        notes = _write(rows, restored, entry)
        notes.append(kind.follow(entry, restored, by))
        entry.undone_at, entry.undone_by_id = timezone.now(), by.pk
        entry.save(update_fields=["undone_at", "undone_by"])
        entry.rows.all().delete()
        facts = {"操作": str(entry), "操作人": str(entry.by), "操作时间": entry.at}
        log_event(by, "撤销", entry.record, text=entry.text, **facts)
    return "".join(note for note in notes if note)


def model_of(row: UndoRow) -> type[models.Model]:
    return apps.get_model(row.model)


def _by_model(rows: list[UndoRow]) -> RowsByModel:
    groups: RowsByModel = defaultdict(list)
    for row in rows:
        groups[model_of(row)].append(row)
    return groups


@in_transaction
def _lock_rows(entry: UndoEntry, restored: RestoredRows) -> list[UndoRow]:
    """Lock the rows of the change and return them; refuse, naming it, where somebody changed one since.

    A kind may let changed rows stay: they, and those that stay with them, are restored.kept.

    Rows that were deleted since are left out: the one under 最近删除 that holds them takes over what they had before.
    """
    remaining, conflicts = [], []
    for model, rows in _by_model(list(entry.rows.order_by("pk"))).items():
        keys = IdSet(row.key for row in rows)
        weak = getattr(model, "locks_before_records", False)
        list(model._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(no_key=weak).values_list("pk"))
        names = {name for row in rows for name in (row.new or row.old)} & _columns(model)
        current = read_by_key(model, keys, [*names, VERSION] if has_version(model) else names)
        for row in rows:
            now = current.get(row.key)
            if now is None and not row.is_deletion:
                _hand_over(row)
            elif _was_changed(row, now):
                conflicts.append(row)
            else:
                remaining.append(row)
    keep = entry.undoable.keep
    if keep is None:
        refuse_if(bool(conflicts), _describe_conflicts(entry, conflicts)).enforce()
    else:
        staying = keep(remaining, conflicts)
        restored.kept = conflicts + [row for row in remaining if row.pk in staying]
        remaining = [row for row in remaining if row.pk not in staying]
    return sorted(remaining, key=lambda row: row.pk)


def _columns(model: type[models.Model]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields} - {VERSION}


def _was_changed(row: UndoRow, now: Values | None) -> bool:
    if row.is_deletion or now is None:
        return now is not None
    if row.version is not None and now[VERSION] != row.version:
        return True
    return any(name in now and now[name] != value for name, value in row.new.items() if name != VERSION)


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
            return f"{name}{format_day(event.at, 'time')} 由{event.actor_name}{event.verb}"
    return f"{name}已不是当时的内容"


def _trash_row(model: type[models.Model], key: int) -> UndoRow | None:
    """Return the row of the journal that would bring a deleted record back."""
    rows = UndoRow.objects.filter(model=model._meta.label_lower, key=key, after__isnull=True, entry__undone_at=None)
    return rows.order_by("-pk").first()


def _hand_over(row: UndoRow) -> None:
    """Let a record that was deleted since come back with what it had before this change."""
    trash = _trash_row(model_of(row), row.key) if not row.is_creation else None
    if trash is not None:
        values = {name: row.old[name] for name, value in row.new.items() if trash.old.get(name) == value}
        trash.before = {**trash.old, **values}
        trash.save(update_fields=["before"])


def _write(rows: list[UndoRow], restored: RestoredRows, entry: UndoEntry) -> list[str]:
    """Delete what the change created, insert what it deleted, put back what it changed; in this order."""
    notes = []
    created = _by_model([row for row in reversed(rows) if row.is_creation])
    for model, group in created.items():
        for start in range(0, len(group), ROWS_PER_DELETE):
            keys = [row.key for row in group[start : start + ROWS_PER_DELETE]]
            model._base_manager.filter(pk__in=keys).delete()
    for row in rows:
        if row.is_deletion:
            notes.append(_insert(row, restored, entry))
    _put_back([row for row in reversed(rows) if not row.is_creation and not row.is_deletion])
    for row in rows:
        restored.keys.setdefault(model_of(row), set()).add(row.key)
    return notes


def _insert(row: UndoRow, restored: RestoredRows, entry: UndoEntry) -> str:
    model = model_of(row)
    record = model(pk=row.key, **decode(model, row.old))
    _check_references(record)
    note = entry.undoable.prepare(record)
    record.save(force_insert=True)
    written_now = [field for field in model._meta.concrete_fields if _is_written_on_save(field)]
    if written_now:
        values = decode(model, row.old)
        model._base_manager.filter(pk=row.key).update(**{one.attname: values[one.attname] for one in written_now})
    restored.inserted.append(record)
    return note


def _is_written_on_save(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))


def _check_references(record: models.Model) -> None:
    """Empty references to records that were deleted since; where the row cannot be without, refuse."""
    fields: Iterable[Any] = record._meta.concrete_fields
    for field in fields:
        key = getattr(record, field.attname) if field.is_relation else None
        if key is None or field.related_model._base_manager.filter(pk=key).exists():
            continue
        is_optional = field.null and field.remote_field.on_delete is models.SET_NULL
        refuse_if(not is_optional, f"不能撤销：它的「{field.verbose_name}」已不存在。").enforce()
        trash = _trash_row(field.related_model, key)
        if trash is not None:  # brings the reference back with the record
            UndoRow.objects.create(
                entry=trash.entry, model=record._meta.label_lower, key=record.pk,
                before={field.attname: key}, after={field.attname: None},
            )  # fmt: skip
        setattr(record, field.attname, None)


def _put_back(rows: list[UndoRow]) -> None:
    """Write the former values, set-based for rows that get the same ones; what derives columns is saved one by one."""
    groups: dict[tuple[type[models.Model], str], list[UndoRow]] = defaultdict(list)
    for row in rows:
        groups[model_of(row), json.dumps(row.old, sort_keys=True)].append(row)
    for (model, _), group in groups.items():
        values, keys = decode(model, group[0].old), IdSet(row.key for row in group)
        if hasattr(model, "derived_fields"):
            for record in model._base_manager.filter(pk__in=keys).order_by("pk"):
                _save_values(record, values)
            continue
        new_version = {VERSION: F(VERSION) + 1} if has_version(model) else {}
        model._base_manager.filter(pk__in=keys).update(**values, **new_version)


def _save_values(record: models.Model, values: Values) -> None:
    for name, value in values.items():
        setattr(record, name, value)
    names = {*values, *getattr(record, "derived_fields", ())}
    if has_version(type(record)):
        record.version += 1  # type: ignore[attr-defined]
        names.add(VERSION)
    record.save(update_fields=names)
