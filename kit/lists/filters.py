"""Filters of list pages: texts through the text gate, dates as whole days in Shanghai."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from kit.domain.days import midnight
from kit.pages.forms import apply_field_defaults
from kit.pages.unknown_parameters import refuse_ignored_values

from .filter_drawing import render_options, render_ticks


class FilterForm(forms.Form):
    """The form of a ListFilter. fields: created per request, so that they need no deep copy."""

    def __init__(self, *args: Any, fields: dict[str, forms.Field], trusts_keys: bool = False, **kwargs: Any) -> None:
        """trusts_keys: rows are not read to see whether they may be chosen."""
        super().__init__(*args, **{**kwargs, "label_suffix": ""})
        for name, field in fields.items():
            hidden = field.widget if field.widget.is_hidden else None  # a field that only links set stays hidden
            self.fields[name] = apply_field_defaults(field)
            field.widget = hidden or field.widget
            if trusts_keys and isinstance(field, forms.ModelMultipleChoiceField):
                field.clean = partial(unread_rows, field)  # type: ignore[method-assign, assignment]
            elif trusts_keys and isinstance(field, forms.ModelChoiceField):
                field.to_python = partial(unread_row, field)  # type: ignore[method-assign]
            field.options = partial(render_options, self, name)  # type: ignore[attr-defined]
            field.ticks = partial(render_ticks, self, name, labelled=False)  # type: ignore[attr-defined]
            field.labelled_options = partial(render_options, self, name, labelled=True)  # type: ignore[attr-defined]
            field.labelled_ticks = partial(render_ticks, self, name, labelled=True)  # type: ignore[attr-defined]

    def clean(self) -> None:
        refuse_ignored_values(self)


def unread_row(field: Any, value: Any) -> Any:
    """Return the chosen row with nothing but its key. field: a ModelChoiceField of django-filter."""
    if value in field.empty_values or (value == field.null_value and field.null_label is not None):
        return value or None
    if not (str(value).isdecimal() and len(str(value)) < 10):
        raise forms.ValidationError(field.error_messages["invalid_choice"], code="invalid_choice")
    return field.queryset.model(pk=int(value))


def unread_rows(field: Any, values: Any) -> tuple[Any, ...]:
    """Return the chosen rows likewise. field: a RecordsField."""
    return tuple(unread_row(field, value) for value in values or ())


class ListFilter(django_filters.FilterSet):
    """The filterset of a list page: filters combine with AND, the values of one with OR.

    A subclass declares filters, Meta.model and, where it has more than four, the favourites that always stand there.
    """

    base_filters: dict[str, django_filters.Filter]
    favourites: tuple[str, ...] = ()

    def __init__(self, data: Any = None, *args: Any, for_count: bool = False, **kwargs: Any) -> None:
        """Leave out hidden filters without a value: every filter is deep-copied for each request.

        for_count: leave out all without a value, and read nothing to see whether a row may be chosen.
        """
        parameters, self.for_count = data or {}, for_count
        self.base_filters = {
            name: filter_
            for name, filter_ in self.base_filters.items()
            if name in parameters or not (for_count or filter_.extra.get("widget") is forms.HiddenInput)
        }
        super().__init__(data, *args, **kwargs)

    def get_form_class(self) -> Any:
        fields = {name: filter_.field for name, filter_ in self.filters.items()}
        return partial(FilterForm, fields=fields, trusts_keys=self.for_count)


class Contains(django_filters.CharFilter):
    """Match the folded text anywhere in the field; longer than 100 characters is an error of the filter."""

    lookup = "contains_text"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lookup_expr=self.lookup, max_length=100, **kwargs)


class ContainsNumber(Contains):
    """Match a telephone number or a part of it, however it is punctuated."""

    lookup = "contains_number"


class DateFrom(django_filters.DateFilter):
    """From 00:00 of that day in Shanghai."""

    def filter(self, qs: QuerySet, value: date | None) -> QuerySet:
        return qs.filter(**{f"{self.field_name}__gte": midnight(value)}) if value else qs


class DateTo(django_filters.DateFilter):
    """Through the end of that day in Shanghai."""

    def filter(self, qs: QuerySet, value: date | None) -> QuerySet:
        return qs.filter(**{f"{self.field_name}__lt": midnight(value + timedelta(days=1))}) if value else qs
