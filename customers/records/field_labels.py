"""What the model says about the fields of the table in fields.py: labels, and categories of the dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .fields import CustomerField, Kind
from .models import Customer


def field_label(name: str) -> str:
    return str(Customer._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # a column, no relation to it


def short_label(row: CustomerField) -> str:
    return row.short or field_label(row.name)


def value_name(row: CustomerField) -> str:
    """Return the attribute that holds the value as it is shown; of a choice it is a method."""
    return f"get_{row.name}_display" if row.kind is Kind.CHOICE else row.name


def with_unit(label: str, row: CustomerField) -> str:
    """Return a label with the unit of its numbers, such as 注册资本（万元）."""
    return f"{label}（{row.unit}）" if row.unit else label


def entry_categories(names: Iterable[str]) -> dict[str, str]:
    """Return {name: category of the dictionary}, as the model limits its choices."""
    return {name: Customer._meta.get_field(name).get_limit_choices_to()["category"] for name in names}  # type: ignore[union-attr]  # foreign keys


def field_choices(row: CustomerField) -> list[tuple[Any, str]]:
    """Return the choices of a field; of scores the best first."""
    choices = list(Customer._meta.get_field(row.name).choices or ())  # type: ignore[union-attr]  # a column
    return choices[::-1] if row.kind is Kind.SCORE else choices


def may_be_null(row: CustomerField) -> bool:
    return bool(Customer._meta.get_field(row.name).null)
