"""Bulk actions on customers chosen in the list, 批量修改 and 合并, and the page of suspected duplicates."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views import View

from accounts.models import User
from customers.records.models import Customer
from kit.audit.log import display_value
from kit.domain.verdict import Kind, Refused, Verdict
from kit.pages.form_page import FormPage
from kit.pages.page import render_page
from kit.pages.submission import earlier_url
from kit.undo.models import UndoEntry

from .bulk import reclassify_customers
from .duplicate_groups import MAX_GROUPS, find_suspected_duplicates, groups_of_same_code
from .forms import MergeForm, ReclassifyForm
from .merge import MAX_TOGETHER, count_relations, merge_undoably
from .merge_undo import merges_to_undo
from .merge_values import EMPTY_VALUES, Choices, choosable_names, descriptive_fields, merge_outcome, values_left_behind

CRUMBS = (("客户管理", ""), ("客户信息管理", "customers:customer_list"))
CONFLICT = 409  # the state refused, or customers were changed meanwhile
MAX_CHOSEN = 1000


def chosen_keys(request: HttpRequest) -> set[int]:
    data = request.POST if request.method == "POST" else request.GET
    return {int(key) for key in data.getlist("ids")[:MAX_CHOSEN] if key.isdecimal() and len(key) < 19}


class BulkPage(FormPage):
    """Acts on a list of chosen customers, all or none; those that the user may not act on are left out and counted."""

    crumbs, help, fewest = CRUMBS, "customers", 1

    def customers(self, lock: bool = False) -> list[Customer]:
        """Return the chosen customers that the user may act on."""
        rows = Customer.objects.visible_to(self.request.user).filter(pk__in=chosen_keys(self.request)).order_by("pk")
        rows = rows.select_for_update(of=("self",)) if lock else rows
        rows = rows.select_related("manager", "region", "industry", "level")
        return [one for one in rows if self.do.verdict(one, self.request.user)]

    def verdict(self, record: list[Customer]) -> Verdict:
        return self.do.rule.verdict(Customer, self.request.user)

    def get_record(self) -> list[Customer]:
        self.verdict([]).enforce()
        return self.customers()

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        customers = self.get_record()
        enough = len(customers) >= self.fewest
        return self.show(customers, self.make_form(customers)) if enough else self.nothing_chosen()

    def nothing_chosen(self) -> HttpResponse:
        verb = self.do.label
        messages.error(self.request, f"没有选中您可以{verb}的客户。请在列表里勾选后再{verb}。")
        return redirect("customers:customer_list")

    def refuse(self, record: list[Customer], form: Any, verdict: Verdict) -> HttpResponse:
        return super().refuse(self.customers(), form, verdict)  # as they are now

    def context(self, record: list[Customer], form: Any) -> dict[str, Any]:
        return {"customers": record, "verb": self.do.label, "left_out": len(chosen_keys(self.request)) - len(record)}

    def back_url(self, record: list[Customer]) -> str:
        return reverse("customers:customer_list")

    def success_url(self, record: list[Customer], result: Any) -> str:
        return self.back_url(record)


class ReclassifyCustomers(BulkPage):
    """批量修改; refused as a whole when one customer was changed since the page was opened."""

    do, form = Customer.reclassify, ReclassifyForm
    title, template_name = "批量修改客户", "customers/reclassify.html"

    def form_options(self, record: list[Customer]) -> dict[str, Any]:
        return {"customers": record}

    def carry_out(self, record: list[Customer], form: ReclassifyForm) -> None:
        customers = self.customers(lock=True)
        check_versions(customers, form.opened_versions())
        changed = reclassify_customers(customers, by=self.request.user, **form.values())
        self.message = f"已修改 {changed} 个客户。"

    def show(self, record: list[Customer], form: Any, status: int = 200) -> HttpResponse:
        """After a refusal the form is sent again over what it shows now."""
        if status == CONFLICT:
            form.data = {**form.data.dict(), "opened": self.make_form(record).initial["opened"]}
        return super().show(record, form, status)


def check_versions(customers: list[Customer], opened: dict[str, int] | None) -> None:
    """Raise Refused when a customer was changed since the form was opened. opened: customer key → version."""
    if opened is None:
        raise Refused(Verdict(Kind.STATE, "页面已过期，没有保存。您选择的内容还在，请核对后再次保存。"))
    changed = [one.name for one in customers if opened.get(str(one.pk)) != one.version]
    if changed:
        names = "、".join(f"「{name}」" for name in changed[:5]) + (" 等" if len(changed) > 5 else "")
        text = f"{names}在您打开后被别人修改过，所有客户都没有改动。下面是现在的内容，请核对后再次保存。"
        raise Refused(Verdict(Kind.STATE, text))


class MergeCustomers(BulkPage):
    do, form, fewest = Customer.merge, MergeForm, 2
    title, template_name, help = "合并客户", "customers/merge.html", "merging"
    submit_label, danger = "合并", True

    def customers(self, lock: bool = False) -> list[Customer]:
        customers = super().customers(lock)[:MAX_TOGETHER]
        prefetch_related_objects(customers, "parent", "created_by")
        return customers

    def nothing_chosen(self) -> HttpResponse:
        messages.error(self.request, f"请选中 2 到 {MAX_TOGETHER} 个您可以合并的客户。")
        return redirect("duplicates")

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        sent_before = earlier_url(request.user, request.POST.get("submission"))
        if sent_before or len(self.get_record()) >= self.fewest:
            return super().post(request, **kwargs)
        return self.nothing_chosen()

    def form_options(self, record: list[Customer]) -> dict[str, Any]:
        return {"customers": record}

    def context(self, record: list[Customer], form: Any) -> dict[str, Any]:
        compared = describe_merge(record, str(form["compared"].value()), self.request.user, form.choices)
        return {**super().context(record, form), **compared}

    def carry_out(self, record: list[Customer], form: MergeForm) -> UndoEntry | None:
        self.survivor: Customer = form.cleaned_data["survivor"]
        others = [one for one in record if one.pk != self.survivor.pk]
        self.message = f"已把 {len(others)} 个客户并入「{self.survivor}」，30 天内可以撤销"
        return merge_undoably(
            self.survivor, others, by=self.request.user, reason=form.cleaned_data["reason"], choices=form.choices
        )

    def back_url(self, record: list[Customer]) -> str:
        return reverse("duplicates")

    def success_url(self, record: list[Customer], result: Any) -> str:
        return self.survivor.get_absolute_url()


def describe_merge(customers: list[Customer], survivor_key: str, by: User, choices: Choices) -> dict[str, Any]:
    """Return the customers side by side; nothing where others took them all away meanwhile."""
    oldest_first = sorted(customers, key=lambda one: (one.created_at, one.pk))
    survivor = next((one for one in customers if str(one.pk) == survivor_key), next(iter(oldest_first), None))
    if survivor is None:
        return {}
    rows = [{"customer": one, "counts": count_relations(one)} for one in oldest_first]
    return {"rows": rows, "survivor": survivor, "fields": compare_fields(survivor, oldest_first, by, choices)}


class ComparedCell(NamedTuple):
    """A customer's value in the comparison. key: of the customer, where the value can be chosen; else 0."""

    text: str
    is_lost: bool
    key: int
    is_taken: bool


