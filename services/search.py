"""Service requests in the global search: by number, summary, organisation or customer."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import User
from customers.models import Customer
from kit.sql.first_rows import first_rows

from .requests.models import ServiceRequest


def find_requests(user: User, text: str) -> list[ServiceRequest]:
    """Return the first requests in view that the text finds."""
    own = Q(number__contains_text=text) | Q(summary__contains_text=text) | Q(organisation__contains_text=text)
    conditions = [own, Q(customer__in=Customer.objects.filter(name__contains_text=text).values("pk"))]
    rows = ServiceRequest.objects.visible_to(user).select_related("kind", "customer", "assignee")
    return first_rows(rows.order_by("-created_at", "-pk"), conditions)
