"""What is common to parts of customers that can be taken back: contacts and interactions."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import User
from customers.records.models import Customer
from kit.domain.verdict import Verdict, first_objection, require_scope
from kit.sql.row_locks import lock_row
from kit.undo.models import UndoEntry


def own_entries(user: User) -> Q:
    """Match what the user did to customers they see, also where the customer is deleted by now: undoing says so."""
    customers = Customer.objects.visible_to(user), Customer.objects.formerly_visible_to(user)
    condition = Q(object_id__in=customers[0].values("pk")) | Q(object_id__in=customers[1].values("pk"))
    return Q(by=user) & condition


def customer_of(entry: UndoEntry) -> Customer:
    record = entry.record
    assert isinstance(record, Customer)  # parts of customers are journalled on their customer
    return record


def lock_customer(entry: UndoEntry) -> None:
    lock_row(customer_of(entry))


def may_restore_part(entry: UndoEntry, by: User) -> Verdict:
    """Allow it to who deleted the part, while they may add such parts to the customer."""
    return first_objection(
        require_scope(entry.by_id == by.pk, f"只有删除的人（{entry.by}）可以撤销。"),
        customer_of(entry).can_contribute(by),
    )
