"""Customers ticked on the list and taken to one page together: 批量修改, 合并; and the suspected duplicates."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
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
from ..models.merge import MAX_TOGETHER, counts
from ..models.merge_values import described, left_behind, outcome
from .customers import CUSTOMER_LIST_CRUMB

MAX_CHOSEN = 1000
MAX_GROUPS = 50
MAX_IN_GROUP = 10


class ChosenCustomers(FormView):
    """All of the chosen or none; what is not the person's to treat so is left out and counted.

    verb: what is done to them, in words; action: can_<action> of a customer decides.
    """

    model = Customer
    crumbs, help = (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"
    action: str
    verb: str
    fewest = 1

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not request.user.has_perm(f"customers.{self.action}_customer"):
            raise PermissionDenied(f"您的角色不能{self.verb}客户。")
        return super().dispatch(request, *args, **kwargs)

    def chosen(self) -> set[int]:
        data = self.request.POST if self.request.method == "POST" else self.request.GET
        return {int(key) for key in data.getlist("ids")[:MAX_CHOSEN] if key.isdecimal() and len(key) < 19}

    def customers(self, lock: bool = False) -> list[Customer]:
        """Those of the chosen that the person may treat so."""
        rows = Customer.objects.visible_to(self.request.user).filter(pk__in=self.chosen()).order_by("pk")
        rows = rows.select_for_update(of=("self",)) if lock else rows
        found = rows.select_related("manager", "region", "industry", "level")
        return [one for one in found if getattr(one, f"can_{self.action}")(self.request.user)]

    def form_options(self, record: Any) -> dict[str, Any]:
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
        """Nobody's view is changed by what is done here."""

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {"customers": record, "left_out": len(self.chosen()) - len(record)}

    def back_url(self, record: Any) -> str:
        return reverse("customers:customer_list")

    def success_url(self, record: Any, result: Any) -> str:
        return self.back_url(record)


class ReclassifyCustomers(ChosenCustomers):
    """Refused as a whole when one of them was changed since it was opened here."""

    action, verb, form_class = "reclassify", "批量修改", ReclassifyForm
    title, template_name = "批量修改客户", "customers/reclassify.html"

    def perform(self, record: Any, form: Any) -> None:
        customers = self.customers(lock=True)
        self.check_versions(customers, form)
        changed = reclassify_customers(customers, by=self.request.user, **form.values())
        self.message = f"已修改 {changed} 个客户。"

    def check_versions(self, customers: list[Customer], form: Any) -> None:
        memory = form.memory()
        if memory is None:
            raise Refused(Verdict(Kind.STATE, "页面已过期，没有保存。您选择的内容还在，请核对后再次保存。"))
        changed = [one.name for one in customers if memory.get(str(one.pk)) != one.version]
        if changed:
            named = "、".join(f"「{name}」" for name in changed[:5]) + (" 等" if len(changed) > 5 else "")
            text = f"{named}在您打开后被别人修改过，所有客户都没有改动。下面是现在的内容，请核对后再次保存。"
            raise Refused(Verdict(Kind.STATE, text))

    def refuse(self, record: Any, form: Any, verdict: Verdict) -> HttpResponse:
        form.data = {**form.data.dict(), "opened": self.make_form(record).initial["opened"]}
        return super().refuse(record, form, verdict)


class MergeCustomers(ChosenCustomers):
    action, verb, form_class, fewest = "merge", "合并", MergeForm, 2
    title, template_name, help = "合并客户", "customers/merge.html", "merging"
    submit_label, danger = "合并", True

    def customers(self, lock: bool = False) -> list[Customer]:
        found = super().customers(lock)[:MAX_TOGETHER]
        prefetch_related_objects(found, "parent", "created_by")
        return found

    def nothing_chosen(self) -> HttpResponse:
        messages.error(self.request, f"请选中 2 到 {MAX_TOGETHER} 个您可以合并的客户。")
        return redirect("duplicates")

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return super().post(request, **kwargs) if len(self.customers()) >= self.fewest else self.nothing_chosen()

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        oldest_first = sorted(record, key=lambda one: (one.created_at, one.pk))
        rows = [{"customer": one, "counts": counts(one)} for one in oldest_first]
        survivor = next((one for one in record if str(one.pk) == str(form["compared"].value())), oldest_first[0])
        fields = compare_fields(survivor, oldest_first, self.request.user)
        return {**super().context(record, form), "rows": rows, "survivor": survivor, "fields": fields}

    def perform(self, record: Any, form: Any) -> Any:
        survivor = form.cleaned_data["survivor"]
        others = [one for one in record if one.pk != survivor.pk]
        merged = merge_customers(survivor, others, by=self.request.user, reason=form.cleaned_data["reason"])
        self.message = f"已把 {merged} 个客户并入「{survivor}」。"
        return survivor

    def back_url(self, record: Any) -> str:
        return reverse("duplicates")

    def success_url(self, record: Any, result: Any) -> str:
        return result.get_absolute_url()


