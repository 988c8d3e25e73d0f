"""Bulk actions on customers chosen in the list, 批量修改 and 合并, and the page of suspected duplicates."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.models import User
from kit.audit.log import display_value
from kit.domain.verdict import Kind, Refused, Verdict
from kit.pages.records import FormView
from kit.sql.text_index import Fold

from ..forms.together import MergeForm, ReclassifyForm
from ..models import Customer, merge_customers, reclassify_customers
from ..models.merge import MAX_TOGETHER, count_relations
from ..models.merge_values import descriptive_fields, merge_outcome, values_left_behind
from .customers import CUSTOMER_LIST_CRUMB

MAX_CHOSEN = 1000
MAX_GROUPS = 50
MAX_IN_GROUP = 10


class BulkPage(FormView):
    """Acts on all chosen customers or none; those that the user may not act on are left out and counted.

    verb: the action in Chinese; action: can_<action> of the customer is the guard.
    """

    model = Customer
    crumbs, help = (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"
    action: str
    verb: str
    fewest = 1

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.has_perm(f"customers.{self.action}_customer"):
            raise PermissionDenied(f"您的角色不能{self.verb}客户。")
        return super().dispatch(request, *args, **kwargs)

    def chosen(self) -> set[int]:
        data = self.request.POST if self.request.method == "POST" else self.request.GET
        return {int(key) for key in data.getlist("ids")[:MAX_CHOSEN] if key.isdecimal() and len(key) < 19}

    def customers(self, lock: bool = False) -> list[Customer]:
        """Return the chosen customers that the user may act on."""
        rows = Customer.objects.visible_to(self.request.user).filter(pk__in=self.chosen()).order_by("pk")
        rows = rows.select_for_update(of=("self",)) if lock else rows
        rows = rows.select_related("manager", "region", "industry", "level")
        return [one for one in rows if getattr(one, f"can_{self.action}")(self.request.user)]

    def form_options(self, record: list[Customer]) -> dict[str, Any]:
        return {"customers": record}

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        customers = self.customers()
        if len(customers) < self.fewest:
            return self.nothing_chosen()
        return self.show(customers, self.make_form(customers))

    def nothing_chosen(self) -> HttpResponse:
        messages.error(self.request, f"没有选中您可以{self.verb}的客户。请在列表里勾选后再{self.verb}。")
        return redirect("customers:customer_list")

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        customers = self.customers()
        form = self.make_form(customers, request.POST)
        if not form.is_valid():
            return self.show(customers, form)
        try:
            return self.carry_out(customers, form)
        except Refused as refused:
            return self.refuse(self.customers(), form, refused.verdict)

    def check_still_visible(self, result: Any) -> None:
        """Check nothing: these actions change no one's view."""

    def context(self, record: list[Customer], form: Any) -> dict[str, Any]:
        return {"customers": record, "left_out": len(self.chosen()) - len(record)}

    def back_url(self, record: list[Customer]) -> str:
        return reverse("customers:customer_list")

    def success_url(self, record: list[Customer], result: Any) -> str:
        return self.back_url(record)


class ReclassifyCustomers(BulkPage):
    """批量修改; refused as a whole when one customer was changed since the page was opened."""

    action, verb, form_class = "reclassify", "批量修改", ReclassifyForm
    title, template_name = "批量修改客户", "customers/reclassify.html"

    def perform(self, record: list[Customer], form: ReclassifyForm) -> None:
        customers = self.customers(lock=True)
        self.check_versions(customers, form)
        changed = reclassify_customers(customers, by=self.request.user, **form.values())
        self.message = f"已修改 {changed} 个客户。"

    def check_versions(self, customers: list[Customer], form: ReclassifyForm) -> None:
        opened = form.opened_versions()
        if opened is None:
            raise Refused(Verdict(Kind.STATE, "页面已过期，没有保存。您选择的内容还在，请核对后再次保存。"))
        changed = [one.name for one in customers if opened.get(str(one.pk)) != one.version]
        if changed:
            names = "、".join(f"「{name}」" for name in changed[:5]) + (" 等" if len(changed) > 5 else "")
            text = f"{names}在您打开后被别人修改过，所有客户都没有改动。下面是现在的内容，请核对后再次保存。"
            raise Refused(Verdict(Kind.STATE, text))

    def refuse(self, record: list[Customer], form: ReclassifyForm, verdict: Verdict) -> HttpResponse:
        form.data = {**cast(QueryDict, form.data).dict(), "opened": self.make_form(record).initial["opened"]}
        return super().refuse(record, form, verdict)


class MergeCustomers(BulkPage):
    action, verb, form_class, fewest = "merge", "合并", MergeForm, 2
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
        return super().post(request, **kwargs) if len(self.customers()) >= self.fewest else self.nothing_chosen()

    def context(self, record: list[Customer], form: Any) -> dict[str, Any]:
        oldest_first = sorted(record, key=lambda one: (one.created_at, one.pk))
        rows = [{"customer": one, "counts": count_relations(one)} for one in oldest_first]
        survivor = next((one for one in record if str(one.pk) == str(form["compared"].value())), oldest_first[0])
        fields = compare_fields(survivor, oldest_first, self.request.user)
        return {**super().context(record, form), "rows": rows, "survivor": survivor, "fields": fields}

    def perform(self, record: list[Customer], form: MergeForm) -> Customer:
        survivor = form.cleaned_data["survivor"]
        others = [one for one in record if one.pk != survivor.pk]
        merged = merge_customers(survivor, others, by=self.request.user, reason=form.cleaned_data["reason"])
        self.message = f"已把 {merged} 个客户并入「{survivor}」。"
        return survivor

    def back_url(self, record: list[Customer]) -> str:
        return reverse("duplicates")

    def success_url(self, record: list[Customer], result: Any) -> str:
        return result.get_absolute_url()


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
    """疑似重复客户: equal normalised names or license numbers among the customers that the user may merge."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("customers.merge_customer"):
            raise PermissionDenied("您的角色不能合并客户。")
        rows = Customer.objects.supervised_by(request.user, "customers.merge_customer")
        groups, more = find_suspected_duplicates(rows)
        context = {"title": "疑似重复客户", "crumbs": (("客户管理", ""),), "help_anchor": "merging"}
        return render(request, "customers/duplicates.html", {**context, "groups": groups, "more": more})


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
