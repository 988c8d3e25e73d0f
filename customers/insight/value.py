"""What a customer is worth in figures: rank and share in the viewer's view, and the year to come at today's pace."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from accounts.models import User
from customers.orders.rhythm import MIN_ORDER_DAYS
from customers.orders.rollups import revenue_version
from customers.querysets import CustomerQuerySet
from customers.records.metrics import CustomerMetrics
from customers.records.models import Customer
from kit.sql.counts import LRUCache, build_count, key_of, run_count
from kit.sql.exact_sum import ExactSum
from kit.sql.readers import connection_for_reading

MAX_RANK = 999
MIN_DAYS_OF_ESTIMATE = 90
YEAR = 365
_sums = LRUCache(256)  # a key says which customers, and the version of the figures


class Place(NamedTuple):
    """A customer among those in view by the net of 12 months. rank: None beyond MAX_RANK; share: in percent."""

    rank: int | None
    share: Decimal


def place_in_view(metrics: CustomerMetrics, user: User) -> Place | None:
    """Return rank and share among the customers in view; None for a customer without a positive net."""
    if metrics.net_12m <= 0:
        return None
    customers = Customer.objects.visible_to(user)
    is_whole = Customer.objects.view_scope(user) is None
    total = max(sum_of_view(customers, is_whole=is_whole), metrics.net_12m)
    larger = _count_larger(customers, metrics.net_12m)
    return Place(larger + 1 if larger < MAX_RANK else None, metrics.net_12m * 100 / total)


def _count_larger(customers: CustomerQuerySet, net: Decimal) -> int:
    """Count the customers with a larger net, up to MAX_RANK: by the index, and without keeping the statement."""
    sql, params = build_count([(customers.filter(metrics__net_12m__gt=net), MAX_RANK)])
    return run_count(connection_for_reading(Customer), sql, params)[0]


def sum_of_view(customers: CustomerQuerySet, *, is_whole: bool = False) -> Decimal:
    """Return the sum of their positive nets: added up once for each view and version of the figures.

    is_whole: they are all customers, so that an index answers; one with orders is never deleted.
    """

    def add_up() -> Decimal:
        positive = CustomerMetrics.objects.filter(net_12m__gt=0)
        rows = positive if is_whole else positive.filter(customer__in=customers.order_by().values("pk"))
        return rows.aggregate(sum=ExactSum("net_12m"))["sum"] or Decimal(0)

    version, key = revenue_version(), key_of([(customers, 0)])
    if version is None or key is None:
        return add_up()
    total: Decimal = _sums.get((version, key), add_up)
    return total


def format_share(percent: Decimal) -> str:
    """Format a share in percent to one place; what rounds to nothing is said to be below."""
    tenths = percent.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{tenths}%" if tenths else "不到 0.1%"


def estimate_year(metrics: CustomerMetrics) -> Decimal | None:
    """Return the next 12 months' net at the pace of the last; None where there is too little to go by."""
    first, last = metrics.first_order_on, metrics.computed_for
    if first is None or last is None or metrics.order_days < MIN_ORDER_DAYS or metrics.net_12m <= 0:
        return None
    days = (last - first).days
    return metrics.net_12m * YEAR / min(YEAR, days) if days >= MIN_DAYS_OF_ESTIMATE else None


def days_since(day: date | None, as_of: date) -> int | None:
    return (as_of - day).days if day else None
