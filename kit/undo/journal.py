"""Writing the journal: what rows were before a change, and what became of them.

    journal = Journal()
    journal.watch(Customer.objects.filter(pk__in=keys), "region", "industry", "level", record="pk")
    ...  # the change, by whatever means
    entry = journal.keep("customers.reclassified", "批量修改", "12 家客户", by=by)

All in the transaction of the change. A page whose carry_out() returns the entry shows 撤销 beside its message.
How it is taken back, and by whom, says the Undoable of that name; see kinds.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from kit.domain.verdict import refuse_if
from kit.jobs.models import Job
from kit.sql.id_sets import IdSet
from kit.sql.transactions import in_transaction

from .models import UndoEntry, UndoRow
from .stored_values import VERSION, Values, has_version, is_text, read_by_key, read_values, stored_fields

ROWS_PER_INSERT = 1000
A_DAY, A_MONTH = timedelta(hours=24), timedelta(days=30)


@dataclass(frozen=True)
class _Watch:
    rows: models.QuerySet[Any]
    names: list[str]  # columns by attname, with the version where the model has one
    values: dict[int, Values]  # before the change
    is_whole: bool
    strictly: bool
    with_new: bool
    record: str
    records: dict[int, int]  # row → record

    @property
    def model(self) -> type[models.Model]:
        return self.rows.model


class Journal:
    """The rows that a change may touch. Watch them before it, keep() them after it."""

    def __init__(self, kept: timedelta = A_DAY, job: Job | None = None) -> None:
        """kept: how long the change can be taken back. job: the one that makes it, in parts that are one entry."""
        self.kept, self.job = kept, job
        self._watches: list[_Watch] = []

    @in_transaction
    def watch(
        self, rows: models.QuerySet[Any], *names: str, strictly: bool = False, with_new: bool = False, record: str = ""
    ) -> None:
        """Note the rows as they are. names: only these columns, where the change deletes none of the rows.

        strictly: any edit since refuses the undo, not only one of the same columns. with_new: rows that meet the
        condition only after the change were created by it; undoing deletes them. Parents first: rows that were deleted
        are inserted in the order they were watched in. record: path to the key of the record that the row goes back
        with, where each goes back by itself.
        """
        fields = [rows.model._meta.get_field(name) for name in names] or stored_fields(rows.model)
        columns = [field.attname for field in fields]  # type: ignore[union-attr]
        if has_version(rows.model) and VERSION not in columns:
            columns.append(VERSION)
        values = dict(read_values(rows, columns))
        records = dict(rows.order_by().values_list("pk", record)) if record and values else {}
        self._watches.append(_Watch(rows.all(), columns, values, not names, strictly, with_new, record, records))

    @in_transaction
    def watch_deletion(self, record: models.Model) -> None:
        """Note a record that is about to be deleted, with all that the database deletes or empties along with it."""
        self._watch_with_dependants(type(record)._base_manager.filter(pk=record.pk))

    @in_transaction
    def watch_deletions(self, rows: models.QuerySet[Any]) -> None:
        """Like watch_deletion(), of many: each comes back by itself."""
        self._watch_with_dependants(rows, "pk")

    def _watch_with_dependants(self, rows: models.QuerySet[Any], record: str = "") -> None:
        self.watch(rows, record=record)
        keys = list(self._watches[-1].values)
        for relation in rows.model._meta.get_fields(include_hidden=True) if keys else ():
            if not (relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)):
                continue
            name, on_delete = relation.field.name, relation.on_delete  # type: ignore[union-attr]
            dependants = relation.related_model._base_manager.filter(**{f"{name}__in": keys})  # type: ignore[union-attr]
            path = f"{name}__{record}" if record else ""
            if on_delete is models.CASCADE:
                self._watch_with_dependants(dependants, path)
            elif on_delete is models.SET_NULL:
                self.watch(dependants, name, record=path)

    @in_transaction
    def keep(self, kind: str, verb: str, text: str, *, by: Any, about: models.Model | None = None) -> UndoEntry | None:
        """Store what the change did to the watched rows; None where it did nothing.

        kind: the name of an Undoable; text: what it was about, as users read it; about: the record on whose page it
        stands.
        """
        rows = [row for watch in self._watches for row in _differences(watch)]
        if not rows:
            return None
        now = timezone.now()
        earlier = UndoEntry.objects.filter(job=self.job).select_for_update(of=("self",)) if self.job else ()
        entry = next(iter(earlier), None) or UndoEntry(kind=kind, verb=verb, by_id=by.pk, at=now, job=self.job)
        refuse_if(entry.undone_at is not None, "这次操作已经撤销。").enforce()
        entry.text, entry.until = text[:200], now + self.kept
        entry.records += len({row.record_key for row in rows} - {None})
        if about is not None:
            entry.content_type, entry.object_id = ContentType.objects.get_for_model(about), about.pk
        entry.save()
        for row in rows:
            row.entry = entry
        UndoRow.objects.bulk_create(rows, batch_size=ROWS_PER_INSERT)
        return entry


def _differences(watch: _Watch) -> Iterable[UndoRow]:
    label, current = watch.model._meta.label_lower, read_by_key(watch.model, watch.values, watch.names)
    for key, before in watch.values.items():
        after = current.get(key)
        if after is None:
            if not watch.is_whole:
                raise RuntimeError(f"{label} {key} was deleted, but only some of its columns were watched")
            yield UndoRow(model=label, key=key, before=before, record_key=watch.records.get(key))
            continue
        changed = [name for name in watch.names if name != VERSION and before[name] != after[name]]
        if changed:
            yield UndoRow(
                model=label,
                key=key,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
                version=after[VERSION] if watch.strictly and VERSION in after else None,
                record_key=watch.records.get(key),
            )
    if watch.with_new:
        yield from _creations(watch)


def _creations(watch: _Watch) -> Iterable[UndoRow]:
    """Yield the new rows, without their texts: nothing has to be brought back."""
    rows = watch.rows.exclude(pk__in=IdSet(watch.values))
    names = [name for name in watch.names if not is_text(watch.model, name)]
    records = dict(rows.order_by().values_list("pk", watch.record)) if watch.record else {}
    for key, after in read_values(rows, names):
        record_key = records.get(key)
        yield UndoRow(model=watch.model._meta.label_lower, key=key, before=None, after=after, record_key=record_key)