class ComparedField(NamedTuple):
    """One field: what each customer has, whether it is lost to the survivor, and what the survivor will have."""

    label: str
    cells: list[tuple[str, bool]]
    result: str


def compare_fields(survivor: Customer, customers: list[Customer], by: User) -> list[ComparedField]:
    """The fields that any of them has something in, side by side, as the merge will treat them."""
    after = outcome(survivor, [one for one in sorted(customers, key=lambda one: one.pk) if one.pk != survivor.pk])
    left = {one.pk: left_behind(after, one) for one in customers}
    seen = set(Customer.objects.visible_to(by).filter(pk__in={one.parent_id for one in customers}).values_list("pk"))
    found = []
    for field in described():
        words = [(value_for(by, one, field.name, seen), field.name in left[one.pk]) for one in customers]
        if any(text for text, _ in words):
            found.append(ComparedField(str(field.verbose_name), words, value_for(by, after, field.name, seen)))
    return found


def value_for(by: User, customer: Customer, name: str, parents: set[tuple[int]]) -> str:
    """A field in words as this person sees it: details masked, a 上级单位 out of view without its name."""
    if name in customer.detail_fields:
        return customer.detail(name, by)
    hidden = name == "parent" and customer.parent_id is not None and (customer.parent_id,) not in parents
    return "（不在您的查看范围内）" if hidden else display_value(customer, name)


class Duplicates(View):
    """疑似重复客户: of one normalised name or one license number, among those the person may merge."""

    def get(self, request: Any) -> HttpResponse:
        if not request.user.has_perm("customers.merge_customer"):
            raise PermissionDenied("您的角色不能合并客户。")
        rows = Customer.objects.supervised_by(request.user, "customers.merge_customer")
        groups, more = find_suspected_duplicates(rows)
        context = {"title": "疑似重复客户", "crumbs": (("客户管理", ""),), "help_anchor": "merging"}
        return render(request, "customers/duplicates.html", {**context, "groups": groups, "more": more})


def find_suspected_duplicates(rows: Any) -> tuple[list[dict[str, Any]], bool]:
    """Groups of customers that may be one company, and whether there are more groups than shown."""
    found: dict[tuple[str, str], list[Customer]] = {}
    rows, same = rows.annotate(code=Fold("license_number")), ("name_normalized", "code")
    for field in same:
        again = rows.exclude(**{field: ""}).values(field).annotate(times=Count("pk")).filter(times__gt=1)
        for value in again.order_by(field).values_list(field, flat=True)[: MAX_GROUPS + 1]:
            found[field, value] = []
    wanted = Q(pk__in=[])
    for field, value in found:
        wanted |= Q(**{field: value})
    for one in rows.filter(wanted).select_related("manager", "region").order_by("created_at", "pk"):
        for field in same:
            if (group := found.get((field, getattr(one, field)))) is not None:
                group.append(one)
    return _merge_equal_groups(found), len(found) > MAX_GROUPS


def _merge_equal_groups(found: dict[tuple[str, str], list[Customer]]) -> list[dict[str, Any]]:
    """The same customers are one group, whether by name, by number or by both."""
    shown: dict[tuple[int, ...], dict[str, Any]] = {}
    for (field, _), group in found.items():
        why = "名称相同" if field == "name_normalized" else "统一社会信用代码相同"
        keys = tuple(one.pk for one in group[:MAX_IN_GROUP])
        known = shown.setdefault(
            keys, {"why": [], "customers": group[:MAX_IN_GROUP], "more": len(group) > MAX_IN_GROUP}
        )
        known["why"].append(why)
    return [{**group, "why": "、".join(group["why"])} for group in list(shown.values())[:MAX_GROUPS]]
