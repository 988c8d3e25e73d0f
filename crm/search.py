"""/search/: records in the user's view, as each module finds them; and the caller with a phone number."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.models import User
from customers.contacts.callers import customers_by_phone
from customers.models import Customer
from customers.records.lookup_limits import LOOKUP_PAUSED, LookupResult, look_up
from kit.domain.modules import modules
from kit.pages.export_requests import is_cross_site, is_prefetch
from kit.sql.first_rows import MOST

MAX_LENGTH = 100


class Search(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        if "phone" in request.GET:
            return find_caller(request, request.GET["phone"].strip()[:MAX_LENGTH])
        user = cast(User, request.user)
        typed = request.GET.get("q", "").strip()
        text = typed[:MAX_LENGTH]
        context: dict[str, Any] = {"q": text, "title": "搜索", "help_anchor": "search", "limit": MOST}
        context["cut"] = len(typed) > MAX_LENGTH and MAX_LENGTH
        if text:
            parts = [module.search for module in modules() if module.search]
            context["pages"] = [page for part in parts if part.find_pages for page in part.find_pages(user, text)]
            results = [(part, part.find(user, text)) for part in parts]
            context["parts"] = [(part, rows) for part, rows in results if rows]
        return render(request, "search.html", context)


def find_caller(request: HttpRequest, phone: str) -> HttpResponse:
    """Open the caller's page for a telephone system: /search/?phone=.

    Users who create service requests find any customer, as in their picker: of a colleague's only the name, and each
    look is counted; so nothing for another site that leads here.
    For everybody else a number finds what searching finds: customers in view, by numbers that are not masked.
    """
    user = cast(User, request.user)
    serves = user.has_perm("services.add_servicerequest")
    visible = Customer.objects.visible_to(user)
    rows = customers_by_phone(phone) if serves else customers_by_phone(phone, by=user).filter(pk__in=visible)
    led_here = serves and (is_cross_site(request) or is_prefetch(request))
    rows = rows.select_related("manager").order_by("pk")
    callers = LookupResult(list(rows.filter(pk__in=visible)[:MOST]), []) if led_here else look_up(user, rows[:MOST])
    if len(callers.seen) == 1 and not callers.beyond:
        return redirect(callers.seen[0])
    context = {
        "phone": phone,
        "callers": callers.seen,
        "foreign": callers.beyond,
        "paused": LOOKUP_PAUSED if serves and callers.paused else "",
        "led_here": led_here,
        "title": "来电",
        "help_anchor": "search",
    }
    return render(request, "caller.html", context)
