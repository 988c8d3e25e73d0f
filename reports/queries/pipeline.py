"""销售漏斗: where opportunities stand, how many are won, how long it takes, and how good forecasts were.

Everything counts opportunities of the given queryset, by days in Shanghai. Amounts are 预计金额, exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone

from accounts.models import User
from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum
from marketing.models import ForecastChange, Opportunity, opportunity_version
from reports.figure_cells import percent
from reports.versioned_cache import remembered, statement

from ..periods import Period, until_this_month, years_between

FORECASTS = 24  # months looked back at most
FEW = 5  # fewer closed opportunities say little about a rate
STATUS = Opportunity.Status
Rows = QuerySet[Opportunity]


def win_rate(won: int, lost: int) -> Decimal | None:
    """won of won + lost, in percent: open ones do not count."""
    return percent(won, won + lost)


def closed(rows: Rows, period: Period) -> Rows:
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
    def few(self) -> bool:
        return 0 < self.closed < FEW

    def take(self, status: str, rate: int, count: int, amount: Decimal | None, priced: int) -> None:
        if status in Opportunity.OPEN:
            self.open += count
            self.amount += amount or 0
            self.weighted += (amount or Decimal(0)) * rate / 100
            self.without_amount += count - priced
        elif status == STATUS.WON:
            self.won += count
        else:
            self.lost += count


KEEPER = Coalesce("assignee", "created_by")  # whose opportunity: before 指派 its creator's


def groups(rows: Rows, period: Period, by: Any = None) -> dict[Any, Group]:
    """{value of `by`: its group}, in one query; without `by` the whole under None."""
    open_now, lately = Q(status__in=Opportunity.OPEN), Q(closed_at__gte=period.begins, closed_at__lt=period.ends)
    counted = rows.filter(open_now | (Q(status__in=Opportunity.CLOSED) & lately)).order_by()
    names = ["status", "success_rate"] if by is None else ["group", "status", "success_rate"]
    if by is not None:
        counted = counted.annotate(group=by)
    sums = counted.values_list(*names).annotate(
        n=Count("pk"), sum=ExactSum("expected_amount"), priced=Count("expected_amount")
    )
    found: dict[Any, Group] = {}
    for *key, status, rate, count, amount, priced in sums:
        value = key[0] if key else None
        found.setdefault(value, Group(value)).take(status, rate, count, amount, priced)
    return found


def total(parts: Iterable[Group]) -> Group:
    whole = Group(label="合计")
    for part in parts:
        for name in ("open", "amount", "weighted", "without_amount", "won", "lost"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
    return whole


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


def by_month(rows: Rows, period: Period) -> list[MonthLine]:
    created = _counts(rows.filter(created_at__gte=period.begins, created_at__lt=period.ends), "created_at")
    ended = _counts(closed(rows, period), "closed_at")
    return [
        MonthLine(
            month,
            created[month, STATUS.UNASSIGNED],
            created[month, STATUS.ASSIGNED],
            created[month, STATUS.WON],
            created[month, STATUS.LOST],
            ended[month, STATUS.WON],
            ended[month, STATUS.LOST],
        )
        for month in period.months()
    ]


def _counts(rows: Rows, moment: str) -> dict[tuple[date, str], int]:
    counted = rows.order_by().annotate(month=TruncMonth(moment)).values_list("month", "status").annotate(n=Count("pk"))
    found: dict[tuple[date, str], int] = defaultdict(int)
    for month, status, n in counted:
        found[timezone.localtime(month).date(), status] = n
    return found


def days_to_close(rows: Rows, period: Period, status: str, count: int) -> Decimal | None:
    """The median number of days from creation to this end, to one place; None when nothing ended so.

    count: how many ended so, which the groups have counted already.
    """
    if not count:
        return None
    took = ExpressionWrapper(F("closed_at") - F("created_at"), DurationField())
    ended = closed(rows, period).filter(status=status).annotate(took=took)
    middle = ended.order_by("took", "pk").values_list("took", flat=True)
    pair = list(middle[(count - 1) // 2 : count // 2 + 1])
    whole = sum(pair, timedelta())
    seconds = Decimal(whole.days * 86400 + whole.seconds) / max(len(pair), 1)
    return (seconds / 86400).quantize(Decimal("0.1"), ROUND_HALF_UP)


# Forecasts of past months against what came


@dataclass(frozen=True)
class Forecast:
    """What the opportunities open when the month began promised for it, and what was won in it."""

    first: date
    count: int  # opportunities expected to close in the month
    amount: Decimal  # their 预计金额
    weighted: Decimal  # their 预计金额 × 成功机率
    won: int
    came: Decimal  # 预计金额 of those won in the month, as last stated

    @property
    def hit(self) -> Decimal | None:
        """What came, in percent of the weighted forecast."""
        return percent(self.came, self.weighted)


class Promise(NamedTuple):
    """An opportunity's forecast at some moment."""

    rate: int
    amount: Decimal | None
    on: date | None


def past_forecasts(rows: Rows, months: list[date]) -> list[Forecast]:
    """months: first days, oldest first, none later than today."""
    if not months:
        return []
    begins = midnight(months[0])
    changes = ForecastChange.objects.filter(opportunity__in=rows, at__gte=begins)
    promised = _unchanged(rows, changes, months)
    _add_changed(promised, rows, changes, months)
    came = _won(rows, Period(months[0], add_months(months[-1], 1) - timedelta(days=1)))
    return [Forecast(month, *promised[month], *came.get(month, (0, Decimal(0)))) for month in months]


