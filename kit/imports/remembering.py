"""What a person chose for a sheet is proposed for the next one with the same heads; repairs for any of that kind."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils import timezone

from kit.domain.folding import fold_name

from .matching import head_key
from .models import ImportRun, RememberedSheet

MAX_SHEETS = 50  # of one person and kind; the oldest are forgotten


def heads_key(run: ImportRun) -> str:
    text = "\n".join(fold_name(head) for _, head in run.heads)
    return hashlib.sha256(text.encode()).hexdigest()


def remembered_columns(run: ImportRun) -> dict[str, str | None]:
    """Return {head: target, None to ignore it} as last chosen for a sheet with these heads."""
    found = _sheets_of(run).filter(heads_key=heads_key(run)).first()
    return found.columns if found else {}


def remembered_repairs(run: ImportRun) -> dict[str, dict[str, str]]:
    """Return {target: {value: what it became}}: of sheets with these heads, else as chosen last for any."""
    merged: dict[str, dict[str, str]] = {}
    every = list(_sheets_of(run).order_by("at"))
    for sheet in sorted(every, key=lambda one: one.heads_key == heads_key(run)):
        for target, repairs in sheet.repairs.items():
            merged.setdefault(target, {}).update(repairs)
    return merged


def remember(run: ImportRun) -> None:
    columns = {head_key(head): run.columns.get(key) or None for key, head in run.heads}
    values: dict[str, Any] = {"columns": columns, "repairs": run.repairs, "at": timezone.now()}
    RememberedSheet.objects.update_or_create(
        owner_id=run.owner_id, kind_key=run.kind_key, heads_key=heads_key(run), defaults=values
    )
    old = _sheets_of(run).order_by("-at").values_list("pk", flat=True)[MAX_SHEETS:]
    RememberedSheet.objects.filter(pk__in=list(old)).delete()


def _sheets_of(run: ImportRun) -> Any:
    return RememberedSheet.objects.filter(owner=run.owner_id, kind_key=run.kind_key)
