"""verify(): is the trail as it was written? What was rightly pruned or erased is said apart, in notes()."""

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

MIN_AGE = timedelta(days=180)  # nothing younger may have been pruned
ERASED = "抹去个人信息"  # the verb of the deed behind every redaction

Heartbeat = Callable[[int, int], Any]


class IdRanges:
    """A set of ids kept as ranges: a million ids in a row are one."""

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
        place = bisect_right(self.starts, pk) - 1
        return place >= 0 and self.pairs[place][1] >= pk


class ChainVerification:
    """One walk along the chain."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or timezone.now()
        self.findings: list[str] = []
        self.previous = ""
        self.sealed, self.pruned = IdRanges(), IdRanges()
        self.prunings = {pruning.seal_id: pruning for pruning in AuditPruning.objects.all()}
        self.digests, self.after, self.deeds = _load_redactions()
        self.unproven: dict[int, set[int]] = {}  # old seals over erased rows: to be covered by a later one

    def run(self, beat: Heartbeat) -> list[str]:
        total = AuditSeal.objects.count()
        for done, seal in enumerate(stream_records(AuditSeal.objects.order_by("id"))):
            beat(done, total)
            if finding := self.check(seal):
                self.findings.append(f"封存 {seal.pk}：{finding}")
            self.previous = seal.hash
            self.sealed.add(seal.row_ids)
        for pk, ids in self.unproven.items():
            if ids:
                self.findings.append(f"封存 {pk}：编号 {min(ids)}–{max(ids)} 的审计记录被改动过。")
        self.findings += self.check_deeds()
        self.findings += erasure_events.find_discrepancies(self.pruned)
        if overdue := self.unsealed_too_long():
            self.findings.append(f"审计记录 {list_ids(overdue)} 超过 1 小时未封存，请检查后台任务是否在运行。")
        return self.findings

    def check(self, seal: AuditSeal) -> str:
        """What is wrong with one seal, in words; empty when nothing is."""
        changed = f"编号 {seal.row_ids[0]}–{seal.row_ids[-1]} 的审计记录被改动过。"
        if pruning := self.prunings.get(seal.pk):
            self.pruned.add(seal.row_ids)
            early = pruning.newest > pruning.at - MIN_AGE
            return changed if seal.previous_hash != self.previous else "记录未满六个月就被清理。" if early else ""
        rows = seals.load_rows(seal)
        missing = [pk for pk in seal.row_ids if pk not in rows]
        if unexplained := [pk for pk in missing if pk not in self.pruned]:
            return f"审计记录 {list_ids(unexplained)} 已不存在。"
        if seal.previous_hash != self.previous:
            return changed
        if missing:
            return ""  # the rows of an older seal, pruned with it
        return changed if self.check_rows(seal, rows) else ""

    def check_rows(self, seal: AuditSeal, rows: dict[int, dict[str, Any]]) -> bool:
        """Do the rows no longer fit the seal?"""
        erased = rows.keys() & self.digests.keys()
        if any(seals.hash_personal_texts(rows[pk], "") != self.after[pk] for pk in erased):
            return True
        if seal.form == seals.WHOLE_ROWS and erased:
            self.unproven[seal.pk] = set(seal.row_ids)
            return False
        ordered = (rows[pk] for pk in seal.row_ids)
        if seal.hash != seals.hash_batch(seal.previous_hash, ordered, seal.form, self.digests):
            return True
        for waiting in self.unproven.values():
            waiting -= set(seal.row_ids)
        return False

    def check_deeds(self) -> list[str]:
        """Every erasure is told of by an audit row of its own."""
        known = set(AuditEntry.objects.filter(pk__in=self.deeds, verb=ERASED).values_list("pk", flat=True))
        alone = sorted(pk for deed, entries in self.deeds.items() if deed not in known for pk in entries)
        alone = [pk for pk in alone if pk not in self.pruned]
        return [f"审计记录 {list_ids(alone)} 的内容被抹去，却没有说明依据的审计记录。"] if alone else []

    def unsealed_too_long(self) -> list[int]:
        old = AuditEntry.objects.filter(at__lt=self.now - seals.MAX_UNSEALED)
        return [pk for (pk,) in stream_values(old.values_list("pk")) if pk not in self.sealed]


def _load_redactions() -> tuple[dict[int, str], dict[int, str], dict[int, set[int]]]:
    """Row id → first digest; row id → digest of the present text; deed → row ids."""
    digests: dict[int, str] = {}
    after: dict[int, str] = {}
    deeds: dict[int, set[int]] = {}
    for row in stream_records(AuditRedaction.objects.order_by("id")):
        digests.setdefault(row.entry_id, row.digest)
        after[row.entry_id] = row.after
        deeds.setdefault(row.deed_id, set()).add(row.entry_id)
    return digests, after, deeds


def verify(beat: Heartbeat = lambda done, total: None, *, now: datetime | None = None) -> list[str]:
    """Sentences naming every broken seal and every row unsealed too long; empty when all is well.

    now: the time of which the trail is, for one that lay in a backup.
    """
    return ChainVerification(now).run(beat)


def notes() -> list[str]:
    """What is rightly no longer there."""
    found = []
    last = AuditPruning.objects.order_by("-id").first()
    if last:
        count = AuditPruning.objects.aggregate(n=Sum("count"))["n"]
        found.append(f"{timezone.localtime(last.newest):%Y-%m-%d %H:%M} 以前的 {count} 条已按保存期限清理。")
    if erased := AuditRedaction.objects.aggregate(n=Count("entry_id", distinct=True))["n"]:
        found.append(f"{erased} 条的个人信息已按要求抹去，每条都有依据。")
    return found


def list_ids(ids: list[int]) -> str:
    return "、".join(map(str, ids[:10])) + (f" 等 {len(ids)} 条" if len(ids) > 10 else "")
