"""Bulk actions on customers chosen in the list, 批量修改 and 合并, and the page of suspected duplicates."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views import View

from accounts.models import User
from customers.orders.rollups import lock_customers
from customers.records.locks import take_merge_and_scan_locks
from customers.records.models import Customer
from kit.audit.log import display_value
from kit.bulk.page import BulkPage, Outcome
from kit.bulk.selection import Chosen, compare_stamp, read_stamp
from kit.domain.left_out import LeftOut
from kit.lists.columns import Column
from kit.pages.html import format_html_fast
from kit.pages.page import render_page
from kit.pages.submission import earlier_url
from kit.undo.journal import Journal
from kit.undo.models import UndoEntry

from .bulk import CATEGORY_BY_FIELD, reclassify_customers
from .duplicate_groups import MAX_GROUPS, find_suspected_duplicates, groups_of_same_code
from .forms import MergeForm, ReclassifyForm
from .merge import MAX_TOGETHER, count_relations, merge_undoably
from .merge_undo import merges_to_undo
from .merge_values import EMPTY_VALUES, Choices, choosable_names, descriptive_fields, merge_outcome, values_left_behind
from .undoing import RECLASSIFIED, watch_classes

CRUMBS = (("客户管理", ""), ("客户信息管理", "customers:customer_list"))


def name_cell(customer: Customer) -> str:
    return format_html_fast('{}<small class="sm">{}</small>', customer.name, customer.number)


UNIT, RELATED, LIST = "家客户", ("manager", "region", "industry", "level"), "customers:customer_list"
COLUMNS = (
    Column("客户", name_cell, html=name_cell, css="m-t"),
    Column("地区", "region"),
    Column("行业", "industry"),
    Column("客户等级", "level"),
    Column("客户经理", "manager"),
)


class ReclassifyCustomers(BulkPage):
    do, form, title = Customer.reclassify, ReclassifyForm, "批量修改客户"
    crumbs, help, unit, list_url_name = CRUMBS, "customers", UNIT, LIST
    select_related, columns, undo = RELATED, COLUMNS, RECLASSIFIED

    def watch(self, journal: Journal, rows: list[Customer], form: ReclassifyForm) -> None:
        watch_classes(journal, [row.pk for row in rows])

    def undo_text(self, count: int, form: ReclassifyForm) -> str:
        values = [f"{CATEGORY_BY_FIELD[name]} {value}" for name, value in form.values().items() if name != "reason"]
        return f"{super().undo_text(count, form)}，{'、'.join(values)}"

    def act(self, rows: list[Customer], form: ReclassifyForm) -> Outcome:
        """Change them together; those that have the values already stay."""
        values = {name: value for name, value in form.values().items() if name != "reason"}
        same = [row for row in rows if all(getattr(row, f"{name}_id") == value.pk for name, value in values.items())]
        changing = [row for row in rows if row not in same]
        if changing:
            reclassify_customers(changing, by=self.request.user, **form.values())
        return Outcome(changing, [LeftOut(row.name, "已经是这样，没有要修改的。") for row in same])


class MergeCustomers(BulkPage):
    """Merge what was ticked, at most MAX_TOGETHER; the form asks again when the comparison is another."""

    do, form, fewest = Customer.merge, MergeForm, 2
    title, template_name, help = "合并客户", "customers/merge.html", "merging"
    submit_label, danger = "合并", True

    unit, list_url_name, crumbs = UNIT, LIST, CRUMBS
    select_related, columns = (*RELATED, "parent", "created_by"), COLUMNS

    def get_record(self) -> Chosen:
        chosen = super().get_record()
        beyond = [LeftOut(row.name, f"一次最多合并 {MAX_TOGETHER} 个。") for row in chosen.rows[MAX_TOGETHER:]]
        return Chosen(chosen.rows[:MAX_TOGETHER], [*chosen.left_out, *beyond], chosen.unseen)

    def nothing_chosen(self, record: Chosen) -> HttpResponse:
        messages.error(self.request, f"请选中 2 到 {MAX_TOGETHER} 个您可以合并的客户。")
        return redirect("duplicates")

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        sent_before = earlier_url(request.user, request.POST.get("submission"))
        if sent_before or len((record := self.get_record()).rows) >= self.fewest:
            return super().post(request, **kwargs)
        return self.nothing_chosen(record)

    def form_options(self, record: Chosen) -> dict[str, Any]:
        return {"customers": record.rows}

    def context(self, record: Chosen, form: Any) -> dict[str, Any]:
        return describe_merge(record.rows, str(form["compared"].value()), self.request.user, form.choices)

    def carry_out(self, record: Chosen, form: MergeForm) -> UndoEntry | None:
        take_merge_and_scan_locks()
        lock_customers(sorted(one.pk for one in record.rows))
        record = self.get_record()
        compare_stamp(record.rows, read_stamp(self.request.POST.get("opened", "")))
        self.survivor: Customer = form.cleaned_data["survivor"]
        others = [one for one in record.rows if one.pk != self.survivor.pk]
        self.message = f"已把 {len(others)} 个客户并入「{self.survivor}」，30 天内可以撤销"
        return merge_undoably(
            self.survivor, others, by=self.request.user, reason=form.cleaned_data["reason"], choices=form.choices
        )

    def back_url(self, record: Chosen) -> str:
        return reverse("duplicates")

    def success_url(self, record: Chosen, result: Any) -> str:
        return self.survivor.get_absolute_url()


def describe_merge(customers: list[Customer], survivor_key: str, by: User, choices: Choices) -> dict[str, Any]:
    """Return the customers side by side; nothing where others took them all away meanwhile."""
    oldest_first = sorted(customers, key=lambda one: (one.created_at, one.pk))
    survivor = next((one for one in customers if str(one.pk) == survivor_key), next(iter(oldest_first), None))
    if survivor is None:
        return {}
    counts = count_relations(oldest_first)
    rows = [{"customer": one, "counts": counts[one.pk]} for one in oldest_first]
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
