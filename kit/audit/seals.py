"""Seals: committed audit rows are hashed in batches, each batch chained to the hash of the previous one.

Writers never wait for each other: a periodic task seals afterwards. A row that is changed, deleted or inserted later no
longer fits its batch, and verify() names it. Expired rows are deleted in whole batches (retention.py), personal texts
are erased row by row (redaction.py); both are recorded, so that the chain stays verifiable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any

from django.utils import timezone

from kit.sql.locks import AdvisoryLock, take_lock
from kit.sql.turns import in_turn

from .models import AuditEntry, AuditRedaction, AuditSeal

BATCH_SIZE = 1000
LOOK_BACK_IDS = 10_000  # a slow transaction may commit an id so far behind the last sealed one
MAX_UNSEALED = timedelta(hours=1)
WHOLE_ROWS, SPLIT_ROWS = 1, 2  # AuditSeal.form
PUBLIC_FIELDS = ("id", "at", "actor_id", "actor_name", "verb", "content_type_id", "object_id", "address")
PERSONAL_FIELDS = ("object_text", "changes")
SEALED_FIELDS = (*PUBLIC_FIELDS, *PERSONAL_FIELDS)


def hash_personal_texts(entry: Mapping[str, Any], salt: str) -> str:
    """Return the digest that a seal of form 2 covers in place of the personal texts."""
    texts = {name: entry[name] for name in PERSONAL_FIELDS}
    return hashlib.sha256(f"{salt}{_to_json(texts)}".encode()).hexdigest()


def hash_batch(
    previous: str,
    entries: Iterable[Mapping[str, Any]],
    form: int = SPLIT_ROWS,
    redacted: Mapping[int, str] | None = None,
) -> str:
    """Return the hash of a batch, chained to the previous hash. redacted: row id → digest of its erased texts."""
    sha, erased = hashlib.sha256(previous.encode()), redacted or {}
    for entry in entries:
        row: dict[str, Any] = {name: entry[name] for name in (SEALED_FIELDS if form == WHOLE_ROWS else PUBLIC_FIELDS)}
        row["at"] = entry["at"].astimezone(UTC).isoformat()
        if form == SPLIT_ROWS:
            row["personal"] = erased.get(entry["id"]) or hash_personal_texts(entry, entry["salt"])
        sha.update(_to_json(row).encode())
    return sha.hexdigest()


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def seal_pending() -> int:
    """Seal every committed row that is not in a batch yet; return how many."""
    count_sealed = 0
    while count := _seal_batch():
        count_sealed += count
        if count < BATCH_SIZE:
            break
    return count_sealed


@in_turn()
def _seal_batch() -> int:
    lock_chain()
    last = AuditSeal.objects.order_by("-id").first()
    floor = max((last.last_id if last else 0) - LOOK_BACK_IDS, 0)
    sealed_ids = {
        pk for ids in AuditSeal.objects.filter(last_id__gt=floor).values_list("row_ids", flat=True) for pk in ids
    }
    pending = AuditEntry.objects.filter(id__gt=floor).exclude(id__in=sealed_ids).order_by("id")
    entries = list(pending.values(*SEALED_FIELDS, "salt")[:BATCH_SIZE])
    if entries:
        append_seal(entries, last)
    return len(entries)


def lock_chain() -> None:
    """Let one transaction at a time seal, erase or prune."""
    take_lock(AdvisoryLock.AUDIT_SEALS)


def append_seal(entries: list[dict[str, Any]], last: AuditSeal | None) -> AuditSeal:
    """Append a seal over these rows to the chain. Call lock_chain() first."""
    previous_hash, ids = last.hash if last else "", [entry["id"] for entry in entries]
    return AuditSeal.objects.create(
        at=timezone.now(),
        previous_hash=previous_hash,
        row_ids=ids,
        last_id=max(ids[-1], last.last_id if last else 0),
        form=SPLIT_ROWS,
        hash=hash_batch(previous_hash, entries, redacted=load_erased_digests(ids)),
    )


def load_rows(seal: AuditSeal) -> dict[int, dict[str, Any]]:
    """Return {row id: sealed fields and salt} of the rows that still exist."""
    rows = AuditEntry.objects.filter(id__in=seal.row_ids).values(*SEALED_FIELDS, "salt")
    return {row["id"]: row for row in rows}


def load_erased_digests(ids: Iterable[int]) -> dict[int, str]:
    """Return {row id: digest that the seals cover}; of several erasures of a row the first one's."""
    rows = AuditRedaction.objects.filter(entry_id__in=list(ids)).order_by("-id")
    return dict(rows.values_list("entry_id", "digest"))
