"""Forms of 客户管理; imports use the same fields and cleaners."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from basedata.models import DictionaryEntry
from crm.ui.forms import Block, RecordForm
from crm.ui.gate import refuse_control_characters

from .models import Contact, Customer, required_fields


class CustomerField(forms.CharField):
    """A customer of the user's view, typed as 客户编号 or full name; completion offers what matches."""

    default_validators = [refuse_control_characters]

    def __init__(self, *, user: User, **kwargs: Any) -> None:
        self.user = user
        attrs = {"class": "inp", "list": "customers", "autocomplete": "off"}
        super().__init__(max_length=100, widget=forms.TextInput(attrs=attrs), **kwargs)
        self.help_text = "填写客户编号或完整名称"

    def prepare_value(self, value: Any) -> Any:
        return value.number if isinstance(value, Customer) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (self.prepare_value(initial) or "") != (data or "").strip()

    def clean(self, value: Any) -> Any:
        text = super().clean(value).strip()
        if not text:
            return None
        visible = Customer.objects.visible_to(self.user)
        found = list(visible.filter(number=text)[:1]) or list(visible.named_like(text)[:2])
        if len(found) == 1:
            return found[0]
        raise forms.ValidationError(
            "有多个同名客户，请填写客户编号。" if found else "没有找到这个客户，请填写客户编号或完整名称，或留空。"
        )


def add_customer_field(form: RecordForm, name: str, *, label: str, user: User) -> None:
    """Puts a CustomerField into a record's form, or leaves it out when the present customer is outside the view."""
    current = getattr(form.instance, name)
    if current is not None and not Customer.objects.visible_to(user).filter(pk=current.pk).exists():
        del form.fields[name]
        return
    form.fields[name] = CustomerField(user=user, label=label, required=False)
    form.initial[name] = current
    form.remember_opened()


def offered_customers(user: User, limit: int = 200) -> list[str]:
    """Names for the completion list of a CustomerField; anything in view may be typed."""
    visible = Customer.objects.visible_to(user).order_by("name_pinyin")
    return list(visible.values_list("name", flat=True)[:limit])


class CustomerForm(RecordForm):
    """A customer as edited on screen. The 客户经理 is changed by 移交 only; a changed level asks for its reason."""

    blocks = (
        Block(
            "基本信息",
            "带 * 为必填。客户编号由系统生成，客户经理只能通过移交更换。",
            (
                ("name", 4), ("external_number", 2), ("region", 2), ("industry", 2), ("level", 2),
                ("level_reason", 6), ("satisfaction", 3), ("credit", 3), ("parent", 4), ("cooperation_since", 2),
            ),
        ),
        Block(
            "联系方式",
            "用于送货与开票；联系人在客户页上维护。",
            ("address", ("postcode", 2), ("phone", 2), ("fax", 2), ("website", 3)),
        ),
        Block(
            "工商与财务",
            "统一社会信用代码会核对校验位。",
            (
                ("license_number", 3), ("legal_representative", 3), ("registered_capital", 3), ("annual_turnover", 3),
                ("bank", 3), ("bank_account", 3),
            ),
        ),
        Block("历史登记信息", "三证合一以前的登记号", (("local_tax_number", 3), ("national_tax_number", 3)), True),
    )  # fmt: skip
    units = {"registered_capital": "万元", "annual_turnover": "万元"}
    level_reason = forms.CharField(
        label="等级变更原因", max_length=200, required=False, help_text="只在改变客户等级时填写"
    )

    class Meta:
        model = Customer
        fields = [
            "name", "external_number", "region", "industry", "level", "satisfaction", "credit", "parent",
            "cooperation_since", "address", "postcode", "phone", "fax", "website", "license_number",
            "legal_representative", "registered_capital", "annual_turnover", "bank", "bank_account",
            "local_tax_number", "national_tax_number",
        ]  # fmt: skip
        widgets = {"satisfaction": forms.RadioSelect, "credit": forms.RadioSelect}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        for name, category in (("region", "地区"), ("industry", "行业"), ("level", "客户等级")):
            self.fields[name].queryset = DictionaryEntry.objects.of(category)  # type: ignore[attr-defined]
        add_customer_field(self, "parent", label="上级单位", user=user)
        for name in ("satisfaction", "credit"):
            self.fields[name].choices = [(score, f"{score}") for score in range(1, 6)]  # type: ignore[attr-defined]
        for name in self.demanded():
            self.fields[name].required = True

    def demanded(self) -> tuple[str, ...]:
        return ("name", *required_fields())

    def clean_external_number(self) -> str:
        return self.cleaned_data["external_number"].strip()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        former = self.initial.get("level")
        if former and data.get("level") and data["level"].pk != former and not data.get("level_reason", "").strip():
            self.add_error("level_reason", "客户等级有变化，请填写原因。")
        return data

    def values(self) -> dict[str, Any]:
        values = super().values()
        reason = values.pop("level_reason", "")
        return {**values, "reason": reason} if reason else values


class ContactForm(RecordForm):
    blocks = (
        Block(
            "联系人",
            "主要联系人每个客户只有一位，新指定的会替换原来的。",
            (
                ("name", 2), ("gender", 2), ("position", 2), ("office_phone", 2), ("mobile", 2), ("email", 2),
                ("preferred_channel", 2), ("is_primary", 4), "note",
            ),
        ),
    )  # fmt: skip

    class Meta:
        model = Contact
        fields = [
            "name", "gender", "position", "office_phone", "mobile", "email", "preferred_channel", "is_primary", "note",
        ]  # fmt: skip
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}
