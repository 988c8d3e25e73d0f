"""销售漏斗: opportunities by state, win rate, days to close, and past forecasts against results.

Everything counts opportunities of the given queryset, by days in Shanghai. Amounts are 预计金额, exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone

from accounts.models import User
from customers.orders.versioned_cache import cached, sql_key
from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum
from marketing.models import ForecastChange, Opportunity, opportunity_version
from reports.figure_cells import percent

from ..periods import Period, until_this_month, years_between

FORECASTS = 24  # months looked back at most
SMALL_SAMPLE = 5  # fewer closed opportunities say little about a rate
STATUS = Opportunity.Status
Rows = QuerySet[Opportunity]


def win_rate(won: int, lost: int) -> Decimal | None:
    """Return won / (won + lost) in percent; open ones do not count."""
    return percent(won, won + lost)


def closed_in(rows: Rows, period: Period) -> Rows:
    return rows.filter(status__in=Opportunity.CLOSED, closed_at__gte=period.begins, closed_at__lt=period.ends)


@dataclass
class Group:
    """Opportunities that belong together: open now, and closed in the period."""

    key: Any = None
    label: str = ""
    open: int = 0
    amount: Decimal = Decimal(0)  # 预计金额 of the open ones
    weighted: Decimal = Decimal(0)  # Σ 预计金额 × 成功机率 of the open ones
    without_amount: int = 0
    won: int = 0
    lost: int = 0

    @property
    def closed(self) -> int:
        return self.won + self.lost

    @property
    def rate(self) -> Decimal | None:
        return win_rate(self.won, self.lost)

    @property
    def is_small_sample(self) -> bool:
        return 0 < self.closed < SMALL_SAMPLE

    def add(self, status: str, rate: int, count: int, amount: Decimal | None, priced: int) -> None:
        if status in Opportunity.OPEN:
            self.open += count
            self.amount += amount or 0
            self.weighted += (amount or Decimal(0)) * rate / 100
            self.without_amount += count - priced
        elif status == STATUS.WON:
            self.won += count
        else:
            self.lost += count


OWNER = Coalesce("assignee", "created_by")  # before 指派 the creator


def groups(rows: Rows, period: Period, by: Combinable | None = None) -> dict[Any, Group]:
    """Return {value of `by`: its group}, in one query; without `by` all under None."""
    in_period = Q(closed_at__gte=period.begins, closed_at__lt=period.ends)
    open_or_closed = Q(status__in=Opportunity.OPEN) | (Q(status__in=Opportunity.CLOSED) & in_period)
    counted_rows = rows.filter(open_or_closed).order_by()
    names = ["status", "success_rate"] if by is None else ["group", "status", "success_rate"]
    if by is not None:
        counted_rows = counted_rows.annotate(group=by)
    sums = counted_rows.values_list(*names).annotate(
        n=Count("pk"), sum=ExactSum("expected_amount"), priced=Count("expected_amount")
    )
    group_by_value: dict[Any, Group] = {}
    for *key, status, rate, count, amount, priced in sums:
        value = key[0] if key else None
        group_by_value.setdefault(value, Group(value)).add(status, rate, count, amount, priced)
    return group_by_value


def total(groups: Iterable[Group]) -> Group:
    result = Group(label="合计")
    for group in groups:
        for name in ("open", "amount", "weighted", "without_amount", "won", "lost"):
            setattr(result, name, getattr(result, name) + getattr(group, name))
    return result


class MonthLine(NamedTuple):
    """One month: those created in it by their state today, and those closed in it."""

    first: date
    unassigned: int
    assigned: int
    became_won: int
    became_lost: int
    won: int
    lost: int

    @property
    def created(self) -> int:
        return self.unassigned + self.assigned + self.became_won + self.became_lost

    @property
    def rate(self) -> Decimal | None:
        return win_rate(self.won, self.lost)

    @property
    def is_small_sample(self) -> bool:
        return 0 < self.won + self.lost < SMALL_SAMPLE


def by_month(rows: Rows, period: Period) -> list[MonthLine]:
    created = _counts(rows.filter(created_at__gte=period.begins, created_at__lt=period.ends), "created_at")
    closed = _counts(closed_in(rows, period), "closed_at")
    return [
        MonthLine(
            month,
            created[month, STATUS.UNASSIGNED],
            created[month, STATUS.ASSIGNED],
            created[month, STATUS.WON],
            created[month, STATUS.LOST],
            closed[month, STATUS.WON],
            closed[month, STATUS.LOST],
        )
        for month in period.months()
    ]


def _counts(rows: Rows, field: str) -> dict[tuple[date, str], int]:
    by_month = rows.order_by().annotate(month=TruncMonth(field)).values_list("month", "status").annotate(n=Count("pk"))
    counts: dict[tuple[date, str], int] = defaultdict(int)
    for month, status, n in by_month:
        counts[timezone.localtime(month).date(), status] = n
    return counts


def days_to_close(rows: Rows, period: Period, status: str, count: int) -> Decimal | None:
    """Return the median number of days from creation to this status, to one place; None without any.

    count: opportunities closed with this status, as the groups have counted already.
    """
    if not count:
        return None
    took = ExpressionWrapper(F("closed_at") - F("created_at"), DurationField())
    closed = closed_in(rows, period).filter(status=status).annotate(took=took)
    middle = closed.order_by("took", "pk").values_list("took", flat=True)
    pair = list(middle[(count - 1) // 2 : count // 2 + 1])
    sum_of_pair = sum(pair, timedelta())
    seconds = Decimal(sum_of_pair.days * 86400 + sum_of_pair.seconds) / max(len(pair), 1)
    return (seconds / 86400).quantize(Decimal("0.1"), ROUND_HALF_UP)


# Forecasts of past months against results


@dataclass(frozen=True)
class Forecast:
    """Forecast of the opportunities open at the start of a month, and what was won in it."""

    first: date
    count: int  # opportunities expected to close in the month
    amount: Decimal  # their 预计金额
    weighted: Decimal  # their 预计金额 × 成功机率
    won: int
    came: Decimal  # 预计金额 of those won in the month, as last stated

    @property
    def hit(self) -> Decimal | None:
        """Return the amount won, in percent of the weighted forecast."""
        return percent(self.came, self.weighted)


class Promise(NamedTuple):
    """An opportunity's forecast at some time."""

    rate: int
    amount: Decimal | None
    on: date | None


