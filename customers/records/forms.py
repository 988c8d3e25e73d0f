"""Forms of customers; imports use the same fields and cleaners."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from basedata.models import DictionaryEntry
from kit.domain.folding import fold_code, fold_width
from kit.pages.forms import Block, apply_field_defaults

from .duplicate_form import DuplicateCheckForm
from .duplicates import Match, SearchTerms, customer_and_lead_matches
from .field_labels import entry_categories, field_label
from .fields import BASIC, BLOCKS, BUSINESS, CONTACT, ENTRY_NAMES, FOLDED, FORM_FIELDS, FORMER, UNITS, Kind, names
from .known_pages import watch_fields
from .locks import lock_current_customers, lock_customer_names
from .models import Customer, required_fields
from .picker import add_customer_field

CODE_LENGTH = 18
HELP = {
    BASIC: "带 * 为必填。客户编号由系统生成，客户经理只能通过移交更换。",
    CONTACT: "用于送货与开票；联系人在客户页上维护。",
    BUSINESS: "统一社会信用代码会核对校验位。",
    FORMER: "三证合一以前的登记号",
}
BESIDE = {"level": (("level_reason", 6),)}  # fields of the form alone, behind which one
SCORES = names(row for row in FORM_FIELDS if row.kind is Kind.SCORE)


def form_block(title: str) -> Block:
    rows = [row for row in FORM_FIELDS if row.block == title]
    fields = tuple(entry for row in rows for entry in ((row.name, row.width), *BESIDE.get(row.name, ())))
    return Block(title, HELP[title], fields, title in FOLDED)


def fold_license_number(text: str) -> str:
    """Fold a 统一社会信用代码 to its 18 characters; older numbers stay as typed."""
    folded = fold_code(text)
    return folded if len(folded) == CODE_LENGTH else text


class CustomerForm(DuplicateCheckForm):
    """Editing a customer: 客户经理 is changed by 移交 only, a changed level needs a reason.

    owners: creating one, and to whom it may be given. 客户经理 own what they create, a supervisor chooses.
    """

    blocks = (Block("", "", ("duplicate_reason",)), *map(form_block, BLOCKS))  # right below the box of matches
    units = UNITS
    required_when = {"level_reason": "改变客户等级时"}
    level_reason = forms.CharField(label="等级变更原因", max_length=200, required=False)

    duplicate_reason = forms.CharField(label="仍要新建的理由", max_length=200, required=False, widget=forms.HiddenInput)

    class Meta:
        model = Customer
        fields = [row.name for row in FORM_FIELDS if row.name != "manager"]
        widgets = dict.fromkeys(SCORES, forms.RadioSelect)

    only_owner: User | None = None

    def __init__(self, *args: Any, user: User, owners: QuerySet[User] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        if owners is not None:
            self.offer(owners)
        for name, category in entry_categories(ENTRY_NAMES).items():
            self.fields[name].queryset = DictionaryEntry.objects.of(category)  # type: ignore[attr-defined]
        add_customer_field(self, "parent", label=field_label("parent"), user=user)
        for name in SCORES:
            self.fields[name].choices = [(score, f"{score}") for score in range(1, 6)]  # type: ignore[attr-defined]
        for name in self.required_names():
            self.fields[name].required = True
        watch_fields(self, reverse("customers:known"), ("name", "phone", "license_number", "external_number"))

    def offer(self, owners: QuerySet[User]) -> None:
        """Ask for the owner of a new customer, except a user who can only be it themselves."""
        del self.fields["level_reason"]
        first = list(owners[:2])
        if [owner.pk for owner in first] == [self.user.pk]:
            self.only_owner = first[0]
        else:
            self.fields["manager"] = apply_field_defaults(forms.ModelChoiceField(owners, label="客户经理"))

    def required_names(self) -> tuple[str, ...]:
        return ("name", *required_fields())

    def clean_external_number(self) -> str:
        return fold_width(self.cleaned_data["external_number"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        former = self.initial.get("level")
        if former and data.get("level") and data["level"].pk != former and not data.get("level_reason", "").strip():
            self.add_error("level_reason", "客户等级有变化，请填写原因。")
        self.check_duplicates()
        return data

    def clean_license_number(self) -> str:
        return fold_license_number(self.cleaned_data["license_number"])

    def check_duplicates(self) -> None:
        """Ask for a reason when a new or changed name or number is like that of another customer."""
        if not any(self.sought()):
            return
        if not self.reason or self.shown_keys:
            self.look()
        if self.reason or self.matches:
            self.fields["duplicate_reason"].widget = forms.TextInput(attrs={"class": "inp"})
        if self.matches:
            self.fields["duplicate_reason"].required = True
            self.ask("duplicate_reason", "已有相同或相近的客户或机会，请先核对；确实不是同一家时写明理由再保存。")

    @property
    def reason(self) -> str:
        return self.cleaned_data.get("duplicate_reason", "").strip()

    def sought(self) -> SearchTerms:
        phones = tuple(filter(None, [self.fresh("phone")]))
        return SearchTerms(self.fresh("name"), phones, self.fresh("license_number"), self.fresh("external_number"))

    def find(self) -> list[Match]:
        exclude = [self.instance.pk] if self.instance.pk else []
        return customer_and_lead_matches(self.sought(), self.user, exclude=exclude)

    @property
    def confirmed_keys(self) -> set[str]:
        """Return the matches shown before, once a reason confirms them; later matches need another confirmation."""
        return self.shown_keys if self.reason else set()

    def unconfirmed(self) -> list[Match]:
        return [] if self.reason and not self.shown_keys else super().unconfirmed()

    def hold(self) -> None:
        lock_current_customers(self.cleaned_data.get("parent"), by=self.user, kept=self.initial.get("parent"))
        lock_customer_names()

    def values(self) -> dict[str, Any]:
        values = super().values()
        reasons = [values.pop(name, "").strip() for name in ("level_reason", "duplicate_reason")]
        reason = "；".join(filter(None, reasons))
        values |= {"reason": reason} if reason else {}
        return {**values, "manager": self.only_owner} if self.only_owner else values
