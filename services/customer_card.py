"""Service requests on a customer's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, Window
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from customers.hooks import Card, Figure
from customers.models import Customer
from kit.domain.days import show_day

from .requests.models import ServiceRequest

COMPLAINT = "3"  # the value of 投诉: its name may be changed
SHOWN = 5
SHOWN_FIELDS = (
    "number", "summary", "status", "created_at", "archived_at", "satisfaction", "waiting_since", "due_at", "kind__item",
    "assignee__name", "assignee__username",
)  # fmt: skip


def draw_customer_card(customer: Customer, user: User) -> Card | None:
    """Return open requests, the newest closed ones, the complaints of the last 12 months, and 未结服务."""
    if not user.has_perm("services.view_servicerequest"):
        return None
    rows = ServiceRequest.objects.filter(customer=customer).visible_to(user)
    year_ago = timezone.now() - timedelta(days=365)
    is_complaint, is_open = Q(kind__value=COMPLAINT, created_at__gte=year_ago), ~Q(status="archived")
    is_running = Q(status__in=("new", "assigned"), waiting_since=None)
    counted: Any = rows.annotate(
        complaints=Window(Count("pk", filter=is_complaint)),
        unfinished=Window(Count("pk", filter=is_open)),
        next_due=Window(Min("due_at", filter=is_open & is_running)),
    )
    newest = counted.select_related("kind", "assignee").order_by(F("archived_at").desc(nulls_first=True), "-created_at")
    shown_requests = list(newest.only(*SHOWN_FIELDS)[: SHOWN * 2])
    complaints = rows.filter(is_complaint).select_related("cause").order_by("-created_at", "-pk")
    first = shown_requests[0] if shown_requests else None
    facts = {
        "open": [one for one in shown_requests if one.archived_at is None],
        "closed": [one for one in shown_requests if one.archived_at is not None][:SHOWN],
        "complaints": list(complaints[: SHOWN * 2]) if first and first.complaints else [],
        "since": year_ago,
    }
    figure = open_figure(customer, first.unfinished, first.next_due) if first else open_figure(customer, 0, None)
    return Card("services/customer_card.html", facts, figure)


def open_figure(customer: Customer, number: int, due: datetime | None) -> Figure:
    """Return 未结服务: the customer's requests in view that are not archived, and when the next one is due."""
    if not number:
        return Figure("未结服务", "0", "件")
    query = urlencode({"status": "all", "open": "true", "of_customer_number": customer.number})
    is_late = due is not None and due < timezone.now()
    note = f"{'已逾期，' if is_late else ''}最近的应在 {show_day(due)} 前处理" if due else "没有在计时的"
    url = f"{reverse('services:archive')}?{query}"
    return Figure("未结服务", f"{number:,}", "件", note, url, "red" if is_late else "")
