"""Taking a whole run back: rows nobody touched since go or get their old values back; the others stay, named."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from kit.domain.actor import Actor
from kit.sql.row_locks import lock_row
from kit.undo.restoring import take_back

from .models import ImportRun


def undo_run(run: ImportRun, by: Actor) -> str:
    """Take the run back; return what to tell. Raise Refused."""
    with transaction.atomic():
        lock_row(run)
        run.can_take_back(by).enforce()
        assert run.undo is not None  # as can_take_back() asked
        told = take_back(run.undo, by=by)
        run.state, run.undone_at = run.State.UNDONE, timezone.now()
        run.problem = told[:500]
        run.save(update_fields=["state", "undone_at", "problem"])
        run.rows.all().delete()
        run.drop_file()
    return told
