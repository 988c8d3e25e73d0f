"""合并同代码的客户: all groups of one 统一社会信用代码 in one go, after a preview."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import forms
from django.http import HttpResponse
from django.urls import reverse

from customers.orders.rollups import lock_customers
from customers.records.field_labels import field_label
from customers.records.locks import take_merge_and_scan_locks
from customers.records.models import Customer
from kit.bulk.page import CONFLICT
from kit.domain.verdict import Verdict, refuse_if
from kit.pages.form_page import FormPage
from kit.pages.forms import Block, CrmForm

from .duplicate_groups import groups_of_same_code
from .merge import count_relations, merge_undoably
from .merge_values import descriptive_fields, values_left_behind, values_to_take

CRUMBS = (("客户管理", ""), ("疑似重复客户", "duplicates"))
CHANGED = "有一组在您打开后变过，所有组都没有合并。下面是现在的内容，请核对后再次合并。"


class GroupPreview(NamedTuple):
    """What merging one group will do. key: of its customers, survivor first, as the form sends it back."""

    key: str
    survivor: Customer
    others: list[Customer]
    moved: dict[str, int]
    taken: list[str]  # labels of fields
    left: list[str]


def preview(customers: list[Customer], counts: dict[int, dict[str, int]]) -> GroupPreview:
    """Return what becomes of a group: the oldest customer stays. counts: see count_relations()."""
    survivor, *others = customers
    moved: dict[str, int] = {}
    taken, left = dict[str, None](), dict[str, None]()
    for other in others:
        for label, count in counts[other.pk].items():
            moved[label] = moved.get(label, 0) + count
        values = values_to_take(survivor, other)
        taken |= dict.fromkeys(values)
        left |= dict.fromkeys(name for name in values_left_behind(survivor, other) if name not in values)
    key = "-".join(f"{one.pk}v{one.version}" for one in customers)
    return GroupPreview(key, survivor, others, moved, [*map(field_label, taken)], [*map(field_label, left)])


class MergeGroupsForm(CrmForm, forms.Form):
    reason = forms.CharField(label="合并原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))
    groups = forms.MultipleChoiceField(required=False)

    blocks = (
        Block(
            "合并",
            "每组保留最早创建的客户，它空着的资料用其余的补上。要逐项选择时，请回到「疑似重复客户」一组一组地合并。"
            "每组合并后 30 天内可以单独撤销。",
            ("reason",),
        ),
    )

    def __init__(self, *args: Any, keys: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["groups"]
        field.choices = [(key, key) for key in keys]
        field.error_messages["invalid_choice"] = CHANGED

    def clean_groups(self) -> list[str]:
        keys: list[str] = self.cleaned_data["groups"]
        if not keys:
            raise forms.ValidationError("请至少选择一组。")
        return keys


class MergeGroups(FormPage):
    """The groups are read again on sending: one that is not as it was shown refuses all."""

    do, form = Customer.merge, MergeGroupsForm
    title, template_name, help = "合并同代码的客户", "customers/merge_groups.html", "merging"
    crumbs, submit_label, danger = CRUMBS, "合并所选的组", True

    def verdict(self, record: list[GroupPreview]) -> Verdict:
        return self.do.rule.verdict(Customer, self.request.user)

    def get_record(self) -> list[GroupPreview]:
        self.verdict([]).enforce()
        rows = Customer.objects.supervised_by(self.request.user, Customer.merge.permission)
        compared = (field.name for field in descriptive_fields() if field.is_relation)
        groups = groups_of_same_code(rows.select_related(*compared))
        counts = count_relations(one for group in groups for one in group)
        return [preview(group, counts) for group in groups]

    def form_options(self, record: list[GroupPreview]) -> dict[str, Any]:
        return {"keys": [group.key for group in record]}

    def context(self, record: list[GroupPreview], form: MergeGroupsForm) -> dict[str, Any]:
        keys = [group.key for group in record]
        return {"groups": record, "chosen": self.request.POST.getlist("groups") if form.is_bound else keys}

    def invalid(self, record: list[GroupPreview], form: MergeGroupsForm) -> HttpResponse:
        errors = form.errors.as_data().get("groups", ())
        return self.show(record, form, CONFLICT if any(one.code == "invalid_choice" for one in errors) else 200)

    def carry_out(self, record: list[GroupPreview], form: MergeGroupsForm) -> None:
        chosen = form.cleaned_data["groups"]
        take_merge_and_scan_locks()
        lock_customers(sorted(one.pk for group in record for one in (group.survivor, *group.others)))
        fresh = {group.key: group for group in self.get_record()}
        refuse_if(not set(chosen) <= fresh.keys(), CHANGED).enforce()
        groups = [fresh[key] for key in chosen]
        for group in groups:
            merge_undoably(group.survivor, group.others, by=self.request.user, reason=form.cleaned_data["reason"])
        count = sum(len(group.others) for group in groups)
        self.message = f"已合并 {len(groups)} 组，{count} 个客户并入 {len(groups)} 个；30 天内可以在本页逐组撤销。"

    def refuse(self, record: list[GroupPreview], form: MergeGroupsForm, verdict: Verdict) -> HttpResponse:
        return super().refuse(self.get_record(), form, verdict)  # as they are now

    def back_url(self, record: list[GroupPreview]) -> str:
        return reverse("duplicates")

    def success_url(self, record: list[GroupPreview], result: Any) -> str:
        return reverse("duplicates")
