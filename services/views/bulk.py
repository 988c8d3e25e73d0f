"""Bulk 分配 of requests."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.assign_forms import AssignForm
from kit.domain.verdict import Refused, lock_in_order, refuse_if
from kit.pages.records import FormView

from ..candidates import rank_candidates
from ..models import ServiceRequest
from .requests import RELATED

MAX_AT_ONCE = 200


class AssignRequests(FormView):
    """Assign the requests chosen on 服务分配 to one account manager; those the user may not assign are left out."""

    model, form_class = ServiceRequest, AssignForm
    template_name = "services/assign_many.html"
    title, crumbs, help = "分配服务请求", (("服务管理", ""), ("服务分配", "services:dispatch")), "services"
    submit_label = "分配"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("services.assign_servicerequest"):
            raise PermissionDenied("您的角色不能分配服务请求。")
        return super().dispatch(request, *args, **kwargs)

    def chosen(self) -> set[int]:
        data = self.request.POST if self.request.method == "POST" else self.request.GET
        return {int(key) for key in data.getlist("ids")[:MAX_AT_ONCE] if key.isdecimal() and len(key) < 19}

    def requests(self, lock: bool = False) -> list[ServiceRequest]:
        """Return the chosen requests that the user may assign now."""
        rows = ServiceRequest.objects.visible_to(self.request.user).filter(pk__in=self.chosen()).order_by("pk")
        rows = rows.select_for_update(of=("self",)) if lock else rows
        return [one for one in rows.select_related(*RELATED) if one.can_assign(self.request.user)]

    def form_options(self, record: None) -> dict[str, Any]:
        return {"candidates": ServiceRequest.candidates(self.request.user)}

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        requests = self.requests()
        if not requests:
            messages.error(request, "没有选中您可以分配的服务请求。请在列表里勾选后再分配。")
            return redirect("services:dispatch")
        return self.show(requests, self.make_form(None))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = self.make_form(None, request.POST)
        if not form.is_valid():
            return self.show(self.requests(), form)
        try:
            return self.carry_out(None, form)
        except Refused as refused:
            return self.refuse(self.requests(), form, refused.verdict)

    def perform(self, record: None, form: Any) -> None:
        with transaction.atomic():
            lock_in_order(form.cleaned_data["to"])
            requests = self.requests(lock=True)
            refuse_if(not requests, "没有可以分配的服务请求，可能已由别人分配。").enforce()
            for one in requests:
                one.assign(form.cleaned_data["to"], by=self.request.user)
        left_out = len(self.chosen()) - len(requests)
        also = f"另外 {left_out} 个不能分配，已略去。" if left_out else ""
        self.message = f"已把 {len(requests)} 个服务请求分配给 {form.cleaned_data['to']}。{also}"

    def context(self, record: list[ServiceRequest], form: Any) -> dict[str, Any]:
        people = ServiceRequest.candidates(self.request.user).prefetch_related("regions")
        left_out = len(self.chosen()) - len(record)
        return {"requests": record, "left_out": left_out, "candidates": rank_candidates(record, people)}

    def back_url(self, record: object) -> str:
        return reverse("services:dispatch")

    def success_url(self, record: object, result: Any) -> str:
        return self.back_url(record)
