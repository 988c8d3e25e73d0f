"""Forms of plan items and their results."""

from __future__ import annotations

from django import forms

from kit.pages.forms import Block, RecordForm, TransitionForm

from .models import PlanItem


class PlanItemForm(RecordForm):
    blocks = (Block("", "", (("on", 2), ("text", 6))),)

    class Meta:
        model = PlanItem
        fields = ["on", "text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 2})}


class ResultForm(TransitionForm):
    result = forms.CharField(
        label="执行效果",
        max_length=500,
        widget=forms.Textarea(
            attrs={"rows": 2, "placeholder": "写清结果与下一步，例如：客户同意试装 3 台，12 月 2 日到场"}
        ),
    )
