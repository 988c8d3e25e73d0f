"""Lists of checkboxes in versioned forms: compared, shown and signed as one text of ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from kit.pages.forms import CrmForm


class CheckboxList(forms.CheckboxSelectMultiple):
    """Read ids sent one by one, and ids joined by commas as the page of an edit conflict sends them."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        values = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
        return [key for text in values for key in str(text).split(",") if key]


class CheckboxListForm(CrmForm, forms.ModelForm):
    """A record's form with many-to-many fields."""

    versioned = True

    def is_list(self, name: str) -> bool:
        return isinstance(self.fields[name], forms.ModelMultipleChoiceField)

    def stored_values(self) -> dict[str, str]:
        texts = super().stored_values()
        for name, field in self.fields.items():
            if self.is_list(name):
                rows = self.get_initial_for_field(field, name) or []
                texts[name] = join_keys(getattr(row, "pk", row) for row in rows)
        return texts

    def submitted_values(self) -> dict[str, str]:
        values = super().submitted_values()
        return {name: join_keys(self[name].data) if self.is_list(name) else text for name, text in values.items()}

    def words(self, name: str, value: str) -> str:
        if not self.is_list(name):
            return super().words(name, value)
        field: Any = self.fields[name]
        rows = field.queryset.filter(pk__in=[key for key in value.split(",") if key.isdecimal() and len(key) < 19])
        return "、".join(field.label_from_instance(row) for row in rows)


def join_keys(keys: Iterable[Any]) -> str:
    return ",".join(sorted(map(str, keys), key=lambda key: (len(key), key)))
