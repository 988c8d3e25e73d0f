"""Taking back the deletion of a contact."""

from __future__ import annotations

from django.db.models import Model

from accounts.models import User
from customers.undoing import customer_of, lock_customer, may_restore_part, own_entries
from kit.audit.log import log_event
from kit.undo.kinds import RestoredRows, Undoable
from kit.undo.models import UndoEntry

from .models import CONTACT_REMOVED, Contact
from .search_text import write_contact_texts


def prepare(row: Model) -> str:
    """Leave the primary contact that was named since as it is."""
    if not isinstance(row, Contact) or not row.is_primary:
        return ""
    primary = Contact.objects.filter(customer=row.customer_id, is_primary=True).first()
    if primary is None:
        return ""
    row.is_primary = False
    return f"主要联系人现在是{primary}，没有改动。"


def follow(entry: UndoEntry, rows: RestoredRows, by: User) -> str:
    write_contact_texts([customer_of(entry).pk])
    for contact in rows.inserted:
        log_event(by, "撤销删除", contact, 客户=customer_of(entry))
    return ""


REMOVED_CONTACT = Undoable(
    CONTACT_REMOVED, own_entries, lock_customer, may_restore_part, prepare=prepare, follow=follow
)
