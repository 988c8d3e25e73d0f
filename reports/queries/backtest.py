"""预警回测: how often the alerts of past months were right, from the rows that the monthly job keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from customers.churn.rule import usual_period
from customers.insight.alerts import AlertLevel
from customers.models import BacktestMonth, BacktestRow, Order
from kit.domain.days import midnight
from kit.sql.id_sets import IdSet

from ..figure_cells import percent
from .churn import SMALL_SAMPLE
from .moved_away import count_moved_away
from .people import ChosenPeople

MONTHS = 12
SHOWN_MISSES = 10
RED = Q(light=AlertLevel.RED)
LIT = ~Q(light="")
RULES = {
    "red": ("晚于惯常（红）", RED),
    "lit": ("晚于惯常 + 该下单了", LIT),
    "six": (f"{usual_period()}规则", Q(six=True)),
}
GONE = Q(gone=True)


@dataclass
class Counts:
    """What happened at one month's end, or in all of them. lit: red and amber together."""

    month_end: date | None
    eligible: int = 0
    gone: int = 0
    red: int = 0
    red_gone: int = 0
    lit: int = 0
    lit_gone: int = 0
    six: int = 0
    six_gone: int = 0

    @property
    def base_rate(self) -> Decimal | None:
        return percent(self.gone, self.eligible)


@dataclass(frozen=True)
class RuleResult:
    """One rule over all months. A rate of fewer than five alerts says nothing: None."""

    name: str
    label: str
    alerted: int
    hit: int
    gone: int

    @property
    def missed(self) -> int:
        return self.gone - self.hit

    @property
    def precision(self) -> Decimal | None:
        return percent(self.hit, self.alerted) if self.alerted >= SMALL_SAMPLE else None

    @property
    def recall(self) -> Decimal | None:
        return percent(self.hit, self.gone) if self.alerted >= SMALL_SAMPLE else None


@dataclass(frozen=True)
class BacktestFigures:
    """months: newest first. person_months: how many 客户经理 had customers that could be judged, month by month."""

    months: list[Counts]
    total: Counts
    rules: dict[str, RuleResult]
    person_months: int

    @property
    def since(self) -> date:
        return min(month.month_end for month in self.months if month.month_end)

    @property
    def until(self) -> date:
        return max(month.month_end for month in self.months if month.month_end)


def backtest_figures(user: User, people: ChosenPeople) -> BacktestFigures | None:
    """Return the figures of the company's last twelve month-ends in view; None while nobody could be judged."""
    judged = BacktestMonth.objects.order_by("-month_end").values_list("month_end").annotate(Count("pk"))
    ends = [end for end, _ in judged[:MONTHS]]
    kept = people.filter(BacktestMonth.objects.visible_to(user), "manager").filter(month_end__in=ends)
    months = list(kept.order_by("-month_end").values_list("month_end").annotate(Sum("eligible"), Count("manager")))
    if not months:
        return None
    rows = rows_in_view(user, people, months[-1][0])
    read: Any = rows.order_by().values_list("month_end").annotate(**_aggregates())
    counted = {end: counts for end, *counts in read}
    moved = count_moved_away(user, people, [end for end, *_ in months])
    lines = [Counts(end, max(eligible - moved.get(end, 0), 0), *counted.get(end, ())) for end, eligible, _ in months]
    total = Counts(None)
    for name in Counts.__dataclass_fields__.keys() - {"month_end"}:
        setattr(total, name, sum(getattr(line, name) for line in lines))
    return BacktestFigures(lines, total, _results(total), sum(people for *_, people in months))


def rows_in_view(user: User, people: ChosenPeople, since: date) -> QuerySet[BacktestRow]:
    return people.filter(BacktestRow.objects.visible_to(user), "manager").filter(month_end__gte=since)


def _aggregates() -> dict[str, Count]:
    """Return the counts in the order of the fields of Counts, under names that no column has."""
    counts = {"n_gone": Count("pk", filter=GONE)}
    for name, (_, rule) in RULES.items():
        counts |= {f"n_{name}": Count("pk", filter=rule), f"n_{name}_gone": Count("pk", filter=rule & GONE)}
    return counts


def _results(total: Counts) -> dict[str, RuleResult]:
    return {
        name: RuleResult(name, label, getattr(total, name), getattr(total, f"{name}_gone"), total.gone)
        for name, (label, _) in RULES.items()
    }


# Customers that the red alert missed


@dataclass
class Miss:
    """A customer who stayed away without a red alert. days: order days up to the month's end."""

    row: BacktestRow
    days: Sequence[date] = field(default_factory=list)

    @property
    def last(self) -> date | None:
        return self.days[-1] if self.days else None

    @property
    def silent(self) -> int | None:
        return (self.row.month_end - self.days[-1]).days if self.days else None

    @property
    def reason(self) -> str:
        """Return why there was no red alert, in words that can be checked in the orders."""
        gaps = [(later - earlier).days for earlier, later in pairwise(self.days[-13:])]
        if self.silent is None or not gaps:
            return ""
        if self.silent <= median(gaps):
            return f"上次下单到月末只有 {self.silent} 天，还看不出来"
        if self.silent <= max(gaps):
            return f"到月末 {self.silent} 天没下单，以前也隔过 {max(gaps)} 天"
        return f"到月末 {self.silent} 天没下单，间隔忽长忽短（{min(gaps)}–{max(gaps)} 天）"


def largest_misses(user: User, people: ChosenPeople, since: date) -> list[Miss]:
    """Return the misses of the red alert with the largest customers, each customer's latest month."""
    rows = rows_in_view(user, people, since).filter(GONE & ~RED).select_related("customer", "manager")
    ordered = rows.order_by(F("customer__metrics__net_total").desc(nulls_last=True), "customer", "-month_end")
    latest: dict[int, BacktestRow] = {}
    for row in ordered[: SHOWN_MISSES * MONTHS]:
        latest.setdefault(row.customer_id, row)
    misses = [Miss(row) for row in list(latest.values())[:SHOWN_MISSES]]
    days = _order_days(user, misses)
    for miss in misses:
        miss.days = [day for day in days.get(miss.row.customer_id, []) if day <= miss.row.month_end]
    return misses


def _order_days(user: User, misses: Iterable[Miss]) -> dict[int, list[date]]:
    rows = [miss.row for miss in misses]
    if not rows:
        return {}
    until = midnight(max(row.month_end for row in rows) + timedelta(days=1))
    keys = IdSet(row.customer_id for row in rows)
    orders: Any = Order.objects.visible_to(user).purchases().filter(customer__in=keys, ordered_at__lt=until)
    days: dict[int, dict[date, None]] = {}
    for customer, at in orders.order_by("ordered_at").values_list("customer", "ordered_at"):
        days.setdefault(customer, {})[timezone.localdate(at)] = None
    return {customer: list(own) for customer, own in days.items()}
