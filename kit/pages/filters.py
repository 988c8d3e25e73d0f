"""Filters of list pages: texts through the text gate, dates as whole days in Shanghai."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from kit.domain.days import midnight

from .forms import apply_field_defaults
from .html import format_html_fast, join_html
from .query_string import QueryString
from .templatetags.ui import format_cell
from .unknown_parameters import refuse_ignored_values

OPTION, SELECTED_OPTION = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'


class FilterForm(forms.Form):
    """The form of a ListFilter. fields: created per request, so that they need no deep copy."""

    def __init__(self, *args: Any, fields: dict[str, forms.Field], trusts_keys: bool = False, **kwargs: Any) -> None:
        """trusts_keys: rows are not read to see whether they may be chosen."""
        super().__init__(*args, **{**kwargs, "label_suffix": ""})
        for name, field in fields.items():
            hidden = field.widget if field.widget.is_hidden else None  # a field that only links set stays hidden
            self.fields[name] = apply_field_defaults(field)
            field.widget = hidden or field.widget
            if trusts_keys and isinstance(field, forms.ModelChoiceField):
                field.to_python = partial(unread_row, field)  # type: ignore[method-assign]
            field.options = partial(render_options, self, name)  # type: ignore[attr-defined]

    def clean(self) -> None:
        refuse_ignored_values(self)


def unread_row(field: Any, value: Any) -> Any:
    """Return the chosen row with nothing but its key. field: a ModelChoiceField of django-filter."""
    if value in field.empty_values or value == field.null_value:
        return value or None
    if not (str(value).isdecimal() and len(str(value)) < 10):
        raise forms.ValidationError(field.error_messages["invalid_choice"], code="invalid_choice")
    return field.queryset.model(pk=int(value))


def render_options(form: forms.Form, name: str) -> str:
    """Return the <option>s of a choice field; a Select renders a template for each, which takes far longer."""
    bound_field = form[name]
    value = bound_field.value()
    selected_key = "" if value is None else str(value)
    return join_html(
        format_html_fast(SELECTED_OPTION if str(key) == selected_key else OPTION, key, label)
        for key, label in iterate_choices(bound_field.field)
    )


def iterate_choices(field: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (key, label) of a choice field, without the COUNT that iterating field.choices starts with.

    Rows are fetched in one statement: Django's iterator opens a server-side cursor, which takes three. Where the
    model has sql_label(), no instance is created: for all users of a company that took as long as the list itself.
    """
    if not isinstance(field, forms.ModelChoiceField):
        yield from field.choices
        return
    if field.empty_label is not None:
        yield "", field.empty_label
    rows: Any = field.queryset
    label = getattr(rows.model, "sql_label", None)
    if label is not None:
        yield from rows.values_list("pk", label())
        return
    for row in rows.all():
        yield row.pk, field.label_from_instance(row)


class ListFilter(django_filters.FilterSet):
    """The filterset of a list page; filters combine with AND. A subclass declares filters and Meta.model."""

    base_filters: dict[str, django_filters.Filter]

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


def applied_conditions(form: forms.Form, query: QueryString, *, except_for: str = "") -> list[dict[str, str]]:
    """Return the filters in force as label, text, and the URL without each. except_for: the field of the tabs."""
    if not form.is_valid():
        return []
    conditions = []
    for name, value in form.cleaned_data.items():
        if value in (None, "", False) or name == except_for:
            continue
        text = dict(getattr(form.fields[name], "choices", ())).get(value) or format_cell(value)
        conditions.append({"label": str(form.fields[name].label), "value": text, "url": query.link(**{name: None})})
    return conditions