Promised = dict[date, tuple[int, Decimal, Decimal]]


def _unchanged(rows: Rows, changes: Any, months: list[date]) -> Promised:
    """Opportunities whose forecast was not changed since: added up by the database."""
    kept = rows.exclude(pk__in=changes.order_by().values("opportunity")).order_by()
    window = kept.filter(expected_on__gte=months[0], expected_on__lt=add_months(months[-1], 1))
    stands = Q()
    for month in months:
        there = Q(closed_at=None) | Q(closed_at__gte=midnight(month))
        expected = Q(expected_on__gte=month, expected_on__lt=add_months(month, 1))
        stands |= expected & there & Q(created_at__lt=midnight(month))
    found: Promised = {month: (0, Decimal(0), Decimal(0)) for month in months}
    grouped = window.filter(stands).annotate(month=TruncMonth("expected_on")).values_list("month", "success_rate")
    lines: Any = grouped.annotate(n=Count("pk"), sum=ExactSum("expected_amount"))
    for month, rate, n, amount in lines:
        _add(found, month, n, amount or Decimal(0), (amount or Decimal(0)) * rate / 100)
    return found


def _add(found: Promised, month: date, count: int, amount: Decimal, weighted: Decimal) -> None:
    n, total_amount, total_weighted = found[month]
    found[month] = (n + count, total_amount + amount, total_weighted + weighted)


def _add_changed(found: Promised, rows: Rows, changes: Any, months: list[date]) -> None:
    """The others, each as it stood when the month began: the former values of the first change after that."""
    later: dict[int, list[tuple[datetime, Promise]]] = defaultdict(list)
    former = ("former_success_rate", "former_expected_amount", "former_expected_on")
    for pk, at, *values in changes.order_by("at", "pk").values_list("opportunity", "at", *former):
        later[pk].append((at, Promise(*values)))
    changed = rows.filter(pk__in=changes.order_by().values("opportunity")).order_by()
    today = ("success_rate", "expected_amount", "expected_on")
    for pk, created_at, closed_at, *values in changed.values_list("pk", "created_at", "closed_at", *today):
        for month in months:
            begins = midnight(month)
            if created_at >= begins or (closed_at is not None and closed_at < begins):
                continue
            stood = next((promise for at, promise in later[pk] if at >= begins), Promise(*values))
            if stood.on is not None and month <= stood.on < add_months(month, 1):
                amount = stood.amount or Decimal(0)
                _add(found, month, 1, amount, amount * stood.rate / 100)


def _won(rows: Rows, period: Period) -> dict[date, tuple[int, Decimal]]:
    won = closed(rows, period).filter(status=STATUS.WON).order_by().annotate(month=TruncMonth("closed_at"))
    sums = won.values_list("month").annotate(n=Count("pk"), sum=ExactSum("expected_amount"))
    return {timezone.localtime(month).date(): (n, amount or Decimal(0)) for month, n, amount in sums}


# Together


class Asked(NamedTuple):
    """What the report is asked for. monthly: with the months and the forecasts of those that are over."""

    period: Period
    by: Any
    today: date
    monthly: bool


class Figures(NamedTuple):
    """All that the report shows of some opportunities in a period. Not to be changed: it is remembered."""

    groups: dict[Any, Group]
    took: dict[str, Decimal | None]  # the median of days by how it ended
    months: list[MonthLine]
    forecasts: list[Forecast]


def figures(rows: Rows, asked: Asked) -> Figures:
    period, today = asked.period, asked.today
    found = groups(rows, period, asked.by)
    whole = total(found.values())
    took = {
        STATUS.WON.value: days_to_close(rows, period, STATUS.WON, whole.won),
        STATUS.LOST.value: days_to_close(rows, period, STATUS.LOST, whole.lost),
    }
    if not asked.monthly:
        return Figures(found, took, [], [])
    past = [month for month in period.months() if month < today.replace(day=1)][-FORECASTS:]
    lines = by_month(rows, until_this_month(period, today))
    return Figures(found, took, lines, past_forecasts(rows, past))


def remembered_figures(user: User, rows: Rows, asked: Asked) -> Figures:
    """Counted once until an opportunity or a forecast changes. rows: by conditions on their own columns."""
    return remembered(user, ("pipeline", statement(rows), asked), lambda: figures(rows, asked), opportunity_version)


def remembered_years(user: User) -> list[int]:
    rows = Opportunity.objects.visible_to(user)
    key = ("pipeline years", statement(rows), timezone.localdate().year)
    return remembered(user, key, lambda: years_of(rows), opportunity_version)


def years_of(rows: Rows) -> list[int]:
    """Years from the first opportunity to the last one closed, and this one; newest first."""
    ends = rows.aggregate(first=Min("created_at"), last=Max("created_at"), closed=Max("closed_at"))
    return years_between(ends.values(), timezone.localdate())


def named(found: dict[Any, Group], names: Callable[[Iterable[Any]], dict[Any, str]], blank: str) -> list[Group]:
    """The groups with their names, those with most closed and open ones first; without a value last."""
    labels = names([key for key in found if key not in (None, "")])
    for key, group in found.items():
        group.label = blank if key in (None, "") else labels.get(key, str(key))
    return sorted(found.values(), key=lambda g: (g.key in (None, ""), -g.won, -g.closed, -g.open, g.label))
