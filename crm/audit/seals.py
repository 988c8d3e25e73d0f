"""Sealing: committed audit rows are hashed in batches, each batch over the hash of the one before.

Writers never wait for each other: a job seals afterwards. A row changed, removed or slipped in later
no longer fits its batch, and verify() says which.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, timedelta

from django.db import connection, transaction
from django.utils import timezone

from .models import AuditEntry, AuditSeal

BATCH = 1000
LOOK_BACK = 10_000  # ids that a slow transaction may still commit behind the last sealed one
MAX_UNSEALED = timedelta(hours=1)
FIELDS = (
    "id", "at", "actor_id", "actor_name", "verb", "content_type_id", "object_id", "object_text", "changes", "address",
)  # fmt: skip


def digest(previous: str, entries: Iterable[dict]) -> str:
    sha = hashlib.sha256(previous.encode())
    for entry in entries:
        row = {**entry, "at": entry["at"].astimezone(UTC).isoformat()}
        sha.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode())
    return sha.hexdigest()


def seal_pending() -> int:
    """Seals every committed row not yet in a batch; returns how many."""
    sealed = 0
    while count := _seal_batch():
        sealed += count
        if count < BATCH:
            break
    return sealed


@transaction.atomic
def _seal_batch() -> int:
    if connection.vendor == "postgresql":  # one sealer at a time; on SQLite the transaction itself is alone
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(770001)")
    last = AuditSeal.objects.order_by("-id").first()
    floor = max((last.last_id if last else 0) - LOOK_BACK, 0)
    known = {pk for ids in AuditSeal.objects.filter(last_id__gt=floor).values_list("row_ids", flat=True) for pk in ids}
    pending = AuditEntry.objects.filter(id__gt=floor).exclude(id__in=known).order_by("id")
    entries = list(pending.values(*FIELDS)[:BATCH])
    if not entries:
        return 0
    previous = last.hash if last else ""
    ids = [entry["id"] for entry in entries]
    AuditSeal.objects.create(
        at=timezone.now(),
        previous_hash=previous,
        row_ids=ids,
        last_id=max(ids[-1], last.last_id if last else 0),
        hash=digest(previous, entries),
    )
    return len(ids)


def verify() -> list[str]:
    """Sentences naming every broken seal and every row unsealed too long; empty when all is well."""
    findings, previous, sealed = [], "", 0
    for seal in AuditSeal.objects.order_by("id").iterator():
        rows = {row["id"]: row for row in AuditEntry.objects.filter(id__in=seal.row_ids).values(*FIELDS)}
        missing = [pk for pk in seal.row_ids if pk not in rows]
        if missing:
            findings.append(f"封存 {seal.pk}：审计记录 {_names(missing)} 已不存在。")
        elif seal.previous_hash != previous or seal.hash != digest(previous, (rows[pk] for pk in seal.row_ids)):
            findings.append(f"封存 {seal.pk}：编号 {seal.row_ids[0]}–{seal.row_ids[-1]} 的审计记录被改动过。")
        previous, sealed = seal.hash, sealed + len(seal.row_ids)
    overdue = _unsealed_too_long()
    if overdue:
        findings.append(f"审计记录 {_names(overdue)} 超过 1 小时未封存，请检查后台任务是否在运行。")
    return findings


def _unsealed_too_long() -> list[int]:
    sealed = {pk for ids in AuditSeal.objects.values_list("row_ids", flat=True).iterator() for pk in ids}
    old = AuditEntry.objects.filter(at__lt=timezone.now() - MAX_UNSEALED).values_list("id", flat=True)
    return [pk for pk in old.iterator() if pk not in sealed]


def _names(ids: list[int]) -> str:
    return "、".join(map(str, ids[:10])) + (f" 等 {len(ids)} 条" if len(ids) > 10 else "")
