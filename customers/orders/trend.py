"""Orders by month: totals, and the bars of a sparkline."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import TruncMonth
from django.utils import timezone

from kit.domain.days import midnight
from kit.sql.exact_sum import ExactSum

if TYPE_CHECKING:
    from .models import Order

SPARKLINE_MONTHS = 18


class Bar(NamedTuple):
    """One month of the sparkline: position and height in the units of .spark, 280 × 72."""

    month: date
    total: Decimal
    x: float
    y: float
    height: float


def month_start_before(day: date, months: int) -> date:
    """Return the first day of the month so many months before."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def totals_by_month(orders: QuerySet[Order], last: date) -> dict[date, Decimal]:
    """Return {first of the month: exact sum} of the MONTHS up to this one, by the order's month in Shanghai."""
    since = orders.filter(ordered_at__gte=midnight(month_start_before(last, SPARKLINE_MONTHS - 1)))
    sums = since.annotate(month=TruncMonth("ordered_at")).values_list("month").annotate(sum=ExactSum("total"))
    return {timezone.localtime(month).date(): total for month, total in sums.order_by()}


def build_bars(totals: dict[date, Decimal], last: date) -> list[Bar]:
    """Return the MONTHS up to this one; without sales, or with more returns than sales, a month is a line."""
    months = [month_start_before(last, back) for back in reversed(range(SPARKLINE_MONTHS))]
    values = [totals.get(month, Decimal(0)) for month in months]
    highest, width = max([*values, Decimal(1)]), 280 / SPARKLINE_MONTHS
    result = []
    for place, (month, value) in enumerate(zip(months, values, strict=True)):
        height = max(2.0, round(68 * float(value / highest), 1))
        result.append(Bar(month, value, round(place * width + 1, 1), round(72 - height, 1), height))
    return result
