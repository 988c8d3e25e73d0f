"""Two people edited one record: what I changed, what is stored, what I had opened, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kit.audit.models import AuditEntry

from .form_versions import normalize_value


def conflict_context(record: Any, mine: Any, stored: Any, opened: dict[str, str]) -> dict[str, Any]:
    """Context of ui/conflict.html. Sending its form saves the merged values over the version stored now."""
    rows = list(conflict_rows(mine, stored, opened))
    sent = mine.sent_values()
    kept = {name: sent[name] for name in mine.own_names()}
    kept.update({row["name"]: row["merged"] for row in rows})
    choices = [row for row in rows if row["clash"]]
    for row in choices:
        kept.pop(row["name"])
    return {
        "rows": rows,
        "choices": choices,
        "kept": kept,
        "same": len(mine.own_names()) - len(rows),
        "opened": stored.initial["opened"],
        "history": AuditEntry.objects.about(record).first(),
    }


def conflict_rows(mine: Any, stored: Any, opened: dict[str, str]) -> Iterator[dict[str, Any]]:
    """One row per field that I or the other person changed."""
    now, sent = stored.shown_values(), mine.sent_values()
    for name in mine.own_names():
        was = normalize_value(opened.get(name, ""))
        i_did, they_did = sent[name] != was, now[name] != was
        if sent[name] == now[name] or not (i_did or they_did):
            continue
        yield {
            "name": name,
            "label": mine.fields[name].label,
            "mine": mine.words(name, sent[name]) if i_did else None,
            "theirs": mine.words(name, now[name]) if they_did else None,
            "was": mine.words(name, was),
            "mine_value": sent[name],
            "theirs_value": now[name],
            "clash": i_did and they_did,
            "merged": sent[name] if i_did else now[name],
        }
