"""Lists of ticks in forms that remember what was opened: compared, shown and kept as one text of ids."""

from __future__ import annotations

from typing import Any

from django import forms

from kit.pages.forms import RecordForm


class Ticks(forms.CheckboxSelectMultiple):
    """Reads ids sent one by one, and ids joined by commas as the page of an edit conflict keeps them."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        sent = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
        return [key for text in sent for key in str(text).split(",") if key]


class TicksForm(RecordForm):
    """A record form with many-to-many fields."""

    def is_list(self, name: str) -> bool:
        return isinstance(self.fields[name], forms.ModelMultipleChoiceField)

    def shown_values(self) -> dict[str, str]:
        shown = super().shown_values()
        for name, field in self.fields.items():
            if self.is_list(name):
                chosen = self.get_initial_for_field(field, name) or []
                shown[name] = joined(getattr(row, "pk", row) for row in chosen)
        return shown

    def sent_values(self) -> dict[str, str]:
        sent = super().sent_values()
        return {name: joined(self[name].data) if self.is_list(name) else text for name, text in sent.items()}

    def words(self, name: str, value: str) -> str:
        if not self.is_list(name):
            return super().words(name, value)
        field: Any = self.fields[name]
        rows = field.queryset.filter(pk__in=[key for key in value.split(",") if key.isdecimal() and len(key) < 19])
        return "、".join(field.label_from_instance(row) for row in rows)


def joined(keys: Any) -> str:
    return ",".join(sorted(map(str, keys), key=lambda key: (len(key), key)))
