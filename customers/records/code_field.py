"""Codes stored in one form, whatever their case, width or spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db import models

from kit.domain.folding import fold_code


class CodeFormField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        return fold_code(super().to_python(value) or "")


class CodeField(models.CharField):
    """Text stored as fold_code() returns it; a CharField to the database and its migrations."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text if text is None else fold_code(text)

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return fold_code(prepared) if isinstance(prepared, str) else prepared

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Set the stored form on the record itself too."""
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super().formfield(**{"form_class": CodeFormField, **kwargs})
