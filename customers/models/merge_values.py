"""What of two customers' values a merge keeps: read from the model's own fields, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from kit.audit.log import display_value

from .customer import Customer

# What the system itself keeps of a row: it says nothing about the company.
OF_THE_ROW = (
    "id", "version", "name_normalized", "name_pinyin", "name_initials", "deleted_at", "merged_into", "arrival",
    "last_purchase_on", "won_back_on",
)  # fmt: skip
EARLIEST = ("cooperation_since",)  # the company is a customer since the earlier of both days
EMPTY = (None, "")


def described() -> list[Any]:
    """The fields that say something about a customer, in the model's order."""
    return [field for field in Customer._meta.concrete_fields if field.name not in OF_THE_ROW]


def taken(survivor: Customer, other: Customer, gone: Iterable[int] = ()) -> dict[str, Any]:
    """{field: value} that the survivor takes from the other: what it lacks, and the earlier of days.

    gone: keys of customers that the same merge takes away.
    """
    values = {}
    for field in described():
        mine, theirs = getattr(survivor, field.attname), getattr(other, field.attname)
        if not field.editable or theirs in EMPTY:
            continue
        if mine in EMPTY or (field.name in EARLIEST and theirs < mine):
            values[field.name] = getattr(other, field.name)
    if "parent" in values and (values["parent"].pk in gone or _lies_under(values["parent"], survivor)):
        del values["parent"]
    return values


def _lies_under(customer: Customer, above: Customer) -> bool:
    below: Customer | None = customer
    for _ in range(50):
        if below is None or below.pk == above.pk:
            break
        below = below.parent
    return below is not None


def outcome(survivor: Customer, others: list[Customer]) -> Customer:
    """The survivor as it will be after taking these over one by one; an unsaved copy."""
    after, gone = copy(survivor), {other.pk for other in others}
    for other in others:
        if after.parent_id == other.pk:
            after.parent = other.parent
        for name, value in taken(after, other, gone).items():
            setattr(after, name, value)
    return after


def left_behind(survivor: Customer, other: Customer) -> dict[str, str]:
    """{field: value in words} of the other that the survivor does not have: what a merge does not take over."""
    found = {field.name: display_value(other, field.name) for field in described()}
    return {name: words for name, words in found.items() if words and words != display_value(survivor, name)}


def label_of(name: str) -> str:
    return str(Customer._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
