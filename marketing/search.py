"""Opportunities in the global search: by customer, summary, contact, number or phone."""

from __future__ import annotations

from django.db.models import Q

from accounts.contact_details.masking import may_search_number
from accounts.models import User
from kit.sql.first_rows import first_rows

from .opportunities.models import Opportunity


def find_opportunities(user: User, text: str) -> list[Opportunity]:
    """Return the first opportunities in view that the text finds."""
    own = Q(customer_name__contains_text=text) | Q(summary__contains_text=text) | Q(contact_name__contains_text=text)
    if text.isdecimal() and len(text) < 19:
        own |= Q(pk=int(text))
    conditions = [own]
    if may_search_number(user, text):
        numbers = Opportunity.objects.detailed_for(user).filter(contact_phone__contains_number=text)
        conditions.append(Q(pk__in=numbers.values("pk")))
    rows = Opportunity.objects.visible_to(user).select_related("assignee")
    return first_rows(rows.order_by("-created_at", "-pk"), conditions)
