"""Filters of several values: within one field they are alternatives, sent as repeated parameters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django_filters.fields import ChoiceIteratorMixin

from kit.pages.text_gate import ManyRecordsField

NO_SUCH_CHOICE = "没有这个选项，请重新选择。"
MESSAGES = {"invalid_choice": NO_SUCH_CHOICE, "invalid_pk_value": NO_SUCH_CHOICE, "invalid_list": NO_SUCH_CHOICE}


class Ticks(forms.SelectMultiple):
    """The values of all parameters of the name, each once; a blank one, as old forms send, is none."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        values = super().value_from_datadict(data, files, name) or []
        return [value for value in dict.fromkeys([values] if isinstance(values, str) else values) if value.strip()]


class SeveralValues(forms.Field):
    """Mix in before a field of several choices: its value is a tuple, which a kept statement may have as its key."""

    widget = Ticks

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "error_messages": MESSAGES})

    def clean(self, value: Any) -> Any:
        return tuple(super().clean(value))


class ChoicesField(SeveralValues, django_filters.fields.MultipleChoiceField):
    """Several of given choices."""


class RecordsField(SeveralValues, ChoiceIteratorMixin, ManyRecordsField):
    """Several records."""


class OneOf(django_filters.MultipleChoiceFilter):
    """Match rows whose field has one of the chosen values."""

    field_class = ChoicesField

    def filter(self, rows: QuerySet[Any], values: Collection[Any]) -> QuerySet[Any]:
        return rows.filter(one_of(self.field_name, values, self.null_value)) if values else rows


class OneOfRecords(django_filters.ModelMultipleChoiceFilter):
    """Match rows that refer to one of the chosen records."""

    field_class = RecordsField

    def filter(self, rows: QuerySet[Any], values: Collection[Any]) -> QuerySet[Any]:
        return rows.filter(one_of(self.field_name, values)) if values else rows


def one_of(field: str, values: Collection[Any], null_value: Any = None) -> Q:
    """Return the condition that the field has one of the values; null_value among them stands for none."""
    named = tuple(value for value in values if value != null_value)
    condition = Q(**{f"{field}__in": named}) if len(named) > 1 else Q(**{field: named[0]}) if named else Q()
    return condition if len(named) == len(values) else condition | Q(**{f"{field}__isnull": True})


def holds_several(filters: dict[str, django_filters.Filter]) -> set[str]:
    """Return the names of the filters of several values."""
    return {name for name, filter_ in filters.items() if issubclass(filter_.field_class, SeveralValues)}
