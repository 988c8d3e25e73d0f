"""What a customer's page shows of opportunities: those it came from, and what is in development."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from customers.hooks import Card, Figure
from customers.models import Customer
from kit.domain.money import shorten_amount

from .opportunities.forecasts import sum_forecasts
from .opportunities.models import Opportunity


def draw_customer_card(customer: Customer, user: User) -> Card:
    """Return the newest opportunities in view, as a queryset: a tab of the page does without them."""
    opportunities = Opportunity.objects.filter(customer=customer).visible_to(user)[:5]
    return Card("marketing/customer_card.html", {"opportunities": opportunities})


def draw_open_opportunities(customer: Customer, user: User) -> Figure | None:
    """Return 进行中的机会: number and 预计金额 of the open opportunities in view, by the customer's name."""
    rows = Opportunity.objects.all()
    if not user.has_perm(rows.view_permission):
        return None
    totals = sum_forecasts(rows.of_customer(customer).open().visible_to(user))
    if not totals.number:
        return Figure("进行中的机会", "0", "个")
    query = {"status": "all", "open": "true", "total": "true", "of_customer_number": customer.number}
    url = f"{reverse('marketing:opportunity_list')}?{urlencode(query)}"
    note = f"预计 {shorten_amount(totals.amount)}" if totals.amount else "没有预计金额"
    return Figure("进行中的机会", f"{totals.number:,}", "个", note, url)
