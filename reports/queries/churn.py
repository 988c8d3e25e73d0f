"""客户流失分析: confirmed losses, why, how fast, what came of warnings, and what was lost with them.

Everything counts cases of customers in the given queryset, by days in Shanghai.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from django.db.models import Case, Count, Exists, Max, Min, OuterRef, Q, QuerySet, SmallIntegerField, Value, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from crm.ui.filters import midnight
from customers.effect import effect_of, together
from customers.exact import ExactSum
from customers.models import ChurnCase, ChurnMeasure, Customer, Order
from customers.six_months import add_months

from ..figures import percent, shares
from ..memory import statement
from ..periods import Period, years_between


@dataclass
class Loss:
    """One confirmed loss. revenue: orders (returns subtracted) of the 12 months up to the day of confirmation."""

    case: ChurnCase
    revenue: Decimal = Decimal(0)
    place: int = 0

    @property
    def day(self) -> date:
        return timezone.localdate(self.case.confirmed_at)

    @property
    def since(self) -> date:
        """The first of the days whose orders count as lost."""
        return add_months(self.day, -12) + timedelta(days=1)


def confirmed(cases: QuerySet[ChurnCase], period: Period) -> QuerySet[ChurnCase]:
    """Cases confirmed in the period, also those won back since."""
    return cases.filter(confirmed_at__gte=period.begins, confirmed_at__lt=period.ends)


SHOWN = (
    "status", "confirmed_at", "lost_reason", "lost_kind__item", "competitor__item", "customer__name",
    "customer__manager__name", "customer__manager__username", "customer__manager__department__name",
)  # fmt: skip
Keep = Callable[[Hashable, Callable[[], Any]], Any]


def losses(
    cases: QuerySet[ChurnCase], orders: QuerySet[Order], period: Period, keep: Keep = lambda key, compute: compute()
) -> list[Loss]:
    """Newest first, each with what its customer had ordered. orders: those the viewer may see.

    keep: remembers what orders say until orders change; the key says whose and of which days.
    """
    rows = confirmed(cases, period).select_related("customer__manager__department", "lost_kind", "competitor")
    found = [Loss(case) for case in rows.only(*SHOWN).order_by("-confirmed_at", "-pk")]
    if found:
        asked = tuple((loss.case.customer_id, loss.day) for loss in found)
        sums = keep(("lost revenue", statement(orders), asked), lambda: _revenue(orders, cases, period, found))
        for loss, revenue in zip(found, sums, strict=True):
            loss.revenue = revenue
    return found


def _revenue(orders: Any, cases: Any, period: Period, found: list[Loss]) -> list[Decimal]:
    """Of each loss in turn."""
    days, sums = _revenue_by_day(orders, confirmed(cases, period), found), []
    for loss in found:
        by_day, first, last = days.get(loss.case.customer_id, {}), loss.since, loss.day
        sums.append(sum((total for day, total in by_day.items() if first <= day <= last), Decimal(0)))
    return sums


def _revenue_by_day(orders: Any, cases: Any, found: list[Loss]) -> dict[int, dict[date, Decimal]]:
    first, last = min(loss.since for loss in found), max(loss.day for loss in found)
    rows = orders.revenue().filter(
        customer__in=cases.order_by().values("customer"),
        ordered_at__gte=midnight(first),
        ordered_at__lt=midnight(last + timedelta(days=1)),
    )
    sums: dict[int, dict[date, Decimal]] = defaultdict(dict)
    by_day = rows.order_by().annotate(day=TruncDate("ordered_at")).values_list("customer", "day")
    for customer, day, total in by_day.annotate(sum=ExactSum("total")):
        sums[customer][day] = total
    return sums


@dataclass(frozen=True)
class Reason:
    """A cause of losses: how many, its share, and the share of it and all larger ones."""

    key: int | None
    label: str
    count: int
    share: Decimal
    running: Decimal


def pareto(counted: Iterable[tuple[int | None, str]]) -> list[Reason]:
    """The most frequent first; equal ones by name. Shares add up to 100.0."""
    counts = Counter(counted)
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0][1]))
    parts, running, found = shares([count for _, count in ordered]), Decimal(0), []
    for ((key, label), count), share in zip(ordered, parts, strict=True):
        running += share
        found.append(Reason(key, label, count, share, running))
    return found


def reasons(found: Iterable[Loss]) -> list[Reason]:
    return pareto((loss.case.lost_kind_id, str(loss.case.lost_kind or "未填写")) for loss in found)


def competitors(found: Iterable[Loss]) -> list[Reason]:
    """Only losses to a named competitor."""
    return pareto(
        (loss.case.competitor_id, str(loss.case.competitor)) for loss in found if loss.case.competitor_id is not None
    )


class Month(NamedTuple):
    """Customers 正常 when it began, those lost in it, and what part of the former the latter are."""

    first: date
    normal: int
    lost: int

    @property
    def rate(self) -> Decimal | None:
        return percent(self.lost, self.normal)


def monthly_rates(customers: QuerySet[Customer], cases: QuerySet[ChurnCase], period: Period) -> list[Month]:
    """Month by month. A customer is 正常 at a moment when he was there and no loss of his was open then."""
    starts = period.months()
    joined = _joined_before(customers, starts)
    # A case confirmed and won back is open between the two; a customer counts once, and only from his first day on.
    names = ("customer", "customer__created_at", "confirmed_at", "closed_at")
    spans: list[Any] = list(cases.exclude(confirmed_at=None).order_by().values_list(*names))
    found = []
    for start, there in zip(starts, joined, strict=True):
        begins, ends = midnight(start), midnight(add_months(start, 1))
        away = {
            customer
            for customer, joined, lost, back in spans
            if joined < begins and lost < begins and (back is None or back >= begins)
        }
        found.append(Month(start, there - len(away), sum(begins <= lost < ends for _, _, lost, _ in spans)))
    return found


def _joined_before(customers: QuerySet[Customer], starts: list[date]) -> list[int]:
    """How many customers were there when each of these months began."""
    # Compared rather than truncated to months, which takes the database twice as long.
    before = [When(created_at__lt=midnight(start), then=Value(place)) for place, start in enumerate(starts)]
    place = Case(*before, default=Value(len(starts)), output_field=SmallIntegerField())
    counts = dict(customers.order_by().annotate(place=place).values_list("place").annotate(n=Count("pk")))
    return list(accumulate(counts.get(place, 0) for place in range(len(starts))))


class Funnel(NamedTuple):
    """What came of the cases opened in the period. Every step is part of the first."""

    warned: int
    measured: int  # with at least one 暂缓措施
    resolved: int  # bought again before a loss was confirmed
    lost: int  # confirmed
    won_back: int  # confirmed, and back since
    open: int


def opened(cases: QuerySet[ChurnCase], period: Period) -> QuerySet[ChurnCase]:
    return cases.filter(opened_at__gte=period.begins, opened_at__lt=period.ends)


def funnel(cases: QuerySet[ChurnCase], period: Period) -> Funnel:
    status = ChurnCase.Status
    measured = Exists(ChurnMeasure.objects.filter(case=OuterRef("pk")))
    asked = {
        "warned": Count("pk"),
        "measured": Count("pk", filter=Q(has_measure=True)),
        "resolved": Count("pk", filter=Q(status=status.RESOLVED)),
        "lost": Count("pk", filter=Q(confirmed_at__isnull=False)),
        "won_back": Count("pk", filter=Q(status=status.WON_BACK)),
        "open": Count("pk", filter=Q(status__in=ChurnCase.OPEN)),
    }
    return Funnel(**opened(cases, period).annotate(has_measure=measured).aggregate(**asked))


def won_back(cases: QuerySet[ChurnCase], period: Period) -> QuerySet[ChurnCase]:
    """Lost customers who came back in the period, whenever they were lost."""
    return cases.filter(status=ChurnCase.Status.WON_BACK, closed_at__gte=period.begins, closed_at__lt=period.ends)


class KindOfMeasure(NamedTuple):
    """Cases in which a measure of this kind was taken in the period, and those with a purchase within 90 days of it."""

    key: int
    label: str
    cases: int
    bought: int
    waiting: int  # nothing bought yet, 90 days not over

    @property
    def rate(self) -> Decimal | None:
        """Of the cases that can be judged: bought, or 90 days over."""
        return percent(self.bought, self.cases - self.waiting)


def measures_taken(cases: QuerySet[ChurnCase], period: Period) -> QuerySet[ChurnMeasure]:
    return ChurnMeasure.objects.filter(case__in=cases, at__gte=period.begins, at__lt=period.ends)


def kinds_of_measures(
    cases: QuerySet[ChurnCase], period: Period, today: date, keep: Keep = lambda key, compute: compute()
) -> list[KindOfMeasure]:
    """The kind that brought most purchases first. A case with two measures of a kind counts once. keep: as above."""
    rows = measures_taken(cases, period)
    taken = list(rows.order_by("pk").values_list("pk", "case", "kind", "kind__item", "at", "case__customer"))
    asked = tuple((pk, at, customer) for pk, _, _, _, at, customer in taken)
    effects = keep(("measures", asked, today), lambda: effect_of(rows, today))
    found: dict[tuple[int, str], dict[int, set[bool | None]]] = defaultdict(lambda: defaultdict(set))
    for pk, case, kind, label, *_ in taken:
        found[kind, label][case].add(effects.get(pk))
    kinds = [
        KindOfMeasure(
            key,
            label,
            len(by_case),
            sum(together(seen) is True for seen in by_case.values()),
            sum(together(seen) is None for seen in by_case.values()),
        )
        for (key, label), by_case in found.items()
    ]
    return sorted(kinds, key=lambda kind: (-kind.bought, -kind.cases, kind.label))


def years_of(cases: QuerySet[ChurnCase]) -> list[int]:
    """Years from the first confirmed loss to the last, and this one; newest first."""
    ends = cases.aggregate(first=Min("confirmed_at"), last=Max("confirmed_at"))
    return years_between(ends.values(), timezone.localdate())
