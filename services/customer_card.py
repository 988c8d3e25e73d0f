"""Service requests on a customer's page."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, F, Min, Q
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


def draw_customer_card(customer: Customer, user: User) -> Card | None:
    """Return open requests, the newest closed ones, and the complaints of the last 12 months."""
    if not user.has_perm("services.view_servicerequest"):
        return None
    rows = ServiceRequest.objects.filter(customer=customer).visible_to(user)
    year_ago = timezone.now() - timedelta(days=365)
    complaints = rows.filter(kind__value=COMPLAINT, created_at__gte=year_ago).select_related("cause")
    newest = rows.select_related("kind", "assignee").order_by(F("archived_at").desc(nulls_first=True), "-created_at")
    shown_requests = list(newest[: SHOWN * 2])
    facts = {
        "open": [one for one in shown_requests if one.archived_at is None],
        "closed": [one for one in shown_requests if one.archived_at is not None][:SHOWN],
        "complaints": list(complaints.order_by("-created_at", "-pk")[: SHOWN * 2]) if shown_requests else [],
        "since": year_ago,
    }
    return Card("services/customer_card.html", facts)


def draw_open_requests(customer: Customer, user: User) -> Figure | None:
    """Return 未结服务: the customer's requests in view that are not archived, and when the next one is due."""
    if not user.has_perm("services.view_servicerequest"):
        return None
    rows = ServiceRequest.objects.filter(customer=customer).visible_to(user).open().order_by()
    is_running = Q(status__in=("new", "assigned"), waiting_since=None)
    sums = rows.aggregate(number=Count("pk"), due=Min("due_at", filter=is_running))
    if not sums["number"]:
        return Figure("未结服务", "0", "件")
    query = urlencode({"status": "all", "open": "true", "of_customer_number": customer.number})
    is_late = sums["due"] is not None and sums["due"] < timezone.now()
    day = show_day(sums["due"])
    note = f"{'已逾期，' if is_late else ''}最近的应在 {day} 前处理" if sums["due"] else "没有在计时的"
    url = f"{reverse('services:archive')}?{query}"
    return Figure("未结服务", f"{sums['number']:,}", "件", note, url, "red" if is_late else "")
