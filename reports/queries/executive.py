"""Figures of an executive's home page: this month against the last, and the months before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.utils import timezone

from accounts.models import User
from customers.models import ChurnCase, Customer, Order
from customers.orders.trend import month_start_before, totals_by_month
from customers.orders.versioned_cache import cached
from kit.domain.days import midnight
from kit.sql.exact_sum import ExactSum
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


def revenue_up_to_day(user: User, first: date, day: date) -> Decimal:
    """Return the revenue from a month's first day up to a later one, cached as that of the months."""
    orders = Order.objects.visible_to(user).revenue()
    if not user.has_perm(orders.view_permission) or not user.has_perm(Customer.objects.all().view_permission):
        return Decimal(0)
    key = ("orders up to day", visible_customers_key(user), first, day)
    rows = orders.filter(ordered_at__gte=midnight(first), ordered_at__lt=midnight(day + timedelta(days=1)))
    return cached(user, key, lambda: rows.order_by().aggregate(sum=ExactSum("total"))["sum"] or Decimal(0))


def losses_up_to_day(user: User, first: date, day: date) -> int:
    """Count the losses confirmed from a month's first day up to a later one."""
    end = midnight(day + timedelta(days=1))
    return (
        ChurnCase.objects.visible_to(user).counted().filter(confirmed_at__gte=midnight(first), confirmed_at__lt=end)
    ).count()


def requests_up_to_day(user: User, first: date, day: date) -> int:
    """Count the requests created from a month's first day up to a later one."""
    return service.created_in(ServiceRequest.objects.visible_to(user), Period(first, day)).count()


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
    months: list[pipeline.MonthLine]  # those of the span, and before them as many as a win rate takes
    last_months: list[pipeline.MonthLine]
    won: int
    closed: int

    @property
    def win_rates(self) -> dict[date, Decimal | None]:
        """Return {first of the month: rate of the WIN_MONTHS up to it}."""
        ends = range(WIN_MONTHS - 1, len(self.months))
        spans = [self.months[end + 1 - WIN_MONTHS : end + 1] for end in ends]
        return {
            span[-1].first: pipeline.win_rate(sum(line.won for line in span), sum(line.lost for line in span))
            for span in spans
        }

    @property
    def win_rate(self) -> Decimal | None:
        return percent(self.won, self.closed)


def opportunity_counts(user: User, span: Period) -> OpportunityCounts:
    rows = Opportunity.objects.visible_to(user)
    total = pipeline.total(pipeline.groups(rows, span).values())
    months = pipeline.by_month(rows, Period(month_start_before(span.first, WIN_MONTHS - 1), span.last))
    last_months = months[-WIN_MONTHS:]
    won, closed = sum(line.won for line in last_months), sum(line.won + line.lost for line in last_months)
    return OpportunityCounts(total, months, last_months, won, closed)
