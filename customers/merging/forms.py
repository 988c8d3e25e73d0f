"""Forms of bulk actions: 合并 and 批量修改."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import QueryDict

from basedata.models import DictionaryEntry
from customers.records.models import Customer
from kit.pages.forms import Block, CrmForm

from .bulk import CATEGORY_BY_FIELD
from .merge_values import choosable_names

TAKE_PREFIX = "take_"  # of the radio inputs that choose a value, with the customer's key

MERGE_HELP_TEXT = (
    "其余客户的联系人、订单等都归入保留的客户；它空着的资料用其余的补上，建立合作日期取较早的一个。"
    "下表逐项对照，每一项都可以另选；没有带过去的内容留在变更历史里。合并后 30 天内可以撤销。"
)


class MergeForm(CrmForm, forms.Form):
    survivor = forms.ModelChoiceField(
        Customer.objects.none(), label="保留哪一个", widget=forms.RadioSelect, empty_label=None
    )
    reason = forms.CharField(label="合并原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))
    compared = forms.CharField(widget=forms.HiddenInput, required=False)

    blocks = (Block("合并", MERGE_HELP_TEXT, ("survivor", "reason")),)

    def __init__(self, *args: Any, customers: list[Customer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ModelChoiceField, self.fields["survivor"])
        field.queryset = Customer.objects.filter(pk__in=[one.pk for one in customers]).order_by("created_at", "pk")
        field.label_from_instance = lambda customer: f"{customer.name}（{customer.number}）"  # type: ignore[method-assign, assignment]
        field.initial = min(customers, key=lambda one: (one.created_at, one.pk)).pk if customers else None
        self.initial["compared"] = field.initial
        keys = {str(one.pk) for one in customers}
        posted = {name: self.data.get(f"{TAKE_PREFIX}{name}", "") for name in choosable_names()}
        self.choices: dict[str, int] = {name: int(key) for name, key in posted.items() if key in keys}

    def clean(self) -> dict[str, Any]:
        """Require that the comparison of the chosen survivor was shown before merging."""
        data = super().clean() or self.cleaned_data
        survivor = data.get("survivor")
        if survivor and data.get("compared") != str(survivor.pk):
            self.data = {**cast(QueryDict, self.data).dict(), "compared": survivor.pk}
            self.choices = {}  # they were made beside another survivor
            self.add_error("survivor", f"下面改为保留「{survivor}」时的对照，请核对后再点「合并」。")
        return data


class ReclassifyForm(CrmForm, forms.Form):
    """Empty fields stay unchanged."""

    region = forms.ModelChoiceField(DictionaryEntry.objects.of("地区"), label="地区", required=False)
    industry = forms.ModelChoiceField(DictionaryEntry.objects.of("行业"), label="行业", required=False)
    level = forms.ModelChoiceField(DictionaryEntry.objects.of("客户等级"), label="客户等级", required=False)
    reason = forms.CharField(label="等级变更原因", max_length=200, required=False)

    blocks = (Block("改为", "没有选择的项目保持不变。", (("region", 2), ("industry", 2), ("level", 2), "reason")),)
    required_when = {"reason": "改变客户等级时"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in CATEGORY_BY_FIELD:
            self.fields[name].empty_label = "不改"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not any(data.get(name) for name in CATEGORY_BY_FIELD):
            raise forms.ValidationError("请至少选择一项要修改的内容。")
        if data.get("level") and not data.get("reason", "").strip():
            self.add_error("reason", "客户等级有变化，请填写原因。")
        return data

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if value not in (None, "")}
