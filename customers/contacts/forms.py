from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse

from customers.records.duplicate_form import DuplicateCheckForm
from customers.records.duplicates import Match, SearchTerms, contact_matches
from customers.records.known_pages import watch_fields
from customers.records.locks import lock_current_customers
from kit.pages.forms import Block

from .models import WAYS, Contact

STRICT_NAMES = ("position", "office_phone")  # required with CRM_STRICT_CUSTOMER_FORM, as in the specification


class ContactForm(DuplicateCheckForm):
    """A contact of a customer; asks for confirmation when the customer has one of the same name or number."""

    blocks = (
        Block(
            "联系人",
            "手机、办公电话、微信号、邮箱至少填一项。",
            ("name", ("mobile", 2), ("office_phone", 2), ("wechat", 2), ("position", 3), ("role", 3)),
        ),
        Block(
            "更多",
            "主要联系人每个客户只有一位，新指定的会替换原来的。",
            (
                ("email", 2), ("preferred_channel", 2), ("gender", 2), ("is_primary", 3), ("do_not_contact", 3), "note",
            ),
            folded=True,
        ),
    )  # fmt: skip

    answers_beyond = False

    class Meta:
        model = Contact
        fields = [
            "name", "mobile", "office_phone", "wechat", "position", "role", "email", "preferred_channel", "gender",
            "is_primary", "do_not_contact", "note",
        ]  # fmt: skip
        widgets = {
            "note": forms.Textarea(attrs={"rows": 2}),
            **{name: forms.TextInput(attrs={"inputmode": "tel"}) for name in Contact.number_indexed},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in STRICT_NAMES if settings.CRM_STRICT_CUSTOMER_FORM else ():
            self.fields[name].required = True
        url = reverse("customers:known_contacts", args=[self.instance.customer_id])
        watch_fields(self, url, ("name", "mobile", "office_phone", "wechat"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not any(data.get(name) or name in self.errors for name in WAYS):
            self.add_error("mobile", "请填写手机、办公电话、微信号或邮箱，至少一项。")
        if matches := self.look():
            names = "；".join(f"{match.name}（{match.why}）" for match in matches)
            self.ask("name", f"这个客户已有联系人：{names}。请核对；确实是另一位时，再次保存即可。")
        return data

    def sought(self) -> SearchTerms:
        phones = (self.fresh("office_phone"), self.fresh("mobile"))
        return SearchTerms(self.fresh("name"), tuple(filter(None, phones)), wechat=self.fresh("wechat"))

    def find(self) -> list[Match]:
        return contact_matches(self.instance.customer, self.sought(), exclude=self.instance.pk)

    def hold(self) -> None:
        """Lock the customer of a new contact; an existing contact is locked already, and locks go customer first."""
        if self.instance.pk is None:
            lock_current_customers(self.instance.customer, by=self.user)
