"""Taking back 移交, 批量修改 and 共享 of many customers: each customer by itself."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import User, notify
from accounts.taking_back import lock_former_people, unless_there
from customers.orders.rollups import lock_customers, refresh_after_transfer
from customers.records.models import Customer, CustomerGrant, Ownership
from customers.records.search_text import write_customer_texts
from customers.timeline import TimelineEntry
from kit.domain.verdict import ALLOWED, first_objection
from kit.sql.transactions import in_transaction
from kit.transitions import Guard
from kit.undo.journal import A_DAY, Journal
from kit.undo.kinds import EachRecord, RestoredRows, Subject, undoable_each
from kit.undo.models import UndoEntry, UndoRow

from .bulk import set_owner_in_records

# They stand in the journal.
TRANSFERRED, RECLASSIFIED, SHARED = "customers.transferred", "customers.reclassified", "customers.shared"
LIST = "customers:customer_list"


@in_transaction
def watch_transfer(journal: Journal, keys: list[int], to: User) -> None:
    """Note what move_customers() may touch."""
    journal.watch(Customer.objects.filter(pk__in=keys), "manager", record="pk")
    journal.watch(Ownership.objects.filter(customer__in=keys), "until", "manager", with_new=True, record="customer")
    journal.watch(CustomerGrant.objects.filter(content_object__in=keys, user=to), record="content_object")


@in_transaction
def watch_classes(journal: Journal, keys: list[int]) -> None:
    journal.watch(Customer.objects.filter(pk__in=keys), "region", "industry", "level", record="pk")


@in_transaction
def watch_grants(journal: Journal, keys: list[int], person: User) -> None:
    rows = CustomerGrant.objects.filter(content_object__in=keys, user=person)
    journal.watch(rows, with_new=True, record="content_object")


def customer_keys(rows: list[UndoRow]) -> list[int]:
    return sorted({row.record_key for row in rows if row.record_key is not None})


def lock(rows: list[UndoRow]) -> None:
    """Lock as the change did: users before customers."""
    lock_former_people(of_customers(rows), "manager_id")
    lock_customers(customer_keys(rows))


def of_customers(rows: list[UndoRow]) -> list[UndoRow]:
    return [row for row in rows if row.model == Customer._meta.label_lower]


def judge(guard: Guard, rows: list[UndoRow], by: User) -> dict[int, Subject]:
    """Return the customers that the user sees, deleted and merged ones too."""
    seen, removed = Customer.objects.visible_to(by), Customer.objects.formerly_visible_to(by)
    customers = Customer.objects.filter(Q(pk__in=seen.values("pk")) | Q(pk__in=removed.values("pk")))
    customers = customers.filter(pk__in=customer_keys(rows)).select_related("manager", "merged_into")
    left = unless_there(of_customers(rows), "manager_id")
    return {
        one.pk: Subject(one, first_objection(guard.verdict(one, by), left.get(one.pk, ALLOWED))) for one in customers
    }


@in_transaction
def follow_transfer(entry: UndoEntry, rows: RestoredRows, by: User) -> None:
    keys = sorted(rows.of(Customer))
    managers = {row.key: row.new["manager_id"] for row in of_customers(rows.rows)}
    customers = list(Customer.objects.filter(pk__in=keys).select_related("manager"))
    people = User.objects.in_bulk(set(managers.values()))
    by_owner: dict[User, list[Customer]] = defaultdict(list)
    for customer in customers:
        by_owner[customer.manager].append(customer)
    for owner, owned in by_owner.items():
        set_owner_in_records([one.pk for one in owned], owner)
    refresh_after_transfer(keys, entry.at - A_DAY)  # orders since, and a few before: they are counted anew
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            customer=one,
            at=timezone.now(),
            kind=TimelineEntry.Kind.CUSTOMER,
            text=f"撤销移交：{people[managers[one.pk]]} → {one.manager}",
        )
        for one in customers
    )
    _notify(by_owner, [people[managers[one.pk]] for one in customers], by)


def _notify(by_owner: dict[User, list[Customer]], let_go: list[User], by: User) -> None:
    """Send one notification to each user, however many customers."""
    for owner, owned in by_owner.items():
        if owner != by:
            record = owned[0] if len(owned) == 1 else None
            notify(owner, f"{by} 撤销了移交，{len(owned)} 个客户仍由您负责", record)
    for person in set(let_go) - {by}:
        notify(person, f"{by} 撤销了移交，{let_go.count(person)} 个客户不再由您负责")


def follow_classes(entry: UndoEntry, rows: RestoredRows, by: User) -> None:
    write_customer_texts(sorted(rows.of(Customer)))


def follow_grants(entry: UndoEntry, rows: RestoredRows, by: User) -> None:
    """Tell those with whom nothing is shared any more."""
    shared = [row.new["user_id"] for row in rows.rows if row.is_creation]
    for person in User.objects.filter(pk__in=set(shared)).exclude(pk=by.pk):
        notify(person, f"{by} 撤销了与您的共享：{shared.count(person.pk)} 个客户")


def _each(guard: Guard, follow: Any) -> EachRecord:
    return EachRecord(lock, partial(judge, guard), follow)


CHANGES = (
    undoable_each(TRANSFERRED, Customer.transfer, _each(Customer.transfer, follow_transfer), back=LIST),
    undoable_each(RECLASSIFIED, Customer.reclassify, _each(Customer.reclassify, follow_classes), back=LIST),
    undoable_each(SHARED, Customer.withdraw_share, _each(Customer.withdraw_share, follow_grants), back=LIST),
)
