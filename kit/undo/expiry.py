"""What can no longer be taken back is forgotten, with the files that waited for it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from kit.sql.transactions import in_transaction

from .models import UndoEntry, UndoRow

ENTRIES_PER_RUN = 1000  # the next run continues


def forget_expired() -> int:
    """Delete the entries whose time is over, as a periodic task; return how many."""
    with transaction.atomic():
        expired = UndoEntry.objects.filter(until__lte=timezone.now()).order_by("until")
        keys = list(expired.values_list("pk", flat=True)[:ENTRIES_PER_RUN])
        purge(UndoEntry.objects.filter(pk__in=keys).select_for_update())
    return len(keys)


@in_transaction
def purge(entries: models.QuerySet[UndoEntry]) -> int:
    """Delete entries for good, with the files of deleted rows; return how many."""
    keys = [entry.pk for entry in entries]
    delete_files_of(UndoRow.objects.filter(entry__in=keys, after__isnull=True))
    UndoEntry.objects.filter(pk__in=keys).delete()
    return len(keys)


@in_transaction
def delete_files_of(rows: Iterable[UndoRow]) -> None:
    """Delete on commit the files that only these rows still name."""
    for row in rows:
        for field in apps.get_model(row.model)._meta.concrete_fields:
            name = row.old.get(field.attname) if isinstance(field, models.FileField) else None
            if name:
                transaction.on_commit(partial(field.storage.delete, name), robust=True)
