"""Filter parts shared by lists: the text gate and whole Shanghai days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from kit.domain.days import midnight

from .forms import apply_field_defaults
from .html import format_html_fast, join_html
from .unknown_parameters import refuse_unread

OPTION, SELECTED_OPTION = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'


class FilterForm(forms.Form):
    """The fields of a FilterSet's filters, which are new for each request and need no copying."""

    def __init__(self, *args: Any, fields: dict[str, forms.Field], **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for name, field in fields.items():
            hidden = field.widget if field.widget.is_hidden else None  # what only links to the list set stays so
            self.fields[name] = apply_field_defaults(field)
            field.widget = hidden or field.widget
            field.options = partial(options, self, name)  # type: ignore[attr-defined]

    def clean(self) -> None:
        refuse_unread(self)


def options(form: forms.Form, name: str) -> str:
    """The <option>s of a choice field: a widget renders a template of its own for each of them."""
    bound_field = form[name]
    value = bound_field.value()
    selected_key = "" if value is None else str(value)
    return join_html(
        format_html_fast(SELECTED_OPTION if str(key) == selected_key else OPTION, key, label)
        for key, label in iterate_choices(bound_field.field)
    )


def iterate_choices(field: Any) -> Iterator[tuple[Any, Any]]:
    """A field's choices without asking for their number first, as a loop over the field itself would.

    Rows are read in one go: Django's own iterator opens a cursor on the server for them, three statements for one.
    A model that says its label in SQL is not even made: of the people of a company that took as long as the list.
    """
    if not isinstance(field, forms.ModelChoiceField):
        yield from field.choices
        return
    if field.empty_label is not None:
        yield "", field.empty_label
    label = getattr(field.queryset.model, "sql_label", None)
    if label is not None:
        yield from field.queryset.values_list("pk", label())
        return
    for row in field.queryset.all():
        yield row.pk, field.label_from_instance(row)


class ListFilter(django_filters.FilterSet):
    """Conditions combine with AND; texts are found anywhere in the field."""

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        """What only a link sets is no filter while none sets it: all that are left are copied for each request."""
        parameters = data or {}
        self.base_filters = {
            name: filter_
            for name, filter_ in self.base_filters.items()
            if name in parameters or filter_.extra.get("widget") is not forms.HiddenInput
        }
        super().__init__(data, *args, **kwargs)

    def get_form_class(self) -> Any:
        return partial(FilterForm, fields={name: filter_.field for name, filter_ in self.filters.items()})


class Contains(django_filters.CharFilter):
    """The text anywhere in the field, folded; longer than any name is refused, not searched."""

    lookup = "contains_text"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lookup_expr=self.lookup, max_length=100, **kwargs)


class ContainsNumber(Contains):
    """A telephone number or a part of it, however it is written."""

    lookup = "contains_number"


class DateFrom(django_filters.DateFilter):
    """From the first moment of that day, in Shanghai."""

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        return qs.filter(**{f"{self.field_name}__gte": midnight(value)}) if value else qs


class DateTo(django_filters.DateFilter):
    """Through the last moment of that day, in Shanghai."""

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        return qs.filter(**{f"{self.field_name}__lt": midnight(value + timedelta(days=1))}) if value else qs