class ComparedField(NamedTuple):
    """One field in the comparison: a cell of each customer, and the value after the merge."""

    name: str
    label: str
    cells: list[ComparedCell]
    result: str


def compare_fields(
    survivor: Customer, customers: list[Customer], by: User, choices: Choices | None = None
) -> list[ComparedField]:
    """Return the fields that are not empty everywhere, side by side, with the result of the merge."""
    others = [one for one in sorted(customers, key=lambda one: one.pk) if one.pk != survivor.pk]
    after = merge_outcome(survivor, others, choices)
    lost = {one.pk: values_left_behind(after, one) for one in customers}
    parents = set(Customer.objects.visible_to(by).filter(pk__in={one.parent_id for one in customers}).values_list("pk"))
    fields, choosable = [], choosable_names()
    for field in descriptive_fields():
        values = [getattr(one, field.attname) for one in customers]
        has_choice = field.name in choosable and len({value for value in values if value not in EMPTY_VALUES}) > 1
        taken = choices.get(field.name) if choices else None
        keys = [one.pk for one, value in zip(customers, values, strict=True) if value == getattr(after, field.attname)]
        taken = taken if taken in keys else next(iter(keys), None)
        cells = [
            ComparedCell(
                value_for(by, one, field.name, parents),
                field.name in lost[one.pk],
                one.pk if has_choice and value not in EMPTY_VALUES else 0,
                one.pk == taken,
            )
            for one, value in zip(customers, values, strict=True)
        ]
        if any(cell.text for cell in cells):
            result = value_for(by, after, field.name, parents)
            fields.append(ComparedField(field.name, str(field.verbose_name), cells, result))
    return fields


def value_for(by: User, customer: Customer, name: str, parents: set[tuple[int]]) -> str:
    """Return a field as displayed to the user: details masked, an invisible 上级单位 without its name."""
    if name in customer.detail_fields:
        return customer.detail(name, by)
    is_hidden = name == "parent" and customer.parent_id is not None and (customer.parent_id,) not in parents
    return "（不在您的查看范围内）" if is_hidden else display_value(customer, name)


class Duplicates(View):
    """Equal normalised names or license numbers among the customers that the user may merge."""

    title, crumbs, help = "疑似重复客户", (("客户管理", ""),), "merging"
    template_name = "customers/duplicates.html"
    request: Any

    def get(self, request: HttpRequest) -> HttpResponse:
        Customer.merge.rule.verdict(Customer, self.request.user).enforce()
        rows = Customer.objects.supervised_by(self.request.user, Customer.merge.permission)
        groups, more = find_suspected_duplicates(rows)
        same_code = len(groups_of_same_code(rows))
        return render_page(self, groups=groups, more=more, merges=self.merges(), same_code=same_code)

    def merges(self) -> list[UndoEntry]:
        return list(merges_to_undo(self.request.user).prefetch_related("record")[:MAX_GROUPS])
