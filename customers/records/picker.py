"""Form field to choose a customer."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from kit.domain.folding import fold_code
from kit.pages.forms import CrmForm
from kit.pages.text_gate import GatedText

from .models import Customer


class CustomerField(GatedText, forms.CharField):
    """A customer inside the user's view, typed as 客户编号 or full name, with completion."""

    def __init__(self, *, user: User, **kwargs: Any) -> None:
        self.user = user
        attrs = {"class": "inp", "list": "customers", "autocomplete": "off"}
        super().__init__(max_length=100, widget=forms.TextInput(attrs=attrs), **kwargs)
        self.help_text = "填写客户编号或完整名称"

    def prepare_value(self, value: Any) -> Any:
        return value.number if isinstance(value, Customer) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (self.prepare_value(initial) or "") != (data or "").strip()

    def clean(self, value: Any) -> Customer | None:
        text = super().clean(value).strip()
        if not text:
            return None
        visible = Customer.objects.visible_to(self.user)
        matches = list(visible.filter(number=fold_code(text))[:1]) or list(visible.named_like(text)[:2])
        if len(matches) == 1:
            return matches[0]
        raise forms.ValidationError(
            "有多个同名客户，请填写客户编号。" if matches else "没有找到这个客户，请填写客户编号或完整名称，或留空。"
        )


def add_customer_field(form: CrmForm, name: str, *, label: str, user: User) -> None:
    """Add a CustomerField to a record's form, or leave it out when the current customer is outside the view."""
    current = getattr(form.instance, name)
    if current is not None and not Customer.objects.visible_to(user).filter(pk=current.pk).exists():
        del form.fields[name]
        return
    form.fields[name] = CustomerField(user=user, label=label, required=False)
    form.initial[name] = current
    form.sign_initial_values()


def customer_suggestions(user: User, limit: int = 200) -> list[str]:
    """Return names for the completion list of a CustomerField; other visible customers may be typed as well."""
    visible = Customer.objects.visible_to(user).order_by("name_pinyin")
    return list(visible.values_list("name", flat=True)[:limit])
