"""verify(): is the audit log as it was written? notes() names what was legitimately pruned or erased."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from kit.sql.streaming import stream_records, stream_values

from . import erasure_events, seals
from .models import AuditEntry, AuditPruning, AuditRedaction, AuditSeal

MIN_AGE = timedelta(days=180)  # younger rows may not have been pruned
ERASURE_VERB = "抹去个人信息"  # the verb of the event behind every redaction

Heartbeat = Callable[[int, int], Any]


class IdRanges:
    """A set of ids stored as ranges: a million consecutive ids are one."""

    def __init__(self) -> None:
        self.pairs: list[tuple[int, int]] = []
        self.starts: list[int] | None = None

    def add(self, ids: Iterable[int]) -> None:
        self.starts = None
        for pk in ids:
            if self.pairs and self.pairs[-1][1] + 1 == pk:
                self.pairs[-1] = (self.pairs[-1][0], pk)
            else:
                self.pairs.append((pk, pk))

    def __contains__(self, pk: int) -> bool:
        if self.starts is None:
            merged: list[tuple[int, int]] = []
            for start, end in sorted(self.pairs):
                if merged and start <= merged[-1][1] + 1:
                    merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
                else:
                    merged.append((start, end))
            self.pairs, self.starts = merged, [start for start, _ in merged]
        index = bisect_right(self.starts, pk) - 1
        return index >= 0 and self.pairs[index][1] >= pk


class ChainVerification:
    """One walk along the chain."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or timezone.now()
        self.findings: list[str] = []
        self.previous = ""
        self.sealed, self.pruned = IdRanges(), IdRanges()
        self.prunings = {pruning.seal_id: pruning for pruning in AuditPruning.objects.all()}
        self.digests, self.digests_after, self.events = _load_redactions()
        self.unproven: dict[int, set[int]] = {}  # seals of form 1 over erased rows → ids that a later seal must cover

    def run(self, heartbeat: Heartbeat) -> list[str]:
        """Return all findings, in Chinese."""
        total = AuditSeal.objects.count()
        for done, seal in enumerate(stream_records(AuditSeal.objects.order_by("id"))):
            heartbeat(done, total)
            if finding := self.check(seal):
                self.findings.append(f"封存 {seal.pk}：{finding}")
            self.previous = seal.hash
            self.sealed.add(seal.row_ids)
        for pk, ids in self.unproven.items():
            if ids:
                self.findings.append(f"封存 {pk}：编号 {min(ids)}–{max(ids)} 的审计记录被改动过。")
        self.findings += self.check_events()
        self.findings += erasure_events.find_discrepancies(self.pruned)
        if overdue := self.unsealed_too_long():
            self.findings.append(f"审计记录 {list_ids(overdue)} 超过 1 小时未封存，请检查后台任务是否在运行。")
        return self.findings

    def check(self, seal: AuditSeal) -> str:
        """Return what is wrong with the seal, in Chinese; "" when nothing is."""
        changed = f"编号 {seal.row_ids[0]}–{seal.row_ids[-1]} 的审计记录被改动过。"
        if pruning := self.prunings.get(seal.pk):
            self.pruned.add(seal.row_ids)
            too_early = pruning.newest > pruning.at - MIN_AGE
            return changed if seal.previous_hash != self.previous else "记录未满六个月就被清理。" if too_early else ""
        rows = seals.load_rows(seal)
        missing = [pk for pk in seal.row_ids if pk not in rows]
        if not_pruned := [pk for pk in missing if pk not in self.pruned]:
            return f"审计记录 {list_ids(not_pruned)} 已不存在。"
        if seal.previous_hash != self.previous:
            return changed
        if missing:
            return ""  # rows of an older seal, pruned with that one
        return changed if self.are_rows_changed(seal, rows) else ""

    def are_rows_changed(self, seal: AuditSeal, rows: dict[int, dict[str, Any]]) -> bool:
        """Tell whether the rows were changed since they were sealed."""
        erased = rows.keys() & self.digests.keys()
        if any(seals.hash_personal_texts(rows[pk], "") != self.digests_after[pk] for pk in erased):
            return True
        if seal.form == seals.WHOLE_ROWS and erased:
            self.unproven[seal.pk] = set(seal.row_ids)
            return False
        ordered = (rows[pk] for pk in seal.row_ids)
        if seal.hash != seals.hash_batch(seal.previous_hash, ordered, seal.form, self.digests):
            return True
        for ids in self.unproven.values():
            ids -= set(seal.row_ids)
        return False

    def check_events(self) -> list[str]:
        """Return a finding for erased rows without the event that gives the reason."""
        existing = set(AuditEntry.objects.filter(pk__in=self.events, verb=ERASURE_VERB).values_list("pk", flat=True))
        erased = sorted(pk for event, entries in self.events.items() if event not in existing for pk in entries)
        unexplained = [pk for pk in erased if pk not in self.pruned]
        return [f"审计记录 {list_ids(unexplained)} 的内容被抹去，却没有说明依据的审计记录。"] if unexplained else []

    def unsealed_too_long(self) -> list[int]:
        old = AuditEntry.objects.filter(at__lt=self.now - seals.MAX_UNSEALED)
        return [pk for (pk,) in stream_values(old.values_list("pk")) if pk not in self.sealed]


def _load_redactions() -> tuple[dict[int, str], dict[int, str], dict[int, set[int]]]:
    """Return {row id: first digest}, {row id: digest of the present texts}, {event id: ids of the rows it erased}."""
    digests: dict[int, str] = {}
    digests_after: dict[int, str] = {}
    events: dict[int, set[int]] = {}
    for row in stream_records(AuditRedaction.objects.order_by("id")):
        digests.setdefault(row.entry_id, row.digest)
        digests_after[row.entry_id] = row.after
        events.setdefault(row.deed_id, set()).add(row.entry_id)
    return digests, digests_after, events


def verify(heartbeat: Heartbeat = lambda done, total: None, *, now: datetime | None = None) -> list[str]:
    """Return a sentence for every broken seal and every row unsealed for too long; [] when all is well.

    now: the time of the backup, for an audit log restored from one.
    """
    return ChainVerification(now).run(heartbeat)


def describe_removals() -> list[str]:
    """Return sentences about rows legitimately pruned or erased."""
    sentences = []
    last = AuditPruning.objects.order_by("-id").first()
    if last:
        count = AuditPruning.objects.aggregate(n=Sum("count"))["n"]
        sentences.append(f"{timezone.localtime(last.newest):%Y-%m-%d %H:%M} 以前的 {count} 条已按保存期限清理。")
    if erased := AuditRedaction.objects.aggregate(n=Count("entry_id", distinct=True))["n"]:
        sentences.append(f"{erased} 条的个人信息已按要求抹去，每条都有依据。")
    return sentences


def list_ids(ids: list[int]) -> str:
    return "、".join(map(str, ids[:10])) + (f" 等 {len(ids)} 条" if len(ids) > 10 else "")
