"""The opportunities a customer came from, on its page."""

from __future__ import annotations

from accounts.models import User
from customers.hooks import Card
from customers.models import Customer

from .opportunities.models import Opportunity


def draw_customer_card(customer: Customer, user: User) -> Card:
    """Return the newest opportunities in view, as a queryset: a tab of the page does without them."""
    opportunities = Opportunity.objects.filter(customer=customer).visible_to(user)[:5]
    return Card("marketing/customer_card.html", {"opportunities": opportunities})
