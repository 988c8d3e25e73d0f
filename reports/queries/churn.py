"""客户流失分析: confirmed losses, their reasons and revenue, the churn rate, and the outcome of warnings.

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
from customers.churn.effect import combine_effects, measure_effects
from customers.churn.models import ChurnCaseQuerySet
from customers.models import ChurnCase, ChurnMeasure, Customer, Order, churn_version
from customers.orders.models import OrderQuerySet
from customers.orders.versioned_cache import cached, sql_key
from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum
from kit.sql.id_sets import IdSet
from reports.figure_cells import percent, shares

from ..periods import Period, until_this_month, years_between
from .churn_rates import Month, monthly_rates, position_among, rates_of_owners

SMALL_SAMPLE = 5  # fewer cases say little about a rate
Cache = Callable[[Hashable, Callable[[], Any]], Any]


def no_cache(_: Hashable, compute: Callable[[], Any]) -> Any:
    """Compute without a cache."""
    return compute()


class CaseLine(NamedTuple):
    """A case in small values, as reading the datetimes of 10,000 takes longer than finding them.

    joined, lost, closed: how many months of the period had begun when its customer was created, the loss was
    confirmed, and the case ended; one more than there are months when that was later or has not happened.
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


def load_case_lines(cases: QuerySet[ChurnCase], period: Period) -> list[CaseLine]:
    months = period.months()
    bounds = [midnight(first) for first in (*months, add_months(months[-1], 1))]
    in_period = When(confirmed_at__gte=period.begins, confirmed_at__lt=period.ends, then="confirmed_at")
    closed_in_period = {"closed_at__gte": period.begins, "closed_at__lt": period.ends}
    back = When(status=ChurnCase.Status.WON_BACK, **closed_in_period, then=Value(True))
    rows: Any = cases.order_by().values_list("pk", "customer", "status", "lost_kind", "competitor")
    rows = rows.annotate(
        at=Case(in_period, output_field=DateTimeField()),
        back=Case(back, default=Value(False)),
        joined=position_among("customer__created_at", bounds),
        lost=position_among("confirmed_at", bounds),
        closed=position_among("closed_at", bounds),
    )
    return [CaseLine(*line) for line in rows]


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
        return _revenue_start(self.day)


def _revenue_start(confirmed_on: date) -> date:
    """Return the first day whose orders count as lost."""
    return add_months(confirmed_on, -12) + timedelta(days=1)


def losses(lines: Iterable[CaseLine], orders: OrderQuerySet, cache: Cache = no_cache) -> list[Loss]:
    """Return the losses confirmed in the period of the lines, also those won back since, newest first.

    orders: visible to the viewer; their revenue is cached by customers and days.
    """
    dated = ((line.confirmed_at, line.key, line) for line in lines if line.confirmed_at is not None)
    confirmed = sorted(dated, reverse=True)
    if not confirmed:
        return []
    customer_days = tuple((line.customer, timezone.localdate(at)) for at, _, line in confirmed)
    sums = cache(("lost revenue", sql_key(orders), customer_days), lambda: _revenue(orders, customer_days))
    return [
        Loss(place, line.key, *customer_day, line.status, line.kind, line.competitor, revenue)
        for place, ((_, _, line), customer_day, revenue) in enumerate(
            zip(confirmed, customer_days, sums, strict=True), start=1
        )
    ]


def _revenue(orders: OrderQuerySet, customer_days: Sequence[tuple[int, date]]) -> list[Decimal]:
    """Return for each (customer, day) the revenue of the year up to the day, in this order."""
    by_customer, sums = _revenue_by_day(orders, customer_days), []
    for customer, last in customer_days:
        first, by_day = _revenue_start(last), by_customer.get(customer, {})
        sums.append(sum((total for day, total in by_day.items() if first <= day <= last), Decimal(0)))
    return sums


def _revenue_by_day(orders: OrderQuerySet, customer_days: Sequence[tuple[int, date]]) -> dict[int, dict[date, Decimal]]:
    days = [day for _, day in customer_days]
    rows = orders.revenue().filter(
        customer__in=IdSet(customer for customer, _ in customer_days),
        ordered_at__gte=midnight(_revenue_start(min(days))),
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


def pareto(causes: Iterable[tuple[int | None, str]]) -> list[Reason]:
    """Return reasons, the most frequent first, equal ones by name. Shares add up to 100.0."""
    counts = Counter(causes)
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0][1]))
    percentages, running, reasons = shares([count for _, count in ordered]), Decimal(0), []
    for ((key, label), count), share in zip(ordered, percentages, strict=True):
        running += share
        reasons.append(Reason(key, label, count, share, running))
    return reasons


