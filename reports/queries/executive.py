"""Figures of an executive's home page: this month against the last, and the months before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.utils import timezone

from accounts.models import User
from customers.models import ChurnCase, Customer, Order
from customers.orders.trend import totals_by_month
from customers.orders.versioned_cache import cached
from marketing.models import Opportunity
from reports.figure_cells import percent
from services.models import ServiceRequest

from ..periods import Period
from . import pipeline, service
from .churn import load_case_lines
from .churn_rates import Month, monthly_rates
from .contribution import visible_customers_key

WIN_MONTHS = 12  # of the win rate


def revenue_by_month(user: User, this: date) -> dict[date, Decimal]:
    """Return {first of the month: revenue}, cached until orders or the user's view change: home is opened often."""
    orders = Order.objects.visible_to(user).revenue()
    if not user.has_perm(orders.view_permission) or not user.has_perm(Customer.objects.all().view_permission):
        return {}
    return cached(user, ("orders by month", visible_customers_key(user), this), lambda: totals_by_month(orders, this))


@dataclass(frozen=True)
class CustomerCounts:
    """total: customers in view; new: {first of the month: those created in it}."""

    total: int
    new: dict[date, Decimal]


def customer_counts(user: User, span: Period) -> CustomerCounts:
    """Return the customers in view, and those created since the span began by month."""
    rows = Customer.objects.visible_to(user)
    since = rows.filter(created_at__gte=span.begins).order_by()
    total = rows.aggregate(n=Count("pk"))["n"]
    by_month = since.annotate(month=TruncMonth("created_at")).values_list("month").annotate(n=Count("pk"))
    return CustomerCounts(total, {timezone.localtime(month).date(): Decimal(count) for month, count in by_month})


def churn_by_month(user: User, span: Period) -> list[Month]:
    customers, cases = Customer.objects.visible_to(user), ChurnCase.objects.visible_to(user).counted()
    return monthly_rates(customers, load_case_lines(cases.exclude(confirmed_at=None), span), span)


def requests_by_month(user: User, span: Period) -> dict[date, service.Group] | None:
    """Return {first of the month: its requests}; None where the user sees no requests."""
    if not user.has_perm(ServiceRequest.objects.all().view_permission):
        return None
    rows = service.created_in(ServiceRequest.objects.visible_to(user), span)
    groups = service.groups(rows, TruncMonth("created_at"))
    return {timezone.localtime(month).date(): group for month, group in groups.items()}


@dataclass(frozen=True)
class OpportunityCounts:
    """total: all opportunities that are open now or were closed in the span; won and closed: in the last months."""

    total: pipeline.Group
    months: list[pipeline.MonthLine]
    last_months: list[pipeline.MonthLine]
    won: int
    closed: int

    @property
    def win_rate(self) -> Decimal | None:
        return percent(self.won, self.closed)


def opportunity_counts(user: User, span: Period) -> OpportunityCounts:
    rows = Opportunity.objects.visible_to(user)
    total = pipeline.total(pipeline.groups(rows, span).values())
    months = pipeline.by_month(rows, span)
    last_months = months[-WIN_MONTHS:]
    won, closed = sum(line.won for line in last_months), sum(line.won + line.lost for line in last_months)
    return OpportunityCounts(total, months, last_months, won, closed)
