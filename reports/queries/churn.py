"""客户流失分析: confirmed losses, why, how fast, what came of warnings, and what was lost with them.

Everything counts cases of customers in the given queryset, by days in Shanghai.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import User
from basedata.models import DictionaryEntry
from customers.effect import combine_effects, measure_effects
from customers.models import ChurnCase, ChurnMeasure, Customer, Order, churn_version
from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum
from kit.sql.id_sets import IdSet
from reports.figure_cells import percent, shares
from reports.versioned_cache import remembered, statement

from ..periods import Period, until_this_month, years_between
from .churn_rates import Month, monthly_rates, place_among, rates_of_keepers

Keep = Callable[[Hashable, Callable[[], Any]], Any]


def always(_: Hashable, compute: Callable[[], Any]) -> Any:
    """Keeps nothing."""
    return compute()


class CaseLine(NamedTuple):
    """A case in small values, as reading the moments of 10,000 takes longer than finding them.

    joined, lost, closed: how many months of the period had begun when its customer was first there, his loss was
    confirmed, and the case ended; one more than there are months when that was later or has not been.
    """

    key: int
    customer: int
    status: str
    kind: int | None
    competitor: int | None
    confirmed_at: datetime | None  # in the period only
    back: bool  # won back in the period
    joined: int
    lost: int
    closed: int


def lines_of(cases: QuerySet[ChurnCase], period: Period) -> list[CaseLine]:
    months = period.months()
    bounds = [midnight(first) for first in (*months, add_months(months[-1], 1))]
    in_period = When(confirmed_at__gte=period.begins, confirmed_at__lt=period.ends, then="confirmed_at")
    ended = {"closed_at__gte": period.begins, "closed_at__lt": period.ends}
    back = When(status=ChurnCase.Status.WON_BACK, **ended, then=Value(True))
    rows: Any = cases.order_by().values_list("pk", "customer", "status", "lost_kind", "competitor")
    found = rows.annotate(
        at=Case(in_period, output_field=DateTimeField()),
        back=Case(back, default=Value(False)),
        joined=place_among("customer__created_at", bounds),
        lost=place_among("confirmed_at", bounds),
        closed=place_among("closed_at", bounds),
    )
    return [CaseLine(*line) for line in found]


class Loss(NamedTuple):
    """One confirmed loss. revenue: orders (returns subtracted) of the 12 months up to the day of confirmation."""

    place: int
    case: int
    customer: int
    day: date
    status: str
    kind: int | None
    competitor: int | None
    revenue: Decimal

    @property
    def since(self) -> date:
        return _first_day(self.day)


def _first_day(lost: date) -> date:
    """The first of the days whose orders count as lost."""
    return add_months(lost, -12) + timedelta(days=1)


def losses(lines: Iterable[CaseLine], orders: QuerySet[Order], keep: Keep = always) -> list[Loss]:
    """Confirmed in the period of the lines, also those won back since; newest first, each with what its customer had
    ordered. orders: those the viewer may see. keep: remembers what they say until they change, by customers and days.
    """
    dated = ((line.confirmed_at, line.key, line) for line in lines if line.confirmed_at is not None)
    found = sorted(dated, reverse=True)
    if not found:
        return []
    asked = tuple((line.customer, timezone.localdate(at)) for at, _, line in found)
    sums = keep(("lost revenue", statement(orders), asked), lambda: _revenue(orders, asked))
    return [
        Loss(place, line.key, *of, line.status, line.kind, line.competitor, revenue)
        for place, ((_, _, line), of, revenue) in enumerate(zip(found, asked, sums, strict=True), start=1)
    ]


def _revenue(orders: Any, asked: Sequence[tuple[int, date]]) -> list[Decimal]:
    """Of each of these customers in the year up to the day, in turn."""
    by_customer, sums = _revenue_by_day(orders, asked), []
    for customer, last in asked:
        first, by_day = _first_day(last), by_customer.get(customer, {})
        sums.append(sum((total for day, total in by_day.items() if first <= day <= last), Decimal(0)))
    return sums


def _revenue_by_day(orders: Any, asked: Sequence[tuple[int, date]]) -> dict[int, dict[date, Decimal]]:
    days = [day for _, day in asked]
    rows = orders.revenue().filter(
        customer__in=IdSet(customer for customer, _ in asked),
        ordered_at__gte=midnight(_first_day(min(days))),
        ordered_at__lt=midnight(max(days) + timedelta(days=1)),
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


def reasons(found: Iterable[Loss], named: dict[int, str]) -> list[Reason]:
    return pareto((loss.kind, named.get(loss.kind or 0, "未填写")) for loss in found)


def competitors(found: Iterable[Loss], named: dict[int, str]) -> list[Reason]:
    """Only losses to a named competitor."""
    return pareto((loss.competitor, named.get(loss.competitor, "")) for loss in found if loss.competitor is not None)


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


class KindOfMeasure(NamedTuple):
    """Cases in which a measure of this kind was taken in the period, and those with a purchase within 90 days of it."""

    key: int
    cases: int
    bought: int
    waiting: int  # nothing bought yet, 90 days not over
    label: str = ""

    @property
    def rate(self) -> Decimal | None:
        """Of the cases that can be judged: bought, or 90 days over."""
        return percent(self.bought, self.cases - self.waiting)


def measures_taken(cases: QuerySet[ChurnCase], period: Period) -> QuerySet[ChurnMeasure]:
    return ChurnMeasure.objects.filter(case__in=cases, at__gte=period.begins, at__lt=period.ends)


def kinds_of_measures(
    cases: QuerySet[ChurnCase], period: Period, today: date, keep: Keep = always
) -> list[KindOfMeasure]:
    """A case with two measures of a kind counts once. keep: as above."""
    rows = measures_taken(cases, period)
    taken = list(rows.order_by("pk").values_list("pk", "case", "kind", "at", "case__customer"))
    asked = tuple((pk, at, customer) for pk, _, _, at, customer in taken)
    effects = keep(("measures", asked, today), lambda: measure_effects(rows, today)) if taken else {}
    found: dict[int, dict[int, set[bool | None]]] = defaultdict(lambda: defaultdict(set))
    for pk, case, kind, *_ in taken:
        found[kind][case].add(effects.get(pk))
    return [
        KindOfMeasure(
            key,
            len(by_case),
            sum(combine_effects(seen) is True for seen in by_case.values()),
            sum(combine_effects(seen) is None for seen in by_case.values()),
        )
        for key, by_case in found.items()
    ]


def in_order(kinds: Iterable[KindOfMeasure], named: dict[int, str]) -> list[KindOfMeasure]:
    """With their names, the kind that brought most purchases first."""
    labelled = [kind._replace(label=named.get(kind.key, "")) for kind in kinds]
    return sorted(labelled, key=lambda kind: (-kind.bought, -kind.cases, kind.label))


def years_of(cases: QuerySet[ChurnCase]) -> list[int]:
    """Years from the first confirmed loss to the last, and this one; newest first."""
    ends = cases.aggregate(first=Min("confirmed_at"), last=Max("confirmed_at"))
    return years_between(ends.values(), timezone.localdate())


# Together


class Asked(NamedTuple):
    """then: the people whose losses are meant by who kept the customer at the confirmation; None: by whom today, which
    the customers say themselves."""

    period: Period
    today: date
    then: frozenset[int] | None = None


class Figures(NamedTuple):
    """All that the report shows but names. Not to be changed: it is remembered."""

    losses: list[Loss]
    months: list[Month]
    steps: Funnel
    back: int  # won back in the period, whenever they were lost
    measures: list[KindOfMeasure]

    def entries(self) -> set[int]:
        """Of the dictionary: what losses and measures are sorted by."""
        kinds = {loss.kind for loss in self.losses} | {loss.competitor for loss in self.losses}
        return {key for key in (*kinds, *(measure.key for measure in self.measures)) if key is not None}


def remembered_figures(user: User, customers: QuerySet[Customer], asked: Asked) -> Figures:
    """Counted once until a case, a measure, a customer or an order changes. customers: in the person's view, by
    conditions on their own columns."""
    cases, orders = ChurnCase.objects.all(), Order.objects.visible_to(user)
    rights = user.has_perm(cases.view_permission), user.has_perm(orders.view_permission)
    seen = cases.counted().filter(customer__in=customers.order_by().values("pk")) if rights[0] else cases.none()
    key, keep = ("churn", statement(customers), rights, asked), partial(remembered, user)
    return remembered(user, key, lambda: figures(customers, seen, orders, asked, keep), churn_version)


def figures(customers: Any, cases: Any, orders: Any, asked: Asked, keep: Keep = always) -> Figures:
    """cases: of these customers. orders: those the viewer may see. keep: as above."""
    period, today, then = asked
    lines, months = (
        lines_of(cases if then is None else cases.owned_then_by(then), period),
        until_this_month(period, today),
    )
    these = ChurnCase.objects.filter(pk__in=IdSet(line.key for line in lines))  # once: the others ask for these
    return Figures(
        losses(lines, orders, keep),
        monthly_rates(customers, lines, months)
        if then is None
        else rates_of_keepers(customers, then, lines, lines_of(cases, period), months),
        funnel(these, period),
        sum(line.back for line in lines),
        kinds_of_measures(these, period, today, keep),
    )


def remembered_years(user: User) -> list[int]:
    cases = ChurnCase.objects.visible_to(user).counted()
    view = statement(Customer.objects.visible_to(user)), user.has_perm(cases.view_permission)
    key = ("churn years", view, timezone.localdate().year)
    return remembered(user, key, lambda: years_of(cases), churn_version)


# What may change while the figures stand: names and words

SHOWN = (
    "status", "lost_reason", "lost_kind__item", "competitor__item", "customer__name", "customer__manager__name",
    "customer__manager__username", "manager_then__name", "manager_then__username",
)  # fmt: skip


def cases_of(found: Iterable[Loss]) -> dict[int, ChurnCase]:
    rows = ChurnCase.objects.filter(pk__in=IdSet(loss.case for loss in found)).order_by()
    read = rows.select_related("customer__manager", "manager_then", "lost_kind", "competitor").only(*SHOWN)
    return {case.pk: case for case in read}


def texts_of(found: Iterable[Loss], field: str) -> dict[int, str]:
    """{case: this field of it, or of its customer}, to sort by."""
    rows = ChurnCase.objects.filter(pk__in=IdSet(loss.case for loss in found))
    return dict(rows.order_by().values_list("pk", field))


def named(entries: Iterable[int]) -> dict[int, str]:
    return dict(DictionaryEntry.objects.filter(pk__in=IdSet(entries)).order_by().values_list("pk", "item"))
