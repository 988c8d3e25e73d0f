"""What a form showed when it was opened: kept in the page, signed, so that a later save is compared with it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing

INTERNAL_FIELDS = ("opened", "submission")


class VersionedForm(forms.BaseForm):
    """Mix into a form about one record. instance: that record, with its version."""

    instance: Any

    def sign_initial_values(self) -> None:
        """To be called again by forms that exchange fields after the start."""
        if self.instance.pk:
            memory = {"version": self.instance.version, "values": self.shown_values()}
            self.fields["opened"] = forms.CharField(widget=forms.HiddenInput, required=False)
            self.initial["opened"] = signing.dumps(memory, salt="opened", compress=True)

    def own_names(self) -> list[str]:
        return [name for name in self.fields if name not in INTERNAL_FIELDS]

    def shown_values(self) -> dict[str, str]:
        """What the record itself holds, as this form's inputs would show it."""
        return {
            name: normalize_value(field.prepare_value(self.get_initial_for_field(field, name)))
            for name, field in self.fields.items()
            if name not in INTERNAL_FIELDS
        }

    def sent_values(self) -> dict[str, str]:
        return {name: normalize_value(self[name].data) for name in self.own_names()}

    def memory(self) -> dict[str, Any] | None:
        """The version and values the sender had opened; None when missing or forged."""
        try:
            return signing.loads(self.data.get("opened", ""), salt="opened")
        except signing.BadSignature:
            return None

    def words(self, name: str, value: str) -> str:
        """A raw value as the screen says it: a choice's label instead of its key."""
        field: Any = self.fields[name]
        if hasattr(field, "queryset"):
            row = field.queryset.filter(pk=value).first() if value.isdecimal() else None
            return str(row) if row else value
        if hasattr(field, "choices"):
            return next((str(label) for key, label in field.choices if str(key) == value), value)
        return {"True": "是", "False": "否", "on": "是"}.get(value, value)


def normalize_value(value: Any) -> str:
    """Raw form values compared as text: no None, one kind of line end."""
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
