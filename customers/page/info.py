"""基本信息: all fields of a customer, block by block as in the form."""

from __future__ import annotations

from typing import Any, NamedTuple

from customers.records.field_labels import short_label, value_name, with_unit
from customers.records.fields import BLOCKS, FIELDS, FOLDED, WHOLE_ROW, CustomerField
from customers.records.models import Customer


class InfoField(NamedTuple):
    row: CustomerField
    label: str
    value: Any
    is_wide: bool


class InfoCard(NamedTuple):
    title: str
    fields: list[InfoField]


def info_cards(record: Customer) -> list[InfoCard]:
    """Return the fields by block, without those in the head of the page, and without a folded block that is empty."""
    cards = []
    for title in BLOCKS:
        fields = [info_field(record, row) for row in FIELDS if row.block == title and row.card]
        if title not in FOLDED or any(field.value not in (None, "") for field in fields):
            cards.append(InfoCard(title, fields))
    return cards


def info_field(record: Customer, row: CustomerField) -> InfoField:
    value = getattr(record, value_name(row))
    label = with_unit(short_label(row), row)
    return InfoField(row, label, value() if callable(value) else value, row.width == WHOLE_ROW)
