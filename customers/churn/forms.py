"""Forms of the three actions on a churn case."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from basedata.models import DictionaryEntry
from kit.pages.forms import Block, CrmForm

from .models import LONGEST_REVIEW_DAYS, REVIEW_DAYS


class DeferForm(CrmForm, forms.Form):
    """One more measure and the date of the next review."""

    measure_kind = forms.ModelChoiceField(DictionaryEntry.objects.of("暂缓措施"), label="措施类别")
    text = forms.CharField(
        label="追加暂缓措施",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "做什么、找谁、预期什么时候看到变化"}),
    )
    review_on = forms.DateField(
        label="下次复核日期", help_text=f"默认 {REVIEW_DAYS} 天后，最晚 {LONGEST_REVIEW_DAYS} 天后"
    )

    blocks = (Block("", "保存后追加到措施清单，已有内容不会被覆盖。", ("text", ("measure_kind", 3), ("review_on", 3))),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        field = self.fields["review_on"]
        field.initial = today + timedelta(days=REVIEW_DAYS)
        latest = today + timedelta(days=LONGEST_REVIEW_DAYS)
        field.widget.attrs.update(min=today.isoformat(), max=latest.isoformat())

    def clean_review_on(self) -> date:
        day: date = self.cleaned_data["review_on"]
        ahead = (day - timezone.localdate()).days
        if ahead < 0:
            raise forms.ValidationError("下次复核日期不能早于今天。")
        if ahead > LONGEST_REVIEW_DAYS:
            raise forms.ValidationError(f"下次复核日期最晚是 {LONGEST_REVIEW_DAYS} 天后，请选早一些的日期。")
        return day

    def values(self) -> dict[str, Any]:
        values = super().values()
        return {"kind": values.pop("measure_kind"), **values}


class ConfirmLossForm(CrmForm, forms.Form):
    reason = forms.CharField(label="流失原因", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    lost_kind = forms.ModelChoiceField(DictionaryEntry.objects.of("流失原因"), label="原因类别")
    competitor = forms.ModelChoiceField(DictionaryEntry.objects.of("竞争对手"), label="竞争对手", required=False)

    blocks = (Block("", "", ("reason", ("lost_kind", 3), ("competitor", 3))),)

    def values(self) -> dict[str, Any]:
        values = super().values()
        return {"kind": values.pop("lost_kind"), **values}


class WinBackForm(CrmForm, forms.Form):
    note = forms.CharField(
        label="挽回说明",
        max_length=500,
        help_text="怎样挽回的，客户有什么承诺",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
