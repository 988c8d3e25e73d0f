"""Taking back the deletion of contacts, and 请勿联系 of many."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Model, Q

from accounts.models import User
from customers.records.models import Customer
from customers.undoing import customer_of, lock_customer, may_restore_part, own_entries
from kit.audit.log import log_event
from kit.sql.row_locks import lock_in_order
from kit.sql.transactions import in_transaction
from kit.undo.kinds import EachRecord, RestoredRows, Subject, Undoable, undoable_each
from kit.undo.models import UndoEntry, UndoRow

from .models import CONTACT_REMOVED, CONTACTS_REFUSED, CONTACTS_REMOVED, Contact
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


# Several at once: each by itself


def contact_rows(rows: list[UndoRow]) -> dict[int, UndoRow]:
    """Return {key: row} of the contacts themselves."""
    return {row.key: row for row in rows if row.model == Contact._meta.label_lower and row.key == row.record_key}


@in_transaction
def lock_customers_of(rows: list[UndoRow]) -> None:
    """Lock the customers of contacts, whether these are still there or not."""
    contacts = contact_rows(rows)
    keys = set(Contact.objects.filter(pk__in=contacts).values_list("customer", flat=True))
    keys |= {row.old["customer_id"] for row in contacts.values() if "customer_id" in row.old}
    lock_in_order(*Customer.objects.filter(pk__in=keys))


def judge_refusing(rows: list[UndoRow], by: User) -> dict[int, Subject]:
    contacts = Contact.objects.visible_to(by).filter(pk__in=contact_rows(rows))
    contacts = contacts.select_related("customer__manager", "customer__merged_into")
    return {one.pk: Subject(one, Contact.edit.verdict(one, by)) for one in contacts}


def judge_removed(rows: list[UndoRow], by: User) -> dict[int, Subject]:
    removed = contact_rows(rows)
    seen, gone = Customer.objects.visible_to(by), Customer.objects.formerly_visible_to(by)
    customers = Customer.objects.filter(Q(pk__in=seen.values("pk")) | Q(pk__in=gone.values("pk")))
    customers = customers.filter(pk__in={row.old["customer_id"] for row in removed.values()})
    by_key = {one.pk: one for one in customers.select_related("manager", "merged_into")}
    verdicts = {key: Customer.can_contribute.verdict(one, by) for key, one in by_key.items()}
    return {
        key: Subject(Contact(pk=key, name=row.old["name"], customer=by_key[customer]), verdicts[customer])
        for key, row in removed.items()
        if (customer := row.old["customer_id"]) in by_key
    }


def follow_removed(entry: UndoEntry, rows: RestoredRows, by: User) -> None:
    write_contact_texts({one.customer_id for one in rows.inserted if isinstance(one, Contact)})


REFUSED_CONTACTS = undoable_each(CONTACTS_REFUSED, Contact.edit, EachRecord(lock_customers_of, judge_refusing))
REMOVED_CONTACTS = replace(
    undoable_each(
        CONTACTS_REMOVED, Contact.remove, EachRecord(lock_customers_of, judge_removed, follow_removed)
    ),
    prepare=prepare,
)  # fmt: skip
