"""The monthly churn rate: lost in a month, of the customers that were 正常 when it began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from django.db.models import Case, Count, Exists, OuterRef, QuerySet, SmallIntegerField, Value, When

from customers.models import Customer, Ownership
from kit.domain.days import midnight
from reports.figure_cells import percent

from ..periods import Period


class Lost(Protocol):
    """What of a case is counted here; see churn.CaseLine."""

    @property
    def customer(self) -> int: ...
    @property
    def joined(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def closed(self) -> int: ...


class Month(NamedTuple):
    """Customers 正常 when it began, those lost in it, and what part of the former the latter are."""

    first: date
    normal: int
    lost: int

    @property
    def rate(self) -> Any:
        return percent(self.lost, self.normal)


def place_among(moment: str, bounds: Sequence[datetime], reached: str = "lt") -> Case:
    """How many of the bounds were reached at this moment; all of them when there is none.

    reached: "lte" when a moment that is a bound has not reached it yet.
    """
    # Compared rather than truncated to months, which takes the database twice as long.
    before = [When(**{f"{moment}__{reached}": bound}, then=Value(place)) for place, bound in enumerate(bounds)]
    return Case(*before, default=Value(len(bounds)), output_field=SmallIntegerField())


def monthly_rates(customers: QuerySet[Customer], lines: Iterable[Lost], period: Period) -> list[Month]:
    """Month by month. A customer is 正常 at a moment when he was there and no loss of his was open then.

    period: that of the lines, or the first months of it.
    """
    starts, lines = period.months(), list(lines)
    lost, away, joined = _lost_in(lines), _away(lines, len(starts)), _joined_before(customers, starts)
    return [Month(start, joined[n] - len(away[n]), lost[n]) for n, start in enumerate(starts)]


def rates_of_keepers(
    customers: QuerySet[Customer],
    people: Collection[int],
    charged: Iterable[Lost],
    every: Iterable[Lost],
    period: Period,
) -> list[Month]:
    """The same for the customers these people kept when each month began, by the ownership history.

    customers: in view, whoever keeps them. charged: the losses that count as theirs; every: those of all customers.
    """
    starts = period.months()
    lost, away, kept = _lost_in(charged), _away(every, len(starts)), _kept_at(customers, people, starts)
    return [Month(start, len(kept[n] - away[n]), lost[n]) for n, start in enumerate(starts)]


def _lost_in(lines: Iterable[Lost]) -> Counter[int]:
    return Counter(line.lost - 1 for line in lines)


def _away(lines: Iterable[Lost], months: int) -> list[set[int]]:
    """Who was lost when each month began."""
    away = [set[int]() for _ in range(months)]
    # A case confirmed and won back is open between the two; a customer counts once, and only from his first day on.
    for line in lines:
        for place in range(max(line.joined, line.lost), min(line.closed, months)):
            away[place].add(line.customer)
    return away


def _joined_before(customers: QuerySet[Customer], starts: list[date]) -> list[int]:
    """How many customers were there when each of these months began."""
    place = place_among("created_at", [midnight(start) for start in starts])
    counts = dict(customers.order_by().annotate(place=place).values_list("place").annotate(n=Count("pk")))
    return list(accumulate(counts.get(place, 0) for place in range(len(starts))))


def _kept_at(customers: QuerySet[Customer], people: Collection[int], starts: list[date]) -> list[set[int]]:
    """The customers there that these people kept when each month began; before the history begins, its first one."""
    bounds = [midnight(start) for start in starts]
    earlier = Ownership.objects.filter(customer=OuterRef("customer"), since__lt=OuterRef("since"))
    rows = Ownership.objects.filter(customer__in=customers.order_by().values("pk"), manager__in=people)
    found = rows.order_by().annotate(
        is_first=~Exists(earlier),
        begun=place_among("since", bounds, "lte"),
        ended=place_among("until", bounds, "lte"),
        joined=place_among("customer__created_at", bounds),
    )
    kept = [set[int]() for _ in starts]
    for customer, is_first, begun, ended, joined in found.values_list(
        "customer", "is_first", "begun", "ended", "joined"
    ):
        for place in range(max(joined, 0 if is_first else begun), ended):
            kept[place].add(customer)
    return kept
