"""What a row changes of an existing customer: compared value by value, written to many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from customers.names import normalize
from customers.records.field_labels import field_label
from customers.records.fields import MASKED_NAMES
from customers.records.models import Customer
from customers.records.search_text import FormerName, write_customer_texts
from kit.audit.log import display_value, format_value, log_events
from kit.domain.masking import mask
from kit.imports.kinds import Change, Value
from kit.undo.stored_values import encode

BATCH = 500
LEVEL = "level"


@dataclass
class Update:
    """The changed values of one customer. former: the same fields as they are now."""

    line: int
    customer: Customer
    values: dict[str, Any]
    former: dict[str, Any] = field(default_factory=dict)

    @property
    def changes_level(self) -> bool:
        return LEVEL in self.values


def compare(customer: Customer, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given values that differ; a name that is only written otherwise is the same."""
    return {name: value for name, value in given.items() if _differs(customer, name, value)}


def _differs(customer: Customer, name: str, value: Any) -> bool:
    present = getattr(customer, name)
    if name == "name":
        return normalize(present) != normalize(value)
    if isinstance(value, str) and isinstance(present, str):
        return present.replace("\r\n", "\n").strip() != value.replace("\r\n", "\n").strip()
    return bool(present != value)


def describe_changes(customer: Customer, values: Mapping[str, Any], *, shows_details: bool) -> list[Value]:
    """Return old → new as the preview shows it."""
    return [
        Value(
            field_label(name),
            format_value(value),
            display_value(customer, name)
            if shows_details or name not in MASKED_NAMES
            else mask(display_value(customer, name)),
        )
        for name, value in values.items()
    ]


def write_updates(updates: Iterable[Update], by: User | None, reason: str) -> list[Change]:
    """Write the values to locked customers, with former names, texts of the search and audit rows."""
    every, changes = list(updates), list[Change]()
    for one in every:
        one.former = {name: getattr(one.customer, name) for name in one.values}
        one.customer.version += 1
        for name, value in one.values.items():
            setattr(one.customer, name, value)
        if "name" in one.values:
            one.customer.derive_names()
        changes.append(_change(one))
    names = {name for one in every for name in one.values}
    columns = [*sorted(names), "version", *(Customer.derived_fields if "name" in names else ())]
    customers = [one.customer for one in every]
    Customer.objects.bulk_update(customers, columns, batch_size=BATCH)
    changes += _keep_former_names(every)
    write_customer_texts(customer.pk for customer in customers)
    by_key = {one.customer.pk: one for one in every}
    log_events(by, "编辑", customers, lambda customer: _facts(by_key[customer.pk], reason))
    return changes


def _change(update: Update) -> Change:
    columns = {name: Customer._meta.get_field(name).attname for name in update.values}  # type: ignore[union-attr]
    before = {columns[name]: encode(_key(value)) for name, value in update.former.items()}
    after = {columns[name]: encode(_key(value)) for name, value in update.values.items()}
    return Change(Customer, update.customer.pk, before, after, update.customer.version)


def _key(value: Any) -> Any:
    return value.pk if hasattr(value, "pk") else value


def _keep_former_names(updates: list[Update]) -> list[Change]:
    renamed = {one.customer.pk: one.former["name"] for one in updates if "name" in one.values}
    known = set(FormerName.objects.filter(customer__in=list(renamed)).values_list("customer_id", "name"))
    new = [FormerName(customer_id=key, name=name) for key, name in renamed.items() if (key, name) not in known]
    FormerName.objects.bulk_create(new, batch_size=BATCH)
    return [Change(FormerName, one.pk, None, {}) for one in new]


def _facts(update: Update, reason: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        field_label(name): (format_value(old), format_value(update.values[name])) for name, old in update.former.items()
    }
    return {**facts, "原因": f"导入：{reason}" if reason and update.changes_level else "导入"}
