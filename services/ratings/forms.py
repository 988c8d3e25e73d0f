"""The customer's rating."""

from __future__ import annotations

from django import forms

from kit.pages.forms import CrmForm
from services.requests.forms import SCORES


class RatingForm(CrmForm, forms.Form):
    """The customer's rating, filled in on their phone."""

    satisfaction = forms.TypedChoiceField(
        label="您对这次服务满意吗？",
        choices=SCORES,
        help_text="1 星：很不满意；5 星：非常满意",
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "请选择星数。"},
    )
    comment = forms.CharField(
        label="想对我们说的话（可不填）", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