def past_forecasts(rows: Rows, months: list[date]) -> list[Forecast]:
    """Return forecasts by month. months: first days, oldest first, none later than today."""
    if not months:
        return []
    begins = midnight(months[0])
    changes = ForecastChange.objects.filter(opportunity__in=rows, at__gte=begins)
    promised = _unchanged(rows, changes, months)
    _add_changed(promised, rows, changes, months)
    came = _won(rows, Period(months[0], add_months(months[-1], 1) - timedelta(days=1)))
    return [Forecast(month, *promised[month], *came.get(month, (0, Decimal(0)))) for month in months]


Promised = dict[date, tuple[int, Decimal, Decimal]]


def _unchanged(rows: Rows, changes: QuerySet[ForecastChange], months: list[date]) -> Promised:
    """Add up, in the database, opportunities whose forecast was not changed since."""
    unchanged = rows.exclude(pk__in=changes.order_by().values("opportunity")).order_by()
    window = unchanged.filter(expected_on__gte=months[0], expected_on__lt=add_months(months[-1], 1))
    expected_then = Q()
    for month in months:
        still_open = Q(closed_at=None) | Q(closed_at__gte=midnight(month))
        expected = Q(expected_on__gte=month, expected_on__lt=add_months(month, 1))
        expected_then |= expected & still_open & Q(created_at__lt=midnight(month))
    promised: Promised = {month: (0, Decimal(0), Decimal(0)) for month in months}
    grouped = (
        window.filter(expected_then).annotate(month=TruncMonth("expected_on")).values_list("month", "success_rate")
    )
    lines: Any = grouped.annotate(n=Count("pk"), sum=ExactSum("expected_amount"))
    for month, rate, n, amount in lines:
        _add(promised, month, n, amount or Decimal(0), (amount or Decimal(0)) * rate / 100)
    return promised


