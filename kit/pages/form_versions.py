"""Raw values of forms, as they are compared and shown when somebody else changed the record meanwhile."""

from __future__ import annotations

from typing import Any

from django import forms

INTERNAL_FIELDS = ("opened", "submission")


def describe_raw_value(field: forms.Field, value: str) -> str:
    """Return a raw value as shown on screen: the label of a choice instead of its key."""
    if isinstance(field, forms.ModelChoiceField):
        row = field.queryset.filter(pk=value).first() if field.queryset is not None and value.isdecimal() else None
        return str(row) if row else value
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices  # typed as a function too, which the field has called
        return next((str(label) for key, label in choices if str(key) == value), value)
    return {"True": "是", "False": "否", "on": "是"}.get(value, value)


def normalize_value(value: Any) -> str:
    """Return a raw value as text to compare: empty for None, newlines as \\n, stripped."""
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
