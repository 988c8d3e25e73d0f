"""撤销整批 of customers: created ones go, changed ones get their old values back, whatever was built on stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.models import User
from basedata.models import DictionaryEntry
from customers.contacts.models import Contact
from customers.contacts.search_text import write_contact_texts
from customers.records.models import Customer
from customers.records.search_text import write_customer_texts
from customers.sync.staging import batches
from kit.audit.log import log_events
from kit.domain.verdict import Verdict, require_scope
from kit.sql.id_sets import IdSet
from kit.undo.kinds import RestoredRows, Undoable
from kit.undo.models import UndoEntry, UndoRow

CUSTOMER, CONTACT = Customer._meta.label_lower, Contact._meta.label_lower
ENTRY = DictionaryEntry._meta.label_lower
# What every customer has from its first day, or what is computed from other rows.
OWN = {"ownerships", "timeline", "search_text", "revenue_years", "revenue_months", "metrics", "backtest_rows"}
BATCH, NAMED = 500, 20


def staying(unchanged: list[UndoRow], changed: list[UndoRow]) -> set[int]:
    """Return the keys of the journal's rows that stay: created customers that others built on, with their contacts."""
    created = {row.key: row for row in unchanged if row.model == CUSTOMER and row.is_creation}
    contacts = {row.key: row for row in unchanged if row.model == CONTACT}
    owners = dict(_values(Contact, contacts, "customer_id"))
    kept = _built_on(created, contacts)
    kept |= {
        key for keys in batches(sorted(_contact_keys(changed)), BATCH) for key in _customers_of(keys)
    } & created.keys()
    while more := _parents_of_kept(created.keys() - kept) - kept:
        kept |= more
    stay = {created[key].pk for key in kept}
    staying_owners = kept | {row.key for row in changed if row.model == CUSTOMER}
    stay |= {row.pk for key, row in contacts.items() if owners.get(key) in staying_owners}
    return stay | {row.pk for row in unchanged if row.model == ENTRY}  # follow() deletes those that nobody uses


def _contact_keys(rows: Iterable[UndoRow]) -> set[int]:
    return {row.key for row in rows if row.model == CONTACT}


def _customers_of(contacts: list[int]) -> Iterator[int]:
    yield from Contact.objects.filter(pk__in=contacts).values_list("customer_id", flat=True)


def _values(model: type[models.Model], keys: Iterable[int], column: str) -> Iterator[tuple[int, Any]]:
    for batch in batches(sorted(keys), BATCH):
        yield from model._base_manager.filter(pk__in=batch).values_list("pk", column)


def _built_on(created: dict[int, UndoRow], contacts: dict[int, UndoRow]) -> set[int]:
    """Return the created customers to which somebody has attached a record that the import did not bring."""
    found: set[int] = set()
    for relation in Customer._meta.related_objects:
        if relation.get_accessor_name() in OWN or relation.related_model is Customer:
            continue
        rows, name = relation.related_model._base_manager.all(), relation.field.name  # type: ignore[union-attr]
        for batch in batches(sorted(created), BATCH):
            attached = rows.filter(**{f"{name}__in": batch})
            if relation.related_model is Contact:
                own = set(attached.values_list("pk", flat=True)) & contacts.keys()
                attached = attached.exclude(pk__in=IdSet(own))
            found.update(attached.values_list(f"{name}_id", flat=True))
    return found


def _parents_of_kept(leaving: set[int]) -> set[int]:
    """Return those of the customers to which one that stays refers."""
    found: set[int] = set()
    for column in ("parent_id", "merged_into_id"):
        for batch in batches(sorted(leaving), BATCH):
            pairs = Customer.objects.filter(**{f"{column}__in": batch}).values_list("pk", column)
            found.update(parent for key, parent in pairs if key not in leaving)
    return found


def follow(entry: UndoEntry, restored: RestoredRows, by: Any) -> str:
    """Delete new dictionary entries that nobody uses, refresh the search, and name what stays."""
    keys = [row.key for row in restored.kept if row.model == ENTRY]
    unused = list(DictionaryEntry.objects.filter(pk__in=keys).with_in_use().filter(Q(in_use=False)))
    log_events(by, "删除", unused)
    DictionaryEntry.objects.filter(pk__in=[one.pk for one in unused]).delete()
    existing = set(_existing(restored.of(Customer)))
    write_customer_texts(existing)
    write_contact_texts(existing)
    kept = {row.key for row in restored.kept if row.model == CUSTOMER}
    kept.update(key for keys in batches(sorted(_contact_keys(restored.kept)), BATCH) for key in _customers_of(keys))
    return _name_kept(kept)


def _existing(keys: Iterable[int]) -> Iterator[int]:
    for batch in batches(sorted(keys), BATCH):
        yield from Customer.objects.filter(pk__in=batch).values_list("pk", flat=True)


def _name_kept(keys: set[int]) -> str:
    if not keys:
        return ""
    first = Customer.objects.filter(pk__in=sorted(keys)[:NAMED]).order_by("pk").values_list("name", flat=True)
    more = f" 等 {len(keys)} 家" if len(keys) > NAMED else ""
    return f"之后有人改动过或加过记录的保留下来：{'、'.join(first)}{more}。"


def may_undo(entry: UndoEntry, by: User) -> Verdict:
    return require_scope(entry.by_id == by.pk, "只有导入的人可以撤销。")


IMPORTED_CUSTOMERS = Undoable(
    "imports.customers",
    visible=lambda user: Q(pk=None),  # 导入记录 offers it, with what stays
    lock=lambda entry: None,
    allowed=may_undo,
    keep=staying,
    follow=follow,
)
