"""Erasures as events of the audit log: a digest of the redactions is written into an audit row, sealed like any other.

Without it anyone who may write to the tables could rewrite a row and call it an erasure: the digests stored beside the
log would fit. With it the alleged erasure stands in the log, with its time, and cannot be altered afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from kit.sql.streaming import stream_values

from .models import AuditEntry, AuditRedaction

REGISTERED = "登记抹去"
FIRST_LABEL, LAST_LABEL, DIGEST_LABEL = "首条", "末条", "摘要"  # labels in the event: first and last redaction, digest
FIELDS = ("id", "entry_id", "digest", "after", "deed_id")


class ContainsIds(Protocol):
    def __contains__(self, pk: int, /) -> bool: ...


def digest_redactions(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest over redactions, given in the order of their ids as mappings of FIELDS."""
    sha = hashlib.sha256()
    for row in rows:
        sha.update(json.dumps([row[name] for name in FIELDS]).encode())
    return sha.hexdigest()


def facts_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return {label: value} that the event records about these redactions."""
    return {FIRST_LABEL: str(rows[0]["id"]), LAST_LABEL: str(rows[-1]["id"]), DIGEST_LABEL: digest_redactions(rows)}


def find_discrepancies(expired: ContainsIds) -> Iterator[str]:
    """Yield a sentence for each mismatch between the redactions and the events that register them.

    expired: ids of the entries that were pruned.
    """
    events = AuditEntry.objects.filter(verb=REGISTERED).order_by("pk").values_list("pk", "changes")
    redactions = AuditRedaction.objects.order_by("pk").values(*FIELDS)
    registered: set[int] = set()
    for pk, changes in events:
        facts = {label: pair[1] for label, pair in changes.items()}
        rows = list(redactions.filter(pk__gte=int(facts[FIRST_LABEL]), pk__lte=int(facts[LAST_LABEL])))
        registered.update(row["id"] for row in rows)
        if digest_redactions(rows) != facts[DIGEST_LABEL]:
            yield f"审计记录 {pk} 登记的抹去与现有的不符：抹去的记录被增删或改动过。"
    all_redactions = stream_values(AuditRedaction.objects.values_list("pk", "entry_id", "deed_id"))
    unregistered = [entry for pk, entry, event in all_redactions if pk not in registered and event not in expired]
    if unregistered:
        yield f"审计记录 {'、'.join(map(str, unregistered[:10]))} 的内容被抹去，却没有登记。"
