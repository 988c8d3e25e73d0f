"""Writing rows back: what the change created goes, what it deleted comes again, what it changed is as before."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F

from kit.domain.verdict import refuse_if
from kit.sql.id_sets import IdSet

from .kinds import RestoredRows
from .models import UndoEntry, UndoRow
from .stored_values import VERSION, Values, decode, has_version, is_text

ROWS_PER_DELETE = 500


def model_of(row: UndoRow) -> type[models.Model]:
    return apps.get_model(row.model)


def trash_row(model: type[models.Model], key: int) -> UndoRow | None:
    """Return the row of the journal that would bring a deleted record back."""
    rows = UndoRow.objects.filter(model=model._meta.label_lower, key=key, after__isnull=True, entry__undone_at=None)
    return rows.order_by("-pk").first()


def hand_over(row: UndoRow) -> None:
    """Let a record that was deleted since come back with what it had before this change."""
    trash = trash_row(model_of(row), row.key) if not row.is_creation else None
    if trash is not None:
        values = {name: row.old[name] for name, value in row.new.items() if trash.old.get(name) == value}
        trash.before = {**trash.old, **values}
        trash.save(update_fields=["before"])


def write_rows(rows: list[UndoRow], entry: UndoEntry) -> tuple[RestoredRows, list[str]]:
    """Delete what the change created, insert what it deleted, put back what it changed; return what to tell.

    rows: in the order of the journal.
    """
    restored, notes = RestoredRows(rows=rows), []
    created: dict[type[models.Model], list[int]] = defaultdict(list)
    for row in reversed(rows):
        if row.is_creation:
            created[model_of(row)].append(row.key)
    for model, keys in created.items():
        for start in range(0, len(keys), ROWS_PER_DELETE):
            model._base_manager.filter(pk__in=IdSet(keys[start : start + ROWS_PER_DELETE])).delete()
    for model, group in groupby((row for row in rows if row.is_deletion), model_of):
        notes += _insert(model, list(group), restored, entry)
    _put_back([row for row in reversed(rows) if not row.is_creation and not row.is_deletion])
    for row in rows:
        restored.keys.setdefault(model_of(row), set()).add(row.key)
    return restored, notes


def _insert(model: type[models.Model], rows: list[UndoRow], restored: RestoredRows, entry: UndoEntry) -> list[str]:
    """Insert rows of one model again, exactly as they were, but for what their kind adapts."""
    values = {row.key: decode(model, row.old) for row in rows}
    records = [model(pk=key, **old) for key, old in values.items()]
    _check_references(model, records)
    notes = [entry.undoable.prepare(record) for record in records]
    model._base_manager.bulk_create(records)
    written_now = [field for field in model._meta.concrete_fields if _is_written_on_save(field)]
    for record in records if written_now else ():
        for field in written_now:
            setattr(record, field.attname, values[record.pk][field.attname])
    if written_now:
        model._base_manager.bulk_update(records, [field.name for field in written_now])
    restored.inserted += records
    return notes


def _is_written_on_save(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))


def _check_references(model: type[models.Model], records: list[models.Model]) -> None:
    """Empty references to records that were deleted since; where a row cannot be without, refuse."""
    fields: Iterable[Any] = [field for field in model._meta.concrete_fields if field.is_relation]
    for field in fields:
        keys = {key for record in records if (key := getattr(record, field.attname)) is not None}
        manager = field.related_model._base_manager
        missing = keys - set(manager.filter(pk__in=keys).values_list("pk", flat=True)) if keys else keys
        is_optional = field.null and field.remote_field.on_delete is models.SET_NULL
        refuse_if(bool(missing) and not is_optional, f"不能撤销：它的「{field.verbose_name}」已不存在。").enforce()
        for record in records if missing else ():
            if getattr(record, field.attname) in missing:
                _empty_reference(record, field)


def _empty_reference(record: models.Model, field: Any) -> None:
    """Empty the reference; the deleted record, brought back itself, brings it along."""
    key = getattr(record, field.attname)
    trash = trash_row(field.related_model, key)
    if trash is not None:
        UndoRow.objects.create(
            entry=trash.entry, model=record._meta.label_lower, key=record.pk, record_key=trash.record_key,
            before={field.attname: key}, after={field.attname: None},
        )  # fmt: skip
    setattr(record, field.attname, None)


def _put_back(rows: list[UndoRow]) -> None:
    """Write the former values, in the order given: set-based for rows that get the same ones.

    Where each record goes back by itself, no row waits for another: all are written by one statement.
    """
    groups: dict[tuple[type[models.Model], str], list[UndoRow]] = defaultdict(list)
    for row in rows:
        groups[model_of(row), json.dumps(row.old, sort_keys=True)].append(row)
    for model, several in groupby(groups, lambda group: group[0]):
        of_model = [(decode(model, groups[group][0].old), groups[group]) for group in several]
        each = [row for _, group in of_model for row in group if row.record_key is not None]
        if each and len(of_model) > 1 and not any(_derives(model, values) for values, _ in of_model):
            _put_back_together(model, each)
            continue
        for values, group in of_model:
            _put_back_same(model, values, IdSet(row.key for row in group))


def _put_back_same(model: type[models.Model], values: Values, keys: IdSet) -> None:
    if _derives(model, values):
        for record in model._base_manager.filter(pk__in=keys).order_by("pk"):
            _save_values(record, values)
        return
    new_version = {VERSION: F(VERSION) + 1} if has_version(model) else {}
    model._base_manager.filter(pk__in=keys).update(**values, **new_version)


def _put_back_together(model: type[models.Model], rows: list[UndoRow]) -> None:
    """Write values that differ from row to row by a statement for each set of columns."""
    by_columns: dict[tuple[str, ...], list[models.Model]] = defaultdict(list)
    for row in rows:
        values = decode(model, row.old)
        by_columns[tuple(sorted(values))].append(model(pk=row.key, **values))
    for columns, records in by_columns.items():
        for record in records if has_version(model) else ():
            record.version = F(VERSION) + 1  # type: ignore[attr-defined]
        model._base_manager.bulk_update(records, [*columns, *([VERSION] if has_version(model) else [])])


def _derives(model: type[models.Model], columns: Iterable[str]) -> bool:
    """Return whether other columns are derived from these: what people write is."""
    return hasattr(model, "derived_fields") and any(is_text(model, name) for name in columns)


def _save_values(record: models.Model, values: Values) -> None:
    for name, value in values.items():
        setattr(record, name, value)
    names = {*values, *getattr(record, "derived_fields", ())}
    if has_version(type(record)):
        record.version += 1  # type: ignore[attr-defined]
        names.add(VERSION)
    record.save(update_fields=names)
