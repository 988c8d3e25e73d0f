"""/search/: customers and opportunities in the person's view, by name, number, contact, phone or pinyin."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from customers.models import ChurnCase, Contact, Customer
from marketing.models import Opportunity

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
        text = request.GET.get("q", "").strip()[:MAX_LENGTH]
        context: dict[str, Any] = {"q": text, "title": "搜索", "help_anchor": "search", "limit": LIMIT}
        if text:
            context["pages"] = find_pages(request.user, text)
            context["customers"] = find_customers(request.user, text)
            context["opportunities"] = find_opportunities(request.user, text)
        return render(request, "search.html", context)


def find_pages(user: Any, text: str) -> list[tuple[str, str]]:
    """(words, address) of the lists that the text names."""
    state = CHURN_STATES.get(text)
    if state is None or not user.has_perm("customers.view_churncase"):
        return []
    label = dict(ChurnCase.Status.choices).get(state, "全部")
    return [(f"客户流失管理：{label}", f"{reverse('customers:churn_list')}?status={state}")]


def find_customers(user: Any, text: str) -> list[Customer]:
    people = Contact.objects.filter(Q(name__icontains=text) | Q(office_phone__contains=text) | Q(mobile__contains=text))
    match = (
        Q(name__icontains=text)
        | Q(number__icontains=text)
        | Q(external_number__iexact=text)
        | Q(phone__contains=text)
        | Q(pk__in=people.values("customer"))
        | Q(pk__in=Customer.objects.filter(merged_into__isnull=False, number__iexact=text).values("merged_into"))
    )
    if text.isascii() and text.isalpha():
        match |= Q(name_initials__startswith=text.lower()) | Q(name_pinyin__startswith=text.lower())
    rows = Customer.objects.visible_to(user).filter(match)
    return list(rows.select_related("manager", "level").order_by("name_pinyin", "pk")[: LIMIT + 1])


def find_opportunities(user: Any, text: str) -> list[Opportunity]:
    match = (
        Q(customer_name__icontains=text)
        | Q(summary__icontains=text)
        | Q(contact_name__icontains=text)
        | Q(contact_phone__contains=text)
    )
    if text.isdecimal() and len(text) < 19:
        match |= Q(pk=int(text))
    rows = Opportunity.objects.visible_to(user).filter(match)
    return list(rows.select_related("assignee").order_by("-created_at", "-pk")[: LIMIT + 1])