def _add(promised: Promised, month: date, count: int, amount: Decimal, weighted: Decimal) -> None:
    n, total_amount, total_weighted = promised[month]
    promised[month] = (n + count, total_amount + amount, total_weighted + weighted)


def _add_changed(promised: Promised, rows: Rows, changes: QuerySet[ForecastChange], months: list[date]) -> None:
    """Add the others, each as it was when the month began: the former values of the first change after that."""
    changes_by_opportunity: dict[int, list[tuple[datetime, Promise]]] = defaultdict(list)
    former = ("former_success_rate", "former_expected_amount", "former_expected_on")
    for pk, at, *values in changes.order_by("at", "pk").values_list("opportunity", "at", *former):
        changes_by_opportunity[pk].append((at, Promise(*values)))
    changed_rows = rows.filter(pk__in=changes.order_by().values("opportunity")).order_by()
    today = ("success_rate", "expected_amount", "expected_on")
    for pk, created_at, closed_at, *values in changed_rows.values_list("pk", "created_at", "closed_at", *today):
        for month in months:
            begins = midnight(month)
            if created_at >= begins or (closed_at is not None and closed_at < begins):
                continue
            promise = next((promise for at, promise in changes_by_opportunity[pk] if at >= begins), Promise(*values))
            if promise.on is not None and month <= promise.on < add_months(month, 1):
                amount = promise.amount or Decimal(0)
                _add(promised, month, 1, amount, amount * promise.rate / 100)


def _won(rows: Rows, period: Period) -> dict[date, tuple[int, Decimal]]:
    won = closed_in(rows, period).filter(status=STATUS.WON).order_by().annotate(month=TruncMonth("closed_at"))
    sums = won.values_list("month").annotate(n=Count("pk"), sum=ExactSum("expected_amount"))
    return {timezone.localtime(month).date(): (n, amount or Decimal(0)) for month, n, amount in sums}


# Together


class PipelineCriteria(NamedTuple):
    """Criteria of the report. monthly: with the months and the forecasts of those that are over."""

    period: Period
    by: Combinable
    today: date
    monthly: bool


class Figures(NamedTuple):
    """All that the report shows of some opportunities in a period. Cached, so never to be changed."""

    groups: dict[Any, Group]
    took: dict[str, Decimal | None]  # the median of days by how it ended
    months: list[MonthLine]
    forecasts: list[Forecast]


def figures(rows: Rows, criteria: PipelineCriteria) -> Figures:
    period, today = criteria.period, criteria.today
    group_by_value = groups(rows, period, criteria.by)
    sums = total(group_by_value.values())
    took = {
        STATUS.WON.value: days_to_close(rows, period, STATUS.WON, sums.won),
        STATUS.LOST.value: days_to_close(rows, period, STATUS.LOST, sums.lost),
    }
    if not criteria.monthly:
        return Figures(group_by_value, took, [], [])
    past = [month for month in period.months() if month < today.replace(day=1)][-FORECASTS:]
    lines = by_month(rows, until_this_month(period, today))
    return Figures(group_by_value, took, lines, past_forecasts(rows, past))


def cached_figures(user: User, rows: Rows, criteria: PipelineCriteria) -> Figures:
    """Return figures, cached until an opportunity or a forecast changes. rows: by conditions on their own columns."""
    return cached(user, ("pipeline", sql_key(rows), criteria), lambda: figures(rows, criteria), opportunity_version)


def cached_years(user: User) -> list[int]:
    rows = Opportunity.objects.visible_to(user)
    key = ("pipeline years", sql_key(rows), timezone.localdate().year)
    return cached(user, key, lambda: years_of(rows), opportunity_version)


def years_of(rows: Rows) -> list[int]:
    """Return years from the first opportunity to the last one closed, and this one; newest first."""
    ends = rows.aggregate(first=Min("created_at"), last=Max("created_at"), closed=Max("closed_at"))
    return years_between(ends.values(), timezone.localdate())
