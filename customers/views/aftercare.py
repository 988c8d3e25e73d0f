"""Service requests on the customer's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import User

from ..models import Customer

COMPLAINT = "3"  # the value of 投诉: its name may be changed
SHOWN = 5


def services_card(customer: Customer, user: User) -> dict[str, Any] | None:
    """Open requests, the newest closed ones, and the complaints of the last 12 months; None without the right."""
    if not user.has_perm("services.view_servicerequest"):
        return None
    rows: Any = customer.service_requests.visible_to(user)  # type: ignore[attr-defined]
    year_ago = timezone.now() - timedelta(days=365)
    complaints = rows.filter(kind__value=COMPLAINT, created_at__gte=year_ago).select_related("cause")
    newest = rows.select_related("kind", "assignee").order_by(F("archived_at").desc(nulls_first=True), "-created_at")
    shown = list(newest[: SHOWN * 2])
    return {
        "open": [one for one in shown if one.archived_at is None],
        "closed": [one for one in shown if one.archived_at is not None][:SHOWN],
        "complaints": list(complaints.order_by("-created_at", "-pk")[: SHOWN * 2]),
        "since": year_ago,
    }