def reasons(lost: Iterable[Loss], entry_names: dict[int, str]) -> list[Reason]:
    return pareto((loss.kind, entry_names.get(loss.kind or 0, "未填写")) for loss in lost)


def competitors(lost: Iterable[Loss], entry_names: dict[int, str]) -> list[Reason]:
    """Return competitors as reasons, of losses to a named competitor only."""
    return pareto(
        (loss.competitor, entry_names.get(loss.competitor, "")) for loss in lost if loss.competitor is not None
    )


class Funnel(NamedTuple):
    """Outcome of the cases opened in the period. Every step is part of the first."""

    warned: int
    measured: int  # with at least one 暂缓措施
    resolved: int  # bought again before a loss was confirmed
    lost: int  # confirmed
    won_back: int  # confirmed, and back since
    open: int


def opened_in(cases: QuerySet[ChurnCase], period: Period) -> QuerySet[ChurnCase]:
    return cases.filter(opened_at__gte=period.begins, opened_at__lt=period.ends)


def funnel(cases: QuerySet[ChurnCase], period: Period) -> Funnel:
    status = ChurnCase.Status
    measured = Exists(ChurnMeasure.objects.filter(case=OuterRef("pk")))
    counts = {
        "warned": Count("pk"),
        "measured": Count("pk", filter=Q(has_measure=True)),
        "resolved": Count("pk", filter=Q(status=status.RESOLVED)),
        "lost": Count("pk", filter=Q(confirmed_at__isnull=False)),
        "won_back": Count("pk", filter=Q(status=status.WON_BACK)),
        "open": Count("pk", filter=Q(status__in=ChurnCase.OPEN)),
    }
    return Funnel(**opened_in(cases, period).annotate(has_measure=measured).aggregate(**counts))


class MeasureKind(NamedTuple):
    """Cases in which a measure of this kind was taken in the period, and those with a purchase within 90 days of it."""

    key: int
    cases: int
    bought: int
    waiting: int  # nothing bought yet, 90 days not over
    label: str = ""

    @property
    def rate(self) -> Decimal | None:
        """Return the share of cases that bought, of those with a purchase or 90 days over."""
        return percent(self.bought, self.cases - self.waiting)

    @property
    def is_small_sample(self) -> bool:
        """Tell whether few cases can be judged."""
        return self.cases - self.waiting < SMALL_SAMPLE


def measures_in(cases: QuerySet[ChurnCase], period: Period) -> QuerySet[ChurnMeasure]:
    return ChurnMeasure.objects.filter(case__in=cases, at__gte=period.begins, at__lt=period.ends)


def measure_kinds(
    cases: QuerySet[ChurnCase], period: Period, today: date, cache: Cache = no_cache
) -> list[MeasureKind]:
    """Count cases and their effects by kind of measure; a case with two measures of a kind counts once."""
    rows = measures_in(cases, period)
    measures = list(rows.order_by("pk").values_list("pk", "case", "kind", "at", "case__customer"))
    measure_keys = tuple((pk, at, customer) for pk, _, _, at, customer in measures)
    effects = cache(("measures", measure_keys, today), lambda: measure_effects(rows, today)) if measures else {}
    outcomes: dict[int, dict[int, set[bool | None]]] = defaultdict(lambda: defaultdict(set))
    for pk, case, kind, *_ in measures:
        outcomes[kind][case].add(effects.get(pk))
    return [
        MeasureKind(
            key,
            len(by_case),
            sum(combine_effects(effects_of_case) is True for effects_of_case in by_case.values()),
            sum(combine_effects(effects_of_case) is None for effects_of_case in by_case.values()),
        )
        for key, by_case in outcomes.items()
    ]


def rank_measures(kinds: Iterable[MeasureKind], entry_names: dict[int, str]) -> list[MeasureKind]:
    """Return the kinds with their names, the one with most purchases first."""
    labelled = [kind._replace(label=entry_names.get(kind.key, "")) for kind in kinds]
    return sorted(labelled, key=lambda kind: (-kind.bought, -kind.cases, kind.label))


