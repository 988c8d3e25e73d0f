"""Taking back the deletion of an interaction, with its attachments."""

from __future__ import annotations

from django.db.models import Model

from accounts.models import User
from customers.undoing import customer_of, lock_customer, may_restore_part, own_entries
from kit.undo.kinds import RestoredRows, Undoable
from kit.undo.models import UndoEntry

from .models import INTERACTION_REMOVED, Interaction


def prepare(row: Model) -> str:
    """Leave out a contact who went back to another customer since, by an undone merge."""
    if not isinstance(row, Interaction) or row.contact is None or row.contact.customer_id == row.customer_id:
        return ""
    row.contact = None
    return "当时的联系人已不属于这个客户，没有写回。"


def follow(entry: UndoEntry, rows: RestoredRows, by: User) -> str:
    for interaction in Interaction.objects.filter(pk__in=rows.of(Interaction)):
        interaction.customer = customer_of(entry)
        interaction.return_to_customer(by=by)
    return ""


REMOVED_INTERACTION = Undoable(
    INTERACTION_REMOVED, own_entries, lock_customer, may_restore_part, prepare=prepare, follow=follow
)
