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
from kit.domain.modules import HitGroup, modules
from kit.domain.search_words import MAX_TYPED, SearchQuery, read_query
from kit.pages.export_requests import is_cross_site, is_prefetch
from kit.sql.first_rows import MOST

HEADINGS = ("客户", "联系人", "机会与服务", "订单与产品")


class Search(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        if "phone" in request.GET:
            return find_caller(request, request.GET["phone"].strip()[:MAX_TYPED])
        user = cast(User, request.user)
        typed = request.GET.get("q", "").strip()
        text = typed[:MAX_TYPED]
        context: dict[str, Any] = {"q": text, "title": "搜索", "help_anchor": "search", "limit": MOST}
        context["cut"] = len(typed) > MAX_TYPED and MAX_TYPED
        if text:
            context["pages"] = find_lists(user, text)
            context["groups"] = find_groups(user, read_query(text), MOST)
        return render(request, "search.html", context)


def find_lists(user: User, text: str) -> list[tuple[str, str]]:
    """Return (words, URL) of the lists that the text names."""
    parts = [module.search for module in modules() if module.search]
    return [page for part in parts if part.find_pages for page in part.find_pages(user, text)]


def find_groups(user: User, query: SearchQuery, limit: int) -> list[HitGroup]:
    """Return what the words find in view, at most so many of each kind; kinds of which there are none are left out."""
    parts = [module.search for module in modules() if module.search] if query else []
    groups = [group for part in parts for group in part.find(user, query, limit) if group.hits]
    return sorted(groups, key=lambda group: HEADINGS.index(group.heading))


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
