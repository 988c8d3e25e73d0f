"""Filters of reports: forms bound to the query string, with choices inside the viewer's scope."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django import forms
from django.http import QueryDict

from accounts.models import User
from kit.pages.filters import render_options
from kit.pages.forms import apply_field_defaults
from kit.pages.unknown_parameters import refuse_ignored_values

ALL = "all"


class ReportForm(forms.Form):
    """A form whose fields are all optional. defaults: values of fields absent from the URL; override prepare() to fill
    choices (self.user is the viewer)."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self, data: QueryDict, *, user: User) -> None:
        self.user = user
        super().__init__(self.default_values() | {name: data[name] for name in data}, label_suffix="")
        self.prepare()
        for name, field in self.fields.items():
            field.required = False
            apply_field_defaults(field).options = partial(render_options, self, name)  # type: ignore[attr-defined]

    def clean(self) -> None:
        refuse_ignored_values(self)

    def default_values(self) -> dict[str, str]:
        """Return the values of fields that are absent from the URL."""
        return self.defaults

    def prepare(self) -> None:
        """Fill choices."""

    def describe_value(self, name: str) -> str:
        """Return a chosen value as the page shows it."""
        value = self.cleaned_data[name]
        choices = {str(key): str(label) for key, label in getattr(self.fields[name], "choices", ())}
        return choices.get(str(getattr(value, "pk", value)), str(value))
