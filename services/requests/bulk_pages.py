"""Bulk 分配 of requests."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.users.assign_forms import AssignForm
from kit.domain.verdict import Verdict, refuse_if
from kit.pages.form_page import FormPage
from kit.sql.row_locks import lock_in_order
from kit.sql.transactions import in_transaction

from .models import ServiceRequest
from .pages import RELATED, ranked_candidates

MAX_AT_ONCE = 200


class AssignRequests(FormPage):
    """Assign the requests chosen on 服务分配 to one account manager; those the user may not assign are left out."""

    do, form, submit_label = ServiceRequest.assign, AssignForm, "分配"
    template_name = "services/assign_many.html"
    title, crumbs, help = "分配服务请求", (("服务管理", ""), ("服务分配", "services:dispatch")), "services"

    def get_record(self) -> list[ServiceRequest]:
        self.verdict([]).enforce()
        return assignable(chosen(self.request), self.request.user)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        requests = self.get_record()
        return self.show(requests, self.make_form(requests)) if requests else ask_for_choice(request)

    def verdict(self, record: list[ServiceRequest]) -> Verdict:
        return self.do.rule.verdict(self.model, self.request.user)  # each request has answered for itself

    def form_options(self, record: list[ServiceRequest]) -> dict[str, Any]:
        return {"candidates": ServiceRequest.candidates(self.request.user)}

    def context(self, record: list[ServiceRequest], form: Any) -> dict[str, Any]:
        left_out = len(chosen(self.request)) - len(record)
        return {"requests": record, "left_out": left_out, "candidates": ranked_candidates(record, self.request.user)}

    def carry_out(self, record: list[ServiceRequest], form: Any) -> None:
        self.verdict(record).enforce()
        keys, to = chosen(self.request), form.cleaned_data["to"]
        self.message = describe(assign_together(keys, to, by=self.request.user), len(keys), to)

    def refuse(self, record: list[ServiceRequest], form: Any, verdict: Verdict) -> HttpResponse:
        return super().refuse(self.get_record(), form, verdict)  # what may still be assigned: others may be faster

    def back_url(self, record: object) -> str:
        return reverse("services:dispatch")

    def success_url(self, record: object, result: None) -> str:
        return self.back_url(record)


def ask_for_choice(request: HttpRequest) -> HttpResponse:
    messages.error(request, "没有选中您可以分配的服务请求。请在列表里勾选后再分配。")
    return redirect("services:dispatch")


def chosen(request: HttpRequest) -> set[int]:
    data = request.POST if request.method == "POST" else request.GET
    return {int(key) for key in data.getlist("ids")[:MAX_AT_ONCE] if key.isdecimal() and len(key) < 19}


def assignable(keys: set[int], by: User, *, lock: bool = False) -> list[ServiceRequest]:
    """Return those of the requests that the user may assign now."""
    rows = ServiceRequest.objects.visible_to(by).filter(pk__in=keys).order_by("pk")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    return [one for one in rows.select_related(*RELATED) if one.can_assign(by)]


@in_transaction
def assign_together(keys: set[int], to: User, *, by: User) -> int:
    """Assign those of the requests that the user may assign now, and return their number."""
    lock_in_order(to)
    requests = assignable(keys, by, lock=True)
    refuse_if(not requests, "没有可以分配的服务请求，可能已由别人分配。").enforce()
    for one in requests:
        one.assign(to, by=by)
    return len(requests)


def describe(count: int, chosen_count: int, to: User) -> str:
    also = f"另外 {chosen_count - count} 个不能分配，已略去。" if count < chosen_count else ""
    return f"已把 {count} 个服务请求分配给 {to}。{also}"
