"""The form of 暂不提醒."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from kit.pages.forms import CrmForm

from .models import LONGEST_PAUSE_DAYS

SPANS = (("14", "两周"), ("30", "30 天"), ("90", "90 天"), (str(LONGEST_PAUSE_DAYS), "半年"))


class PauseForm(CrmForm, forms.Form):
    """How long: one of the spans, or a day, which then counts."""

    span = forms.ChoiceField(label="暂停多久", choices=SPANS, initial="30", required=False, widget=forms.RadioSelect)
    until = forms.DateField(
        label="或指定日期", required=False, help_text=f"填写后以日期为准，最晚 {LONGEST_PAUSE_DAYS} 天后"
    )
    reason = forms.CharField(
        label="原因",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "例如：工厂搬迁，九月前不采购"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        latest = today + timedelta(days=LONGEST_PAUSE_DAYS)
        self.fields["until"].widget.attrs.update(min=today.isoformat(), max=latest.isoformat())

    def clean_until(self) -> date | None:
        day: date | None = self.cleaned_data["until"]
        ahead = (day - timezone.localdate()).days if day else 0
        if ahead < 0:
            raise forms.ValidationError("暂停至的日期不能早于今天。")
        if ahead > LONGEST_PAUSE_DAYS:
            raise forms.ValidationError(f"暂停最长 {LONGEST_PAUSE_DAYS} 天，请选早一些的日期。")
        return day

    def clean(self) -> None:
        super().clean()
        if not self.errors and not self.cleaned_data["until"] and not self.cleaned_data["span"]:
            self.add_error("span", "请选择暂停多久，或填写日期。")

    def values(self) -> dict[str, Any]:
        values = super().values()
        span, until = values.pop("span"), values.pop("until")
        return {"until": until or timezone.localdate() + timedelta(days=int(span)), **values}
