"""Values of two customers that a merge takes over or loses, by the table of fields so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from django.db import models

from customers.records.fields import FIELDS, Merge, names
from customers.records.models import Customer
from kit.audit.log import display_value

SYSTEM_FIELDS = names(row for row in FIELDS if row.merge is Merge.OWN)
EARLIEST_FIELDS = names(row for row in FIELDS if row.merge is Merge.EARLIEST)
EMPTY_VALUES = (None, "")
Choices = Mapping[str, int]  # {field: key of the customer whose value is chosen}


def descriptive_fields() -> list[models.Field]:
    """Return the fields that describe a customer, in the model's order."""
    return [field for field in Customer._meta.concrete_fields if field.name not in SYSTEM_FIELDS]


def choosable_names() -> list[str]:
    """Return the fields whose value a person may choose; the number of the sales system follows the orders."""
    kept = ("external_number", "manager", "parent")
    return [field.name for field in descriptive_fields() if field.editable and field.name not in kept]


def chosen_values(survivor: Customer, others: list[Customer], choices: Choices) -> dict[str, Any]:
    """Return {field: value} of the choices that differ from what merging gives by itself."""
    by_key, outcome = {one.pk: one for one in (survivor, *others)}, merge_outcome(survivor, others)
    names = [name for name in choosable_names() if choices.get(name) in by_key]
    values = {name: getattr(by_key[choices[name]], name) for name in names}
    return {name: value for name, value in values.items() if value not in (*EMPTY_VALUES, getattr(outcome, name))}


def values_to_take(survivor: Customer, other: Customer, merged_keys: Iterable[int] = ()) -> dict[str, Any]:
    """Return {field: value} that the survivor takes from the other: missing values, and the earlier of two dates.

    merged_keys: customers that the same merge deletes.
    """
    values = {}
    for field in descriptive_fields():
        own_value, other_value = getattr(survivor, field.attname), getattr(other, field.attname)
        if not field.editable or other_value in EMPTY_VALUES:
            continue
        if own_value in EMPTY_VALUES or (field.name in EARLIEST_FIELDS and other_value < own_value):
            values[field.name] = getattr(other, field.name)
    if "parent" in values and (values["parent"].pk in merged_keys or _lies_under(values["parent"], survivor)):
        del values["parent"]
    return values


def _lies_under(customer: Customer, above: Customer) -> bool:
    ancestor: Customer | None = customer
    for _ in range(50):
        if ancestor is None or ancestor.pk == above.pk:
            break
        ancestor = ancestor.parent
    return ancestor is not None


def merge_outcome(survivor: Customer, others: list[Customer], choices: Choices | None = None) -> Customer:
    """Return an unsaved copy of the survivor as it will be after taking the others over one by one."""
    result, merged_keys = copy(survivor), {other.pk for other in others}
    for other in others:
        if result.parent_id == other.pk:
            result.parent = other.parent
        for name, value in values_to_take(result, other, merged_keys).items():
            setattr(result, name, value)
    for name, value in chosen_values(survivor, others, choices).items() if choices else ():
        setattr(result, name, value)
    return result


def values_left_behind(survivor: Customer, other: Customer) -> dict[str, str]:
    """Return {field: formatted value} of the other that a merge does not take over."""
    texts = {field.name: display_value(other, field.name) for field in descriptive_fields()}
    return {name: words for name, words in texts.items() if words and words != display_value(survivor, name)}
