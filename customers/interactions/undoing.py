"""Taking back the deletion of an interaction, with its attachments."""

from __future__ import annotations

from accounts.models import User
from customers.undoing import customer_of, lock_customer, may_restore_part, own_entries
from kit.undo.kinds import RestoredRows, Undoable
from kit.undo.models import UndoEntry

from .models import INTERACTION_REMOVED, Interaction


def follow(entry: UndoEntry, rows: RestoredRows, by: User) -> str:
    for interaction in Interaction.objects.filter(pk__in=rows.of(Interaction)):
        interaction.customer = customer_of(entry)
        interaction.return_to_customer(by=by)
    return ""


REMOVED_INTERACTION = Undoable(INTERACTION_REMOVED, own_entries, lock_customer, may_restore_part, follow=follow)
