"""Filters of reports: plain forms read from the address, limited to what the viewer may see."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django import forms

from kit.pages.filters import render_options
from kit.pages.forms import apply_field_defaults
from kit.pages.unknown_parameters import refuse_ignored_values

ALL = "all"


class ReportForm(forms.Form):
    """All fields are optional. defaults: what a field that is absent from the address means; override prepare() to
    fill choices (self.user is the viewer)."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self, data: Any, *, user: Any) -> None:
        self.user = user
        super().__init__(self.standing() | {name: data[name] for name in data}, label_suffix="")
        self.prepare()
        for name, field in self.fields.items():
            field.required = False
            apply_field_defaults(field).options = partial(render_options, self, name)  # type: ignore[attr-defined]

    def clean(self) -> None:
        refuse_ignored_values(self)

    def standing(self) -> dict[str, str]:
        """Field values that stand when the address says nothing."""
        return self.defaults

    def prepare(self) -> None:
        """Fills choices."""

    def named(self, name: str) -> str:
        """A chosen value in the words of the screen."""
        value = self.cleaned_data[name]
        choices = {str(key): str(label) for key, label in getattr(self.fields[name], "choices", ())}
        return choices.get(str(getattr(value, "pk", value)), str(value))
