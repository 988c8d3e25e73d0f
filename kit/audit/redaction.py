"""Erasure of personal texts from the audit log: the row stays, its texts go, the chain of seals stays verifiable."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import models
from django.db.models.functions import Cast
from django.utils import timezone

from kit.domain.verdict import refuse_if
from kit.sql.streaming import stream_records
from kit.sql.transactions import in_transaction

from . import seals
from .erasure_events import FIELDS, REGISTERED, facts_of
from .log import log_event
from .models import REDACTED_PREFIX, AuditEntry, AuditRedaction, AuditSeal, new_salt

ERASED_TEXT = "（已抹去）"  # replaces erased texts; the trigger on PostgreSQL knows it, too


class Erasure(NamedTuple):
    """A row and its new texts."""

    entry: AuditEntry
    object_text: str
    changes: dict[str, list[str]]


def find_entries_naming(words: Iterable[str]) -> models.QuerySet[AuditEntry]:
    """Return the rows that hold one of the words in name or changes. It scans the whole table: for erasures only."""
    condition = models.Q(pk=None)
    for word in words:
        for spelling in {word, json.dumps(word)[1:-1]}:  # SQLite stores the escaped form
            condition |= models.Q(object_text__contains=word) | models.Q(words__contains=spelling)
    return AuditEntry.objects.annotate(words=Cast("changes", models.TextField())).filter(condition)


@in_transaction
def redact(erasures: Iterable[Erasure], *, event: AuditEntry) -> int:
    """Replace the texts of the rows and register the erasure; return how many rows.

    event: the event that is the reason. Raise Refused when a seal over one of the rows does not verify: tampering must
    be looked into first.
    """
    erasures, now = list(erasures), timezone.now()
    seals.lock_chain()
    earlier_digests = seals.load_erased_digests(erasure.entry.pk for erasure in erasures)
    whole_seals = _find_whole_seals({erasure.entry.pk for erasure in erasures})
    in_whole = {pk for seal in whole_seals for pk in seal.row_ids}
    rows = [
        _build_redaction(erasure, earlier_digests, erasure.entry.pk in in_whole, now, event) for erasure in erasures
    ]
    AuditRedaction.objects.bulk_create(rows, batch_size=500)
    _log_erasure(rows)
    for seal in whole_seals:
        _reseal(seal)
    for erasure, row in zip(erasures, rows, strict=True):
        plain_rows: Any = models.QuerySet(AuditEntry).filter(pk=erasure.entry.pk)  # past the append-only manager
        plain_rows.update(object_text=erasure.object_text, changes=erasure.changes, salt=f"{REDACTED_PREFIX}{row.pk}")
    return len(rows)


def _log_erasure(rows: list[AuditRedaction]) -> None:
    """Log the digest of these redactions; lock_chain() keeps others from erasing in between."""
    if rows:
        values = sorted(({name: getattr(row, name) for name in FIELDS} for row in rows), key=lambda row: row["id"])
        log_event(None, REGISTERED, text=f"{len(rows)} 条审计记录", changes=facts_of(values))


def _build_redaction(
    erasure: Erasure, earlier_digests: dict[int, str], in_whole: bool, now: datetime, event: AuditEntry
) -> AuditRedaction:
    entry = erasure.entry
    old = {"object_text": entry.object_text, "changes": entry.changes}
    new = {"object_text": erasure.object_text, "changes": erasure.changes}
    salt = new_salt() if in_whole else entry.salt  # rows from before salts existed share one
    return AuditRedaction(
        entry_id=entry.pk,
        digest=earlier_digests.get(entry.pk) or seals.hash_personal_texts(old, salt),
        after=seals.hash_personal_texts(new, ""),
        at=now,
        deed_id=event.pk,
    )


def _find_whole_seals(ids: set[int]) -> list[AuditSeal]:
    """Return seals of form 1 over these rows that no seal of form 2 has replaced yet."""
    whole_seals = []
    for seal in stream_records(AuditSeal.objects.filter(form=seals.WHOLE_ROWS, pruning=None).order_by("id")):
        if (
            ids & set(seal.row_ids)
            and not AuditSeal.objects.filter(form=seals.SPLIT_ROWS, row_ids=seal.row_ids).exists()
        ):
            whole_seals.append(seal)
    return whole_seals


def _reseal(seal: AuditSeal) -> None:
    """Verify a seal of form 1 for the last time and append one of form 2 over the same rows.

    Without its rows' texts a seal of form 1 cannot be verified any more.
    """
    rows = seals.load_rows(seal)
    complete = len(rows) == len(seal.row_ids)
    ordered = [rows[pk] for pk in seal.row_ids] if complete else []
    intact = complete and seal.hash == seals.hash_batch(seal.previous_hash, ordered, seals.WHOLE_ROWS)
    refuse_if(not intact, f"审计封存 {seal.pk} 核对不通过，不能抹去其中的内容。请系统管理员先核对审计记录。").enforce()
    seals.append_seal(ordered, AuditSeal.objects.order_by("-id").first())
