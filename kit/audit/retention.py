"""Deletion of rows after the retention period (CRM_AUDIT_KEEP_MONTHS), oldest first and in whole sealed batches."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from . import seals
from .log import log_event
from .models import AuditEntry, AuditPruning, AuditSeal

SEALS_PER_RUN = 200  # the next run continues


def cut_off(months: int) -> datetime:
    """Return the datetime so many calendar months ago, in Shanghai."""
    now = timezone.localtime()
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


def prune_expired() -> str:
    """Delete expired rows, as a periodic task; return what was done, in Chinese."""
    if not settings.CRM_AUDIT_KEEP_MONTHS:
        return "全部保留"
    limit, pruned, count = cut_off(settings.CRM_AUDIT_KEEP_MONTHS), list[int](), 0
    for seal in AuditSeal.objects.filter(pruning=None).order_by("id")[:SEALS_PER_RUN]:
        deleted = _prune_seal(seal, limit)
        if deleted is None:
            break
        pruned.append(seal.pk)
        count += deleted
    if pruned:
        log_event(None, "清理审计记录", text=f"封存 {pruned[0]}–{pruned[-1]}", 条数=count, 早于=limit)
    return f"清理了 {count} 条"


@transaction.atomic
def _prune_seal(seal: AuditSeal, limit: datetime) -> int | None:
    """Delete the rows of the seal; return how many.

    Return None and delete nothing when a row is too young, or when the seal does not verify: it is evidence then.
    """
    seals.lock_chain()
    rows = AuditEntry.objects.filter(id__in=seal.row_ids)
    newest = rows.aggregate(newest=Max("at"))["newest"]
    if newest is None:  # an older seal over the same rows was pruned already, or rows were stolen
        newest = AuditPruning.objects.filter(seal__row_ids=seal.row_ids).values_list("newest", flat=True).first()
    elif not _is_intact(seal):
        return None
    if newest is None or newest >= limit or AuditPruning.objects.filter(seal=seal).exists():
        return None
    AuditPruning.objects.create(seal=seal, at=timezone.now(), count=rows.count(), newest=newest)
    plain_rows: Any = models.QuerySet(AuditEntry).filter(id__in=seal.row_ids)  # past the append-only manager
    return plain_rows._raw_delete(plain_rows.db)


def _is_intact(seal: AuditSeal) -> bool:
    rows = seals.load_rows(seal)
    if len(rows) != len(seal.row_ids):
        return False
    redacted = seals.load_erased_digests(seal.row_ids)
    if seal.form == seals.WHOLE_ROWS and redacted:
        return True  # a later seal covers its rows
    return seal.hash == seals.hash_batch(seal.previous_hash, (rows[pk] for pk in seal.row_ids), seal.form, redacted)
