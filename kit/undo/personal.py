"""Personal data in the journal: what names a person can no longer be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F

from kit.sql.streaming import stream_records
from kit.sql.transactions import in_transaction

from .expiry import delete_files_of, purge
from .models import UndoEntry, UndoRow

Erase = Callable[[Any], Any]  # returns a text, or the texts inside a dict, without the person


@in_transaction
def erase_from_journal(person: models.Model, near: models.Model, erase: Erase, erase_numbers: Erase) -> int:
    """Purge what was deleted and names the person, and erase them from other changes; return how many entries.

    near: the record they belong to; in entries about others only their numbers tell that it is they (erase_numbers).
    Where each record of a change goes back by itself, that record is purged, and no other.
    """
    near_keys = set(UndoEntry.objects.about(near).values_list("pk", flat=True))
    purged, erased = set[int](), set[int]()
    for row in stream_records(UndoRow.objects.all()):
        words = erase if row.entry_id in near_keys or _is_of(row, near) else erase_numbers
        before, after = words(row.before), words(row.after)
        is_named = (before, after) != (row.before, row.after)
        if row.is_deletion and (is_named or _is_of(row, person)):
            if row.record_key is None:
                purged.add(row.entry_id)
            else:
                erased.add(row.entry_id)
                _purge_record(row)
        elif is_named:
            erased.add(row.entry_id)
            UndoRow.objects.filter(pk=row.pk).update(before=before, after=after)
    for entry in stream_records(UndoEntry.objects.all()):
        text = (erase if entry.pk in near_keys else erase_numbers)(entry.text)[:200]
        if text != entry.text:
            erased.add(entry.pk)
            UndoEntry.objects.filter(pk=entry.pk).update(text=text)
    purge(UndoEntry.objects.filter(pk__in=purged))
    return len(purged | erased)


def _is_of(row: UndoRow, person: models.Model) -> bool:
    """Return whether the row is the person's own or refers to them."""
    model = apps.get_model(row.model)
    if isinstance(person, model):
        return row.key == person.pk
    own = (
        field for field in model._meta.concrete_fields if field.is_relation and isinstance(person, field.related_model)
    )
    return any(row.old.get(field.attname) == person.pk for field in own)


@in_transaction
def _purge_record(row: UndoRow) -> None:
    """Forget one record of a change, and the change with the last one."""
    rows = UndoRow.objects.filter(entry=row.entry_id, record_key=row.record_key)
    delete_files_of(rows.filter(after__isnull=True))
    if rows.delete()[0]:
        UndoEntry.objects.filter(pk=row.entry_id).update(records=F("records") - 1)
    purge(UndoEntry.objects.filter(pk=row.entry_id, rows=None, undone_at=None))