def years_of(cases: QuerySet[ChurnCase]) -> list[int]:
    """Return years from the first confirmed loss to the last, and this one; newest first."""
    ends = cases.aggregate(first=Min("confirmed_at"), last=Max("confirmed_at"))
    return years_between(ends.values(), timezone.localdate())


# Together


class ChurnCriteria(NamedTuple):
    """owners_then: only losses of customers these people owned at the confirmation; None: the customers are already
    filtered by today's owner."""

    period: Period
    today: date
    owners_then: frozenset[int] | None = None


class Figures(NamedTuple):
    """All that the report shows but names. Cached, so never to be changed."""

    losses: list[Loss]
    months: list[Month]
    steps: Funnel
    back: int  # won back in the period, whenever they were lost
    measures: list[MeasureKind]

    def entries(self) -> set[int]:
        """Return the keys of the dictionary entries of losses and measures."""
        kinds = {loss.kind for loss in self.losses} | {loss.competitor for loss in self.losses}
        return {key for key in (*kinds, *(measure.key for measure in self.measures)) if key is not None}


def cached_figures(user: User, customers: QuerySet[Customer], criteria: ChurnCriteria) -> Figures:
    """Return figures, cached until a case, a measure, a customer or an order changes.

    customers: in the user's view, by conditions on their own columns.
    """
    cases, orders = ChurnCase.objects.all(), Order.objects.visible_to(user)
    permissions = user.has_perm(cases.view_permission), user.has_perm(orders.view_permission)
    of_customers = cases.counted().filter(customer__in=customers.order_by().values("pk"))
    visible_cases = of_customers if permissions[0] else cases.none()
    key, cache = ("churn", sql_key(customers), permissions, criteria), partial(cached, user)
    return cached(user, key, lambda: figures(customers, visible_cases, orders, criteria, cache), churn_version)


def figures(
    customers: QuerySet[Customer],
    cases: ChurnCaseQuerySet,
    orders: OrderQuerySet,
    criteria: ChurnCriteria,
    cache: Cache = no_cache,
) -> Figures:
    """Compute the figures. cases: of these customers; orders: visible to the viewer."""
    period, today, owners = criteria
    lines = load_case_lines(cases if owners is None else cases.owned_then_by(owners), period)
    months = until_this_month(period, today)
    counted_cases = ChurnCase.objects.filter(pk__in=IdSet(line.key for line in lines))  # the conditions are read once
    return Figures(
        losses(lines, orders, cache),
        monthly_rates(customers, lines, months)
        if owners is None
        else rates_of_owners(customers, owners, lines, load_case_lines(cases, period), months),
        funnel(counted_cases, period),
        sum(line.back for line in lines),
        measure_kinds(counted_cases, period, today, cache),
    )


def cached_years(user: User) -> list[int]:
    cases = ChurnCase.objects.visible_to(user).counted()
    view = sql_key(Customer.objects.visible_to(user)), user.has_perm(cases.view_permission)
    key = ("churn years", view, timezone.localdate().year)
    return cached(user, key, lambda: years_of(cases), churn_version)


# Names and texts, which may change while the figures are cached

CASE_FIELDS = (
    "status", "lost_reason", "lost_kind__item", "competitor__item", "customer__name", "customer__manager__name",
    "customer__manager__username", "manager_then__name", "manager_then__username",
)  # fmt: skip


def load_cases(losses: Iterable[Loss]) -> dict[int, ChurnCase]:
    rows = ChurnCase.objects.filter(pk__in=IdSet(loss.case for loss in losses)).order_by()
    read = rows.select_related("customer__manager", "manager_then", "lost_kind", "competitor").only(*CASE_FIELDS)
    return {case.pk: case for case in read}


def load_texts(losses: Iterable[Loss], field: str) -> dict[int, str]:
    """Return {case: value of this field or path}, to sort by."""
    rows = ChurnCase.objects.filter(pk__in=IdSet(loss.case for loss in losses))
    return dict(rows.order_by().values_list("pk", field))


def entry_names(entries: Iterable[int]) -> dict[int, str]:
    return dict(DictionaryEntry.objects.filter(pk__in=IdSet(entries)).order_by().values_list("pk", "item"))
