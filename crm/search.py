"""/search/: customers and opportunities in the person's view, by name, number, contact, phone or pinyin."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.details import SEE_PERMISSION
from customers.beyond import LOOKUP_PAUSED, LookupResult, look_up
from customers.callers import customers_by_phone
from customers.models import ChurnCase, Contact, Customer
from customers.models.rows import sounds_like
from kit.domain.folding import fold_code, fold_width, looks_like_number
from kit.pages.export_requests import is_cross_site, is_prefetch
from kit.sql.id_sets import IdSet
from marketing.models import Opportunity
from services.models import ServiceRequest

LIMIT = 20
# Words for a state that people type instead of a name: both lead to the list of that state.
CHURN_STATES = {
    "客户流失": "all",
    "预警": "warning",
    "流失预警": "warning",
    "暂缓流失": "deferred",
    "确认流失": "confirmed",
    "确定流失": "confirmed",
    "已解除": "resolved",
    "已挽回": "won_back",
    "已合并": "merged",
}
MAX_LENGTH = 100


class Search(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        if "phone" in request.GET:
            return find_caller(request, request.GET["phone"].strip()[:MAX_LENGTH])
        typed = request.GET.get("q", "").strip()
        text = typed[:MAX_LENGTH]
        context: dict[str, Any] = {"q": text, "title": "搜索", "help_anchor": "search", "limit": LIMIT}
        context["cut"] = len(typed) > MAX_LENGTH and MAX_LENGTH
        if text:
            context["pages"] = find_pages(request.user, text)
            context["customers"] = find_customers(request.user, text)
            context["opportunities"] = find_opportunities(request.user, text)
            context["requests"] = find_requests(request.user, text)
        return render(request, "search.html", context)


def find_pages(user: Any, text: str) -> list[tuple[str, str]]:
    """(words, address) of the lists that the text names."""
    state = CHURN_STATES.get(fold_width(text))
    if state is None or not user.has_perm("customers.view_churncase"):
        return []
    label = dict(ChurnCase.Status.choices).get(state, "全部")
    return [(f"客户流失管理：{label}", f"{reverse('customers:churn_list')}?status={state}")]


def find_customers(user: Any, text: str) -> list[Customer]:
    own = Q(name__contains_text=text) | Q(number__contains_text=text)
    key = fold_width(text)
    own |= Q(external_number__in={text, key, key.upper(), key.lower()})
    arms = [own, Q(pk__in=Contact.objects.filter(name__contains_text=text).values("customer"))]
    # Names, numbers and codes of a merged customer find the one it became part of.
    coded = Q(license_number__in={text, fold_code(text)}) if any(sign.isdigit() for sign in text) else Q(pk__in=())
    # No key is below 1: asked so, SQLite goes through the few that were merged, not through all customers.
    merged = Customer.objects.filter(own | coded, merged_into__gt=0)
    arms += [coded, Q(pk__in=merged.values("merged_into"))]
    if sounds := sounds_like(text):
        arms.append(sounds)
    if may_be_phone(user, text):
        own_numbers = Customer.objects.detailed_for(user).filter(phone__contains_number=text)
        arms.append(Q(pk__in=own_numbers.values("pk")))
        former = Customer.objects.filter(merged_into__in=Customer.objects.detailed_for(user))
        arms.append(Q(pk__in=former.filter(phone__contains_number=text).values("merged_into")))
        arms += [
            Q(pk__in=Contact.objects.detailed_for(user).filter(**{f"{name}__contains_number": text}).values("customer"))
            for name in ("office_phone", "mobile")
        ]
    rows = Customer.objects.visible_to(user).select_related("manager", "level")
    return first_of(rows.order_by("name_pinyin", "pk"), arms)


def find_opportunities(user: Any, text: str) -> list[Opportunity]:
    own = Q(customer_name__contains_text=text) | Q(summary__contains_text=text) | Q(contact_name__contains_text=text)
    if text.isdecimal() and len(text) < 19:
        own |= Q(pk=int(text))
    arms = [own]
    if may_be_phone(user, text):
        numbers = Opportunity.objects.detailed_for(user).filter(contact_phone__contains_number=text)
        arms.append(Q(pk__in=numbers.values("pk")))
    rows = Opportunity.objects.visible_to(user).select_related("assignee")
    return first_of(rows.order_by("-created_at", "-pk"), arms)


def find_requests(user: Any, text: str) -> list[ServiceRequest]:
    own = Q(number__contains_text=text) | Q(summary__contains_text=text) | Q(organisation__contains_text=text)
    arms = [own, Q(customer__in=Customer.objects.filter(name__contains_text=text).values("pk"))]
    rows = ServiceRequest.objects.visible_to(user).select_related("kind", "customer", "assignee")
    return first_of(rows.order_by("-created_at", "-pk"), arms)


def may_be_phone(user: Any, text: str) -> bool:
    """A number that is masked for the person cannot be guessed by searching."""
    return user.has_perm(SEE_PERMISSION) and looks_like_number(text)


def first_of(rows: Any, arms: list[Q]) -> list[Any]:
    """The first rows that meet one of the conditions.

    Each is asked alone, so that its own index serves: what comes first among all comes first among its own.
    """
    if len(arms) == 1:
        return list(rows.filter(arms[0])[: LIMIT + 1])
    found = (rows.filter(arm).values_list("pk", flat=True)[: LIMIT + 1] for arm in arms)
    return list(rows.filter(pk__in=IdSet(chain.from_iterable(found)))[: LIMIT + 1])


def find_caller(request: HttpRequest, phone: str) -> HttpResponse:
    """/search/?phone=: a telephone system opens the caller's page.

    Who creates service requests finds any customer, as in their picker: of a colleague's only the name is shown, which
    is counted, so not to another site that leads here.
    For everybody else a number finds what searching finds: customers in view, by numbers that are not masked for him.
    """
    user: Any = request.user
    serves = user.has_perm("services.add_servicerequest")
    visible = Customer.objects.visible_to(user)
    rows = customers_by_phone(phone) if serves else customers_by_phone(phone, by=user).filter(pk__in=visible)
    led_here = serves and (is_cross_site(request) or is_prefetch(request))
    rows = rows.select_related("manager").order_by("pk")
    found = LookupResult(list(rows.filter(pk__in=visible)[:LIMIT]), []) if led_here else look_up(user, rows[:LIMIT])
    if len(found.seen) == 1 and not found.beyond:
        return redirect(found.seen[0])
    context = {
        "phone": phone,
        "callers": found.seen,
        "foreign": found.beyond,
        "paused": LOOKUP_PAUSED if serves and found.paused else "",
        "led_here": led_here,
        "title": "来电",
        "help_anchor": "search",
    }
    return render(request, "caller.html", context)
