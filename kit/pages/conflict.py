"""Edit conflicts: the user's values, the stored ones and those the user had opened, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models

from kit.audit.models import AuditEntry

from .form_versions import normalize_value
from .forms import CrmForm


def conflict_context(
    record: models.Model, mine: CrmForm, stored: CrmForm, opened_values: dict[str, str]
) -> dict[str, Any]:
    """Return the context of ui/conflict.html, whose form saves the merged values over the version stored now.

    mine: the submitted form; stored: an unbound one of the record as it is stored.
    """
    rows = list(conflict_rows(mine, stored, opened_values))
    submitted_values = mine.submitted_values()
    hidden_values = {name: submitted_values[name] for name in mine.own_field_names()}
    hidden_values.update({row["name"]: row["merged"] for row in rows})
    clashing_rows = [row for row in rows if row["clash"]]
    for row in clashing_rows:
        hidden_values.pop(row["name"])
    return {
        "rows": rows,
        "choices": clashing_rows,
        "hidden_values": hidden_values,
        "same": len(mine.own_field_names()) - len(rows),
        "opened": stored.initial["opened"],
        "history": AuditEntry.objects.about(record).first(),
    }


def conflict_rows(mine: CrmForm, stored: CrmForm, opened_values: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each field whose value now differs and that either user changed."""
    stored_values, submitted_values = stored.stored_values(), mine.submitted_values()
    for name in mine.own_field_names():
        opened_value = normalize_value(opened_values.get(name, ""))
        is_mine, is_theirs = submitted_values[name] != opened_value, stored_values[name] != opened_value
        if submitted_values[name] == stored_values[name] or not (is_mine or is_theirs):
            continue
        yield {
            "name": name,
            "label": mine.fields[name].label,
            "mine": mine.words(name, submitted_values[name]) if is_mine else None,
            "theirs": mine.words(name, stored_values[name]) if is_theirs else None,
            "was": mine.words(name, opened_value),
            "mine_value": submitted_values[name],
            "theirs_value": stored_values[name],
            "clash": is_mine and is_theirs,
            "merged": submitted_values[name] if is_mine else stored_values[name],
        }
