"""Orders by month: totals, and the bars of a sparkline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Case, Count, QuerySet, Value, When
from django.db.models.functions import TruncMonth
from django.utils import timezone

from kit.domain.days import midnight
from kit.domain.money import format_yuan
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
    words: str  # the figure, as it is read out
    css: str = ""  # "run": the month is not over; "z": nothing in it, or less

    @property
    def right(self) -> float:
        return round(self.x + 13, 1)


def month_start_before(day: date, months: int) -> date:
    """Return the first day of the month so many months before."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def totals_by_month(orders: QuerySet[Order], last: date) -> dict[date, Decimal]:
    """Return {first of the month: exact sum} of the MONTHS up to this one, by the order's month in Shanghai."""
    since = orders.filter(ordered_at__gte=midnight(month_start_before(last, SPARKLINE_MONTHS - 1)))
    sums = since.annotate(month=TruncMonth("ordered_at")).values_list("month").annotate(sum=ExactSum("total"))
    return {timezone.localtime(month).date(): total for month, total in sums.order_by()}


class Sales(NamedTuple):
    """Exact sums of a customer's orders. earlier: that of a time asked for, None without orders in it."""

    by_month: dict[date, Decimal]
    orders: int
    earlier: Decimal | None

    @property
    def total(self) -> Decimal:
        return add_up(self.by_month.values())


def read_sales(orders: QuerySet[Order], start: datetime, end: datetime) -> Sales:
    """Add up orders by their month in Shanghai, and those from start up to before end, in one query."""
    is_earlier = Case(When(ordered_at__gte=start, ordered_at__lt=end, then=Value(True)), default=Value(False))
    groups = orders.annotate(month=TruncMonth("ordered_at"), is_earlier=is_earlier).order_by()
    rows = groups.values_list("month", "is_earlier").annotate(sum=ExactSum("total"), count=Count("pk"))
    by_month: dict[date, Decimal] = {}
    earlier, orders_counted = [], 0
    for month, asked_for, total, number in rows:
        day = timezone.localtime(month).date()
        by_month[day] = by_month.get(day, Decimal(0)) + total
        earlier += [total] if asked_for else []
        orders_counted += number
    return Sales(by_month, orders_counted, add_up(earlier) if earlier else None)


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def build_bars(
    totals: dict[date, Decimal],
    last: date,
    mark: Decimal = Decimal(0),
    write: Callable[[Decimal], str] = lambda total: f"{format_yuan(total)} 元",
) -> list[Bar]:
    """Return the MONTHS up to this one; without sales, or with more returns than sales, a month is a line.

    mark: another figure that shall fit into the drawing. write: writes a month's figure.
    """
    months = [month_start_before(last, back) for back in reversed(range(SPARKLINE_MONTHS))]
    values = [totals.get(month, Decimal(0)) for month in months]
    highest, width = max([*values, mark, Decimal(1)]), 280 / SPARKLINE_MONTHS
    running, result = timezone.localdate().replace(day=1), []
    for place, (month, value) in enumerate(zip(months, values, strict=True)):
        height = height_of(value, highest)
        css = "run" if month == running and value > 0 else "z" if value <= 0 else ""
        result.append(Bar(month, value, round(place * width + 1, 1), round(72 - height, 1), height, write(value), css))
    return result


def height_of(value: Decimal, highest: Decimal) -> float:
    """Return how high a figure stands in .spark, with 4 units of air above the highest."""
    return max(2.0, round(68 * float(value / highest), 1))
