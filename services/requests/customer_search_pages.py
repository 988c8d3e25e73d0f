"""Customer search for the request form: htmx suggestions, and a page without JavaScript."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import View

from customers.records.lookup_limits import LOOKUP_PAUSED
from kit.pages.export_requests import is_cross_site, is_prefetch

from .customer_search import find_customers, find_exact
from .models import ServiceRequest
from .pages import contact_suggestions

MAX_QUERY_LENGTH = 140


class ForCreators(View):
    """Base of the searches: only for users who may create requests."""

    request: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.request.user.has_perm(ServiceRequest.create.permission):
            raise PermissionDenied("您的角色不能创建服务请求。")
        return super().dispatch(request, *args, **kwargs)


class FindCustomer(ForCreators):
    def get(self, request: HttpRequest) -> HttpResponse:
        query = request.GET.get("customer", "").strip()
        text = query[:MAX_QUERY_LENGTH]
        is_deliberate = not (is_prefetch(request) or is_cross_site(request))
        answer = find_customers(self.request.user, text, beyond=is_deliberate)
        context: dict[str, Any] = {"q": text, "found": answer, "title": "查找客户", "help_anchor": "services"}
        context["paused"] = LOOKUP_PAUSED if answer.paused else ""
        context["cut"] = len(query) > MAX_QUERY_LENGTH and MAX_QUERY_LENGTH
        crumbs = (("服务管理", ""), ("服务创建", "services:request_create"))
        template = "services/picker_options.html" if self.request.htmx else "services/picker.html"
        response = render(request, template, {**context, "crumbs": crumbs})
        response["Vary"] = "HX-Request, Cookie"
        return response


class FindContacts(ForCreators):
    """Suggest the contacts of the chosen customer."""

    def get(self, request: HttpRequest) -> HttpResponse:
        customers = find_exact(request.GET.get("customer", "").strip()[:MAX_QUERY_LENGTH])
        contacts = contact_suggestions(self.request.user, customers[0].pk) if len(customers) == 1 else []
        return render(request, "services/contact_options.html", {"contacts": contacts})
