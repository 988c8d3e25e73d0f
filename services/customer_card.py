"""Service requests on a customer's page."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from customers.hooks import Card
from customers.models import Customer

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
        "complaints": list(complaints.order_by("-created_at", "-pk")[: SHOWN * 2]),
        "since": year_ago,
    }
    return Card("services/customer_card.html", facts)
