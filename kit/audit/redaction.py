"""Erasing personal texts from the trail: the row stays, its words go, and the chain of seals stays verifiable."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import models
from django.db.models.functions import Cast
from django.utils import timezone

from kit.domain.verdict import refuse_if
from kit.sql.streaming import stream_records

from . import seals
from .erasure_events import FIELDS, REGISTERED, facts_of
from .log import log_event
from .models import REDACTED_PREFIX, AuditEntry, AuditRedaction, AuditSeal, new_salt

GONE = "（已抹去）"  # stands in the place of erased words; PostgreSQL's trigger knows it, too


class Erasure(NamedTuple):
    """A row and the words it shall have from now on."""

    entry: AuditEntry
    object_text: str
    changes: dict[str, list[str]]


def naming(words: Iterable[str]) -> models.QuerySet[AuditEntry]:
    """Rows that hold one of the words, anywhere in the trail: a walk over all of it, for rare and careful acts."""
    texts, found = AuditEntry.objects.annotate(words=Cast("changes", models.TextField())), models.Q(pk=None)
    for word in words:
        for written in {word, json.dumps(word)[1:-1]}:  # SQLite keeps the escaped form
            found |= models.Q(object_text__contains=word) | models.Q(words__contains=written)
    return texts.filter(found)


def redact(erasures: Iterable[Erasure], *, deed: AuditEntry) -> int:
    """Puts the new words in place of the old ones; deed: the audit row that says why. Call in a transaction.

    Raises Refused when a seal over one of the rows does not hold: what was tampered with must be looked into first.
    """
    erasures, now = list(erasures), timezone.now()
    seals.lock_chain()
    former = seals.load_erased_digests(erasure.entry.pk for erasure in erasures)
    whole = _find_whole_seals({erasure.entry.pk for erasure in erasures})
    in_whole = {pk for seal in whole for pk in seal.row_ids}
    rows = [_build_redaction(erasure, former, erasure.entry.pk in in_whole, now, deed) for erasure in erasures]
    AuditRedaction.objects.bulk_create(rows, batch_size=500)
    _log_erasure(rows)
    for seal in whole:
        _reseal(seal)
    for erasure, row in zip(erasures, rows, strict=True):
        plain: Any = models.QuerySet(AuditEntry).filter(pk=erasure.entry.pk)  # the one way past the append-only manager
        plain.update(object_text=erasure.object_text, changes=erasure.changes, salt=f"{REDACTED_PREFIX}{row.pk}")
    return len(rows)


def _log_erasure(rows: list[AuditRedaction]) -> None:
    """Write down in the trail itself what is erased now; alone() keeps others from erasing in between."""
    if rows:
        known = sorted(({name: getattr(row, name) for name in FIELDS} for row in rows), key=lambda one: one["id"])
        log_event(None, REGISTERED, text=f"{len(rows)} 条审计记录", changes=facts_of(known))


def _build_redaction(
    erasure: Erasure, former: dict[int, str], in_whole: bool, now: Any, deed: AuditEntry
) -> AuditRedaction:
    entry = erasure.entry
    old = {"object_text": entry.object_text, "changes": entry.changes}
    new = {"object_text": erasure.object_text, "changes": erasure.changes}
    salt = new_salt() if in_whole else entry.salt  # rows from before salts existed share one
    return AuditRedaction(
        entry_id=entry.pk,
        digest=former.get(entry.pk) or seals.hash_personal_texts(old, salt),
        after=seals.hash_personal_texts(new, ""),
        at=now,
        deed_id=deed.pk,
    )


def _find_whole_seals(ids: set[int]) -> list[AuditSeal]:
    """Seals of the old form over these rows, not yet sealed again."""
    found = []
    for seal in stream_records(AuditSeal.objects.filter(form=seals.WHOLE_ROWS, pruning=None).order_by("id")):
        if (
            ids & set(seal.row_ids)
            and not AuditSeal.objects.filter(form=seals.SPLIT_ROWS, row_ids=seal.row_ids).exists()
        ):
            found.append(seal)
    return found


def _reseal(seal: AuditSeal) -> None:
    """An old seal cannot do without its rows' words: proved once more, then a new one at the end stands for it."""
    rows = seals.load_rows(seal)
    complete = len(rows) == len(seal.row_ids)
    ordered = [rows[pk] for pk in seal.row_ids] if complete else []
    intact = complete and seal.hash == seals.hash_batch(seal.previous_hash, ordered, seals.WHOLE_ROWS)
    refuse_if(not intact, f"审计封存 {seal.pk} 核对不通过，不能抹去其中的内容。请系统管理员先核对审计记录。").enforce()
    seals.append_seal(ordered, AuditSeal.objects.order_by("-id").first())
