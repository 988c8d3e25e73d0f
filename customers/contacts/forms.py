from __future__ import annotations

from typing import Any

from django import forms

from customers.records.duplicate_form import DuplicateCheckForm
from customers.records.duplicates import Match, SearchTerms, contact_matches
from customers.records.locks import lock_current_customers
from kit.pages.forms import Block

from .models import Contact


class ContactForm(DuplicateCheckForm):
    """A contact of a customer; asks for confirmation when the customer has one of the same name or mobile."""

    blocks = (
        Block(
            "联系人",
            "主要联系人每个客户只有一位，新指定的会替换原来的。",
            (
                ("name", 2), ("gender", 2), ("position", 2), ("office_phone", 2), ("mobile", 2), ("email", 2),
                ("preferred_channel", 2), ("is_primary", 2), ("do_not_contact", 2), "note",
            ),
        ),
    )  # fmt: skip

    answers_beyond = False

    class Meta:
        model = Contact
        fields = [
            "name", "gender", "position", "office_phone", "mobile", "email", "preferred_channel", "is_primary",
            "do_not_contact", "note",
        ]  # fmt: skip
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if matches := self.look():
            names = "；".join(f"{match.name}（{match.why}）" for match in matches)
            self.ask("name", f"这个客户已有联系人：{names}。请核对；确实是另一位时，再次保存即可。")
        return data

    def sought(self) -> SearchTerms:
        phones = (self.fresh("office_phone"), self.fresh("mobile"))
        return SearchTerms(self.fresh("name"), tuple(filter(None, phones)))

    def find(self) -> list[Match]:
        terms = self.sought()
        return contact_matches(self.instance.customer, terms.name, terms.phones, exclude=self.instance.pk)

    def hold(self) -> None:
        """Lock the customer of a new contact; an existing contact is locked already, and locks go customer first."""
        if self.instance.pk is None:
            lock_current_customers(self.instance.customer, by=self.user)
