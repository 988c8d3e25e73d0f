"""Optimistic locking of forms: the version and values a form was opened with, signed in a hidden field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing

INTERNAL_FIELDS = ("opened", "submission")


class VersionedForm(forms.BaseForm):
    """Mix into a form for one record. The form has `instance`, a record with a `version`, or an unsaved one."""

    instance: Any

    def sign_initial_values(self) -> None:
        """Add the hidden field `opened`. Call it again after adding or replacing fields."""
        if self.instance.pk:
            snapshot = {"version": self.instance.version, "values": self.stored_values()}
            self.fields["opened"] = forms.CharField(widget=forms.HiddenInput, required=False)
            self.initial["opened"] = signing.dumps(snapshot, salt="opened", compress=True)

    def own_field_names(self) -> list[str]:
        """Return the names of the fields without the internal ones."""
        return [name for name in self.fields if name not in INTERNAL_FIELDS]

    def stored_values(self) -> dict[str, str]:
        """Return the record's stored values by field name, as raw values of this form's inputs."""
        return {
            name: normalize_value(field.prepare_value(self.get_initial_for_field(field, name)))
            for name, field in self.fields.items()
            if name not in INTERNAL_FIELDS
        }

    def submitted_values(self) -> dict[str, str]:
        """Return the submitted raw values by field name, valid or not."""
        return {name: normalize_value(self[name].data) for name in self.own_field_names()}

    def memory(self) -> dict[str, Any] | None:
        """Return {"version": …, "values": …} as the form was opened with; None if missing or forged."""
        try:
            return signing.loads(self.data.get("opened", ""), salt="opened")
        except signing.BadSignature:
            return None

    def words(self, name: str, value: str) -> str:
        """Return a raw value as shown on screen: the label of a choice instead of its key."""
        field: Any = self.fields[name]
        if hasattr(field, "queryset"):
            row = field.queryset.filter(pk=value).first() if value.isdecimal() else None
            return str(row) if row else value
        if hasattr(field, "choices"):
            return next((str(label) for key, label in field.choices if str(key) == value), value)
        return {"True": "是", "False": "否", "on": "是"}.get(value, value)


def normalize_value(value: Any) -> str:
    """Return a raw value as text to compare: empty for None, newlines as \\n, stripped."""
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
