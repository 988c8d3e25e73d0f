"""/search/: customers and opportunities in the person's view, by name, number, contact, phone or pinyin."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.details import SEE
from customers.callers import customers_of_phone
from customers.models import ChurnCase, Contact, Customer
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
}
MAX_LENGTH = 100


class Search(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        if "phone" in request.GET:
            return find_caller(request, request.GET["phone"].strip()[:MAX_LENGTH])
        text = request.GET.get("q", "").strip()[:MAX_LENGTH]
        context: dict[str, Any] = {"q": text, "title": "搜索", "help_anchor": "search", "limit": LIMIT}
        if text:
            context["pages"] = find_pages(request.user, text)
            context["customers"] = find_customers(request.user, text)
            context["opportunities"] = find_opportunities(request.user, text)
            context["requests"] = find_requests(request.user, text)
        return render(request, "search.html", context)


def find_pages(user: Any, text: str) -> list[tuple[str, str]]:
    """(words, address) of the lists that the text names."""
    state = CHURN_STATES.get(text)
    if state is None or not user.has_perm("customers.view_churncase"):
        return []
    label = dict(ChurnCase.Status.choices).get(state, "全部")
    return [(f"客户流失管理：{label}", f"{reverse('customers:churn_list')}?status={state}")]


def find_customers(user: Any, text: str) -> list[Customer]:
    people = Contact.objects.filter(name__icontains=text)
    match = (
        Q(name__icontains=text)
        | Q(number__icontains=text)
        | Q(external_number__iexact=text)
        | Q(pk__in=people.values("customer"))
        | Q(pk__in=Customer.objects.filter(merged_into__isnull=False, number__iexact=text).values("merged_into"))
    )
    if user.has_perm(SEE):  # a number that is masked for the person cannot be guessed by searching
        numbers = Contact.objects.detailed_for(user).filter(Q(office_phone__contains=text) | Q(mobile__contains=text))
        match |= Q(pk__in=Customer.objects.detailed_for(user).filter(phone__contains=text).values("pk"))
        match |= Q(pk__in=numbers.values("customer"))
    if text.isascii() and text.isalpha():
        match |= Q(name_initials__startswith=text.lower()) | Q(name_pinyin__startswith=text.lower())
    rows = Customer.objects.visible_to(user).filter(match)
    return list(rows.select_related("manager", "level").order_by("name_pinyin", "pk")[: LIMIT + 1])


def find_opportunities(user: Any, text: str) -> list[Opportunity]:
    match = Q(customer_name__icontains=text) | Q(summary__icontains=text) | Q(contact_name__icontains=text)
    if user.has_perm(SEE):
        match |= Q(pk__in=Opportunity.objects.detailed_for(user).filter(contact_phone__contains=text).values("pk"))
    if text.isdecimal() and len(text) < 19:
        match |= Q(pk=int(text))
    rows = Opportunity.objects.visible_to(user).filter(match)
    return list(rows.select_related("assignee").order_by("-created_at", "-pk")[: LIMIT + 1])


def find_requests(user: Any, text: str) -> list[ServiceRequest]:
    match = (
        Q(number__istartswith=text)
        | Q(summary__icontains=text)
        | Q(organisation__icontains=text)
        | Q(customer__name__icontains=text)
    )
    rows = ServiceRequest.objects.visible_to(user).filter(match)
    return list(rows.select_related("kind", "customer", "assignee").order_by("-created_at", "-pk")[: LIMIT + 1])


def find_caller(request: HttpRequest, phone: str) -> HttpResponse:
    """/search/?phone=: a telephone system opens the caller's page; of a colleague's customer only the name is shown."""
    user: Any = request.user
    may_see = user.has_perm("customers.view_customer")
    found = list(customers_of_phone(phone).select_related("manager").order_by("pk")[:LIMIT]) if may_see else []
    seen = set(Customer.objects.visible_to(user).filter(pk__in=[one.pk for one in found]).values_list("pk", flat=True))
    if len(found) == 1 and seen:
        return redirect(found[0])
    context = {
        "phone": phone,
        "callers": [one for one in found if one.pk in seen],
        "foreign": [one for one in found if one.pk not in seen],
        "title": "来电",
        "help_anchor": "search",
    }
    return render(request, "caller.html", context)
