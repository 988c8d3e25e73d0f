"""Erasures as events of the chain itself: what was erased is digested into an audit row, sealed like any other.

Without it a row could be rewritten under the pretext of an erasure by whoever may write to the tables: the digests
beside the trail would fit. With it the pretext stands in the trail, with its time, and cannot be altered afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kit.sql.streaming import stream_values

from .models import AuditEntry, AuditRedaction

REGISTERED = "登记抹去"
FIRST_LABEL, LAST_LABEL, DIGEST_LABEL = "首条", "末条", "摘要"  # of the redactions the event stands for
FIELDS = ("id", "entry_id", "digest", "after", "deed_id")


def digest_redactions(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest over redactions, given in the order of their ids as mappings of FIELDS."""
    sha = hashlib.sha256()
    for row in rows:
        sha.update(json.dumps([row[name] for name in FIELDS]).encode())
    return sha.hexdigest()


def facts_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what the event says of these redactions."""
    return {FIRST_LABEL: str(rows[0]["id"]), LAST_LABEL: str(rows[-1]["id"]), DIGEST_LABEL: digest_redactions(rows)}


def find_discrepancies(expired: Any) -> Iterator[str]:
    """Yield what does not fit between the redactions and the events that register them.

    expired: holds ids of entries whose time was over.
    """
    events = AuditEntry.objects.filter(verb=REGISTERED).order_by("pk").values_list("pk", "changes")
    redactions = AuditRedaction.objects.order_by("pk").values(*FIELDS)
    known: set[int] = set()
    for pk, changes in events:
        said = {label: pair[1] for label, pair in changes.items()}
        rows = list(redactions.filter(pk__gte=int(said[FIRST_LABEL]), pk__lte=int(said[LAST_LABEL])))
        known.update(row["id"] for row in rows)
        if digest_redactions(rows) != said[DIGEST_LABEL]:
            yield f"审计记录 {pk} 登记的抹去与现有的不符：抹去的记录被增删或改动过。"
    every = stream_values(AuditRedaction.objects.values_list("pk", "entry_id", "deed_id"))
    alone = [entry for pk, entry, deed in every if pk not in known and deed not in expired]
    if alone:
        yield f"审计记录 {'、'.join(map(str, alone[:10]))} 的内容被抹去，却没有登记。"
