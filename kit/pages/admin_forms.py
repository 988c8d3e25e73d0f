"""Forms of Django admin with the text gate and optimistic locking, as the product's own forms have them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from kit.audit.log import display_value
from kit.audit.record_admin import RecordAdmin

from .forms import apply_field_defaults


class VersionedAdminForm(forms.ModelForm):
    """A model form that refuses to save over a version other than the opened one.

    Validate it in a transaction: the row is locked to compare its version. The model has a field `version`.
    """

    opened = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["opened"] = getattr(self.instance, "version", None)

    def clean(self) -> dict[str, Any] | None:
        if self.instance.pk:
            self.refuse_older_version()
        return super().clean()

    def refuse_older_version(self) -> None:
        """Lock the row; raise ValidationError unless its version is the opened one, with the stored values by field."""
        rows: Any = self._meta.model._default_manager.filter(pk=self.instance.pk)
        stored_version = rows.select_for_update().values_list("version", flat=True).first()
        opened_version = self.cleaned_data.get("opened", "")
        if not opened_version:
            raise forms.ValidationError("页面已过期，您的修改没有保存。请重新打开再改。")
        if opened_version != str(stored_version):
            for name in set(self.changed_data) - {"opened"}:
                self.add_error(name, f"现在保存的是：{self.format_stored_value(name) or '—'}")
            raise forms.ValidationError("这条记录在您打开之后已被别人改过，您的修改没有保存。请重新打开再改。")

    def format_stored_value(self, name: str) -> str:
        field = self.fields[name]
        if isinstance(field, forms.ModelMultipleChoiceField):
            return "、".join(field.label_from_instance(row) for row in self.initial[name])
        return display_value(self.instance, name)  # construct_instance() changes the instance after clean()


class VersionedAdmin(RecordAdmin):
    """A page of Django admin for a model with a `version`. A subclass may declare a form that extends this one."""

    form = VersionedAdminForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add the hidden `opened` to the first fieldset where the user may change the record."""
        first, *others = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return [first, *others]
        title, options = first
        return [(title, {**options, "fields": [*options["fields"], "opened"]}), *others]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return apply_field_defaults(field) if field else None
