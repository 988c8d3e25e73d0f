"""Forms for assigning work to an account manager: 指派, 分配, 改派."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from kit.pages.forms import CrmForm

from .models import User


class CandidateField(forms.ModelChoiceField):
    """The candidates of the acting supervisor, drawn as a table with fit and load."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            User.objects.none(),
            label="客户经理",
            widget=forms.RadioSelect,
            empty_label=None,
            error_messages={"required": "请选择一位客户经理。", "invalid_choice": "请选择您范围内在职的客户经理。"},
            **kwargs,
        )


class AssignForm(CrmForm, forms.Form):
    to = CandidateField()

    def __init__(self, *args: Any, candidates: QuerySet[User], best: User | None = None, **kwargs: Any) -> None:
        """best: who is chosen at first."""
        super().__init__(*args, **kwargs)
        self.initial["to"] = best.pk if best else None
        self.fields["to"].queryset = candidates  # type: ignore[attr-defined]


class ReassignForm(AssignForm):
    reason = forms.CharField(label="改派原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))
