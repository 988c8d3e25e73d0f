"""Bulk actions on customers chosen in the list, 批量修改 and 合并, and the page of suspected duplicates."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views import View

from accounts.models import User
from customers.records.models import Customer
from kit.audit.log import display_value
from kit.bulk.page import BulkPage, Outcome
from kit.bulk.selection import Chosen, LeftOut
from kit.pages.columns import Column
from kit.pages.html import format_html_fast
from kit.pages.page import render_page
from kit.pages.submission import earlier_url
from kit.sql.text_index import Fold

from .bulk import reclassify_customers
from .forms import MergeForm, ReclassifyForm
from .merge import MAX_TOGETHER, count_relations, merge_customers
from .merge_values import descriptive_fields, merge_outcome, values_left_behind

CRUMBS = (("客户管理", ""), ("客户信息管理", "customers:customer_list"))
MAX_GROUPS = 50
MAX_IN_GROUP = 10


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
    select_related, columns = RELATED, COLUMNS

    def act(self, rows: list[Customer], form: ReclassifyForm) -> Outcome:
        """Change them together; those that have the values already stay."""
        values = {name: value for name, value in form.values().items() if name != "reason"}
        same = [row for row in rows if all(getattr(row, f"{name}_id") == value.pk for name, value in values.items())]
        changing = [row for row in rows if row not in same]
        if changing:
            reclassify_customers(changing, by=self.request.user, **form.values())
        return Outcome(changing, [LeftOut(row.name, "已经是这样，没有要修改的。") for row in same])


class MergeCustomers(BulkPage):
    """Merge what was ticked; merging takes its own locks, and the form asks again when the comparison is another."""

    do, form, fewest = Customer.merge, MergeForm, 2
    title, template_name, help = "合并客户", "customers/merge.html", "merging"
    submit_label, danger = "合并", True

    unit, list_url_name, crumbs = UNIT, LIST, CRUMBS
    select_related, columns = (*RELATED, "parent", "created_by"), COLUMNS

    def get_record(self) -> Chosen:
        chosen = super().get_record()
        return Chosen(chosen.rows[:MAX_TOGETHER], chosen.left_out, chosen.unseen)

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
        return describe_merge(record.rows, str(form["compared"].value()), self.request.user)

    def carry_out(self, record: Chosen, form: MergeForm) -> Any:
        survivor = form.cleaned_data["survivor"]
        others = [one for one in record.rows if one.pk != survivor.pk]
        merged = merge_customers(survivor, others, by=self.request.user, reason=form.cleaned_data["reason"])
        self.message = f"已把 {merged} 个客户并入「{survivor}」。"
        return survivor

    def back_url(self, record: Chosen) -> str:
        return reverse("duplicates")

    def success_url(self, record: Chosen, result: Any) -> str:
        return str(result.get_absolute_url())


def describe_merge(customers: list[Customer], survivor_key: str, by: User) -> dict[str, Any]:
    """Return the customers side by side; nothing where others took them all away meanwhile."""
    oldest_first = sorted(customers, key=lambda one: (one.created_at, one.pk))
    survivor = next((one for one in customers if str(one.pk) == survivor_key), next(iter(oldest_first), None))
    if survivor is None:
        return {}
    rows = [{"customer": one, "counts": count_relations(one)} for one in oldest_first]
    return {"rows": rows, "survivor": survivor, "fields": compare_fields(survivor, oldest_first, by)}


class ComparedField(NamedTuple):
    """One field in the comparison: (value, is lost) of each customer, and the value after the merge."""

    label: str
    cells: list[tuple[str, bool]]
    result: str


def compare_fields(survivor: Customer, customers: list[Customer], by: User) -> list[ComparedField]:
    """Return the fields that are not empty everywhere, side by side, with the result of the merge."""
    after = merge_outcome(survivor, [one for one in sorted(customers, key=lambda one: one.pk) if one.pk != survivor.pk])
    lost = {one.pk: values_left_behind(after, one) for one in customers}
    parents = set(Customer.objects.visible_to(by).filter(pk__in={one.parent_id for one in customers}).values_list("pk"))
    fields = []
    for field in descriptive_fields():
        cells = [(value_for(by, one, field.name, parents), field.name in lost[one.pk]) for one in customers]
        if any(text for text, _ in cells):
            fields.append(ComparedField(str(field.verbose_name), cells, value_for(by, after, field.name, parents)))
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
        return render_page(self, groups=groups, more=more)


def find_suspected_duplicates(rows: QuerySet[Customer]) -> tuple[list[dict[str, Any]], bool]:
    """Return groups of customers that may be one company, and whether there are more groups."""
    groups: dict[tuple[str, str], list[Customer]] = {}
    rows, fields = rows.annotate(code=Fold("license_number")), ("name_normalized", "code")
    for field in fields:
        repeated = rows.exclude(**{field: ""}).values(field).annotate(times=Count("pk")).filter(times__gt=1)
        for value in repeated.order_by(field).values_list(field, flat=True)[: MAX_GROUPS + 1]:
            groups[field, value] = []
    condition = Q(pk__in=[])
    for field, value in groups:
        condition |= Q(**{field: value})
    for one in rows.filter(condition).select_related("manager", "region").order_by("created_at", "pk"):
        for field in fields:
            if (group := groups.get((field, getattr(one, field)))) is not None:
                group.append(one)
    return _merge_equal_groups(groups), len(groups) > MAX_GROUPS


def _merge_equal_groups(groups: dict[tuple[str, str], list[Customer]]) -> list[dict[str, Any]]:
    """Join groups of the same customers, found by name, by number or by both."""
    distinct: dict[tuple[int, ...], dict[str, Any]] = {}
    for (field, _), group in groups.items():
        why = "名称相同" if field == "name_normalized" else "统一社会信用代码相同"
        keys = tuple(one.pk for one in group[:MAX_IN_GROUP])
        entry = distinct.setdefault(
            keys, {"why": [], "customers": group[:MAX_IN_GROUP], "more": len(group) > MAX_IN_GROUP}
        )
        entry["why"].append(why)
    return [{**group, "why": "、".join(group["why"])} for group in list(distinct.values())[:MAX_GROUPS]]
