"""Forms of 营销管理."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.urls import reverse

from accounts.models import User
from basedata.models import DictionaryEntry
from customers.models import Customer, lock_current_customers, lock_customer_names
from customers.names import normalize
from customers.records.duplicate_form import DuplicateCheckForm
from customers.records.duplicates import Match, SearchTerms, customer_matches, find_unconfirmed
from customers.records.known_pages import watch_fields
from customers.records.lookup_limits import CheckPaused
from customers.records.picker import add_customer_field
from kit.domain.masking import refuse_masked
from kit.domain.shortened_numbers import refuse_shortened
from kit.pages.forms import Block, CrmForm, TransitionForm

from .duplicates import organisation_matches
from .forecast_changes import FORECAST_FIELDS
from .models import Opportunity


class OpportunityForm(DuplicateCheckForm):
    """Create or edit an opportunity, warning once of customers and open opportunities like it."""

    blocks = (
        Block(
            "客户与机会",
            "客户名称是自由文本：它还不是客户，开发成功后才进入客户管理。",
            (("customer_name", 3), ("success_rate", 3), "summary", "description"),
        ),
        Block("联系方式", "开发成功时，联系人会成为新客户的联系人。", (("contact_name", 3), ("contact_phone", 3))),
        Block(
            "来源与指派参考",
            "地区和行业帮助主管选择合适的客户经理。",
            (("source", 2), ("region", 2), ("industry", 2), ("introduced_by", 6)),
        ),
        Block("预测", "", (("expected_amount", 3), ("expected_on", 3))),
    )
    units = {"success_rate": "%", "expected_amount": "元"}

    class Meta:
        model = Opportunity
        fields = [
            "customer_name", "success_rate", "summary", "description", "contact_name", "contact_phone", "source",
            "region", "industry", "introduced_by", "expected_amount", "expected_on",
        ]  # fmt: skip
        widgets = {"description": forms.Textarea(attrs={"rows": 5})}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        rate = self.fields["success_rate"]
        rate.error_messages.update(invalid="请填写 0–100 的整数，例如 60。")
        rate.widget.attrs.update(inputmode="numeric", min=0, max=100)
        entries = DictionaryEntry.objects.all()
        self.fields["region"].queryset = entries.of("地区")  # type: ignore[attr-defined]
        self.fields["industry"].queryset = entries.of("行业")  # type: ignore[attr-defined]
        self.fields["source"].widget.attrs["list"] = "sources"
        add_customer_field(self, "introduced_by", label="老客户介绍", user=user)
        watch_fields(self, reverse("marketing:known"), ("customer_name", "contact_phone"))

    def clean(self) -> dict[str, Any]:
        """Warn once of each match: the hidden answer names the matches shown, so that others warn again."""
        data = super().clean() or self.cleaned_data
        names_by_kind = {kind: "；".join(map(str, group)) for kind, group in group_by_kind(self.look())}
        if names_by_kind:
            warning = "。".join(f"{MATCH_LABELS[kind]}：{names}" for kind, names in names_by_kind.items())
            advice = "老客户的新需求请记在客户页的交往记录里；" if "customer" in names_by_kind else "请核对；"
            self.ask("customer_name", f"{warning}。{advice}确实要新建机会时，再次保存即可。")
        return data

    def sought(self) -> SearchTerms:
        return SearchTerms(self.fresh("customer_name"), tuple(filter(None, [self.fresh("contact_phone")])))

    def find(self) -> list[Match]:
        return organisation_matches(self.sought(), self.user, but=self.instance.pk)

    def hold(self) -> None:
        lock_current_customers(
            self.cleaned_data.get("introduced_by"), by=self.user, kept=self.initial.get("introduced_by")
        )
        lock_customer_names()


MATCH_LABELS = {"customer": "已是客户", "opportunity": "已有未结束的机会"}


def group_by_kind(matches: list[Match]) -> Iterator[tuple[str, Iterator[Match]]]:
    """Yield ("customer" or "opportunity", matches); matches: sorted by kind."""
    return groupby(matches, key=lambda match: match.key.split(":")[0])


class ForecastForm(TransitionForm):
    success_rate = forms.IntegerField(
        label="成功机率", validators=[MinValueValidator(0), MaxValueValidator(100)], help_text="0–100 的整数"
    )
    expected_amount = forms.DecimalField(label="预计金额", max_digits=14, decimal_places=2, min_value=0, required=False)
    expected_on = forms.DateField(label="预计成交日期", required=False)
    reason = forms.CharField(label="更新原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    blocks = (
        Block(
            "预测",
            "每次更新都会留下原值、新值和原因。",
            (("success_rate", 2), ("expected_amount", 2), ("expected_on", 2), "reason"),
        ),
    )
    units = {"success_rate": "%", "expected_amount": "元"}

    def clean(self) -> dict[str, Any]:
        """Refuse a reason without a change: it would be saved nowhere."""
        data = super().clean() or self.cleaned_data
        if not self.errors and not set(FORECAST_FIELDS) & set(self.changed_data):
            self.add_error("success_rate", "预测没有变化，不用保存。")
        return data


class ContactCorrectionForm(TransitionForm):
    contact_name = forms.CharField(label="联系人", max_length=50, required=False)
    contact_phone = forms.CharField(
        label="联系人电话", max_length=50, required=False, validators=[refuse_masked, refuse_shortened]
    )

    blocks = (Block("联系方式", "", (("contact_name", 3), ("contact_phone", 3))),)


class WinForm(CrmForm, forms.Form):
    """Confirm 开发成功: a reason when the plan is empty, a choice when there are customers of the same name."""

    reason = forms.CharField(label="成功说明", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    choice = forms.ChoiceField(label="同名客户", widget=forms.RadioSelect, required=False)
    create_anyway = forms.CharField(
        label="仍要新建的原因",
        max_length=200,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    required_when = {"create_anyway": "新建时"}

    def __init__(self, *args: Any, opportunity: Opportunity, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.opportunity, self.user = opportunity, user
        self.same_name: list[Any] = [match.record for match in self.look()]  # customers; kept apart from opportunities
        editable = Customer.objects.editable_by(user).filter(pk__in=[customer.pk for customer in self.same_name])
        editable_ids = set(editable.values_list("pk", flat=True))
        self.linkable = [customer for customer in self.same_name if customer.pk in editable_ids]
        self.needs_choice = bool(self.same_name)
        if opportunity.items.exists():
            del self.fields["reason"]
        else:
            self.fields["reason"].error_messages["required"] = "还没有任何计划项，请说明为什么可以记为开发成功。"
        if not self.needs_choice:
            del self.fields["choice"], self.fields["create_anyway"]
            return
        if not self.must_choose:
            self.fields["create_anyway"].when = ""  # type: ignore[attr-defined]
        links = [(f"link:{customer.pk}", f"关联到 {customer.name}（{customer.number}）") for customer in self.linkable]
        self.fields["choice"].choices = [*links, ("create", "仍然新建一个客户")]  # type: ignore[attr-defined]

    def look(self) -> list[Match]:
        """Return existing customers that the opportunity's customer may be; none for users who may not win it.

        While the check is paused, `paused` says so and the form is invalid.
        """
        self.paused = ""
        if not self.opportunity.can_win(self.user):
            return []
        try:
            return find_unconfirmed(self.user, lambda: customer_matches(self.opportunity.sought, self.user))
        except CheckPaused as paused:
            self.paused = str(paused)
            return []

    @property
    def must_choose(self) -> bool:
        """Whether a customer has exactly this name; beside merely similar ones the choice is optional."""
        name = normalize(self.opportunity.customer_name)
        return any(customer.name_normalized == name for customer in self.same_name)

    @property
    def found(self) -> str:
        return "已有同名客户" if self.must_choose else "已有相近的客户，请核对是否同一家"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.paused:
            self.add_error(None, self.paused)
        if self.must_choose:
            if not data.get("choice") and "choice" not in self.errors:
                ways = "请选择关联到它，或说明原因后新建" if self.linkable else "不在您的编辑范围内，请说明原因后新建"
                self.add_error("choice", f"已有同名客户，{ways}。")
            elif data.get("choice") == "create" and not data.get("create_anyway", "").strip():
                self.add_error("create_anyway", "请填写仍要新建的原因，您的主管会收到通知。")
        return data

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for Opportunity.win()."""
        data = self.cleaned_data
        choice = data.get("choice", "")
        link_id = int(choice.removeprefix("link:")) if choice.startswith("link:") else None
        return {
            "reason": data.get("reason", ""),
            "link_to": next((customer for customer in self.linkable if customer.pk == link_id), None),
            "create_anyway": data.get("create_anyway", "") if choice == "create" else "",
        }


class LoseForm(CrmForm, forms.Form):
    reason = forms.CharField(label="失败原因", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    competitor = forms.ModelChoiceField(DictionaryEntry.objects.of("竞争对手"), label="竞争对手", required=False)
