"""The monthly churn rate: lost in a month, of the customers that were 正常 when it began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple, Protocol

from django.db.models import Case, Count, Exists, OuterRef, QuerySet, SmallIntegerField, Value, When

from customers.models import Customer, Ownership
from kit.domain.days import midnight
from reports.figure_cells import percent

from ..periods import Period


class Lost(Protocol):
    """The fields of a case that are counted here; see churn.CaseLine."""

    @property
    def customer(self) -> int: ...
    @property
    def joined(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def closed(self) -> int: ...


class Month(NamedTuple):
    """Customers 正常 at the start of a month, and those lost in it."""

    first: date
    normal: int
    lost: int

    @property
    def rate(self) -> Decimal | None:
        return percent(self.lost, self.normal)


def position_among(field: str, bounds: Sequence[datetime], reached: str = "lt") -> Case:
    """Count the bounds reached by this datetime field; all of them when it is NULL.

    reached: "lte" when a datetime equal to a bound has not reached it yet.
    """
    # Compared rather than truncated to months, which takes the database twice as long.
    before = [When(**{f"{field}__{reached}": bound}, then=Value(place)) for place, bound in enumerate(bounds)]
    return Case(*before, default=Value(len(bounds)), output_field=SmallIntegerField())


def monthly_rates(customers: QuerySet[Customer], lines: Iterable[Lost], period: Period) -> list[Month]:
    """Return the rates by month. A customer is 正常 once created, while no loss of theirs is open.

    period: that of the lines, or the first months of it.
    """
    starts, lines = period.months(), list(lines)
    lost, away, joined = _lost_in(lines), _away(lines, len(starts)), _joined_before(customers, starts)
    return [Month(start, joined[n] - len(away[n]), lost[n]) for n, start in enumerate(starts)]


def rates_of_owners(
    customers: QuerySet[Customer],
    owners: Collection[int],
    own_losses: Iterable[Lost],
    all_losses: Iterable[Lost],
    period: Period,
) -> list[Month]:
    """Return the rates of the customers these people owned when each month began, by the ownership history.

    customers: in view, of any owner. own_losses: those charged to these owners; all_losses: those of all customers.
    """
    starts = period.months()
    lost, away, owned = _lost_in(own_losses), _away(all_losses, len(starts)), _owned_at(customers, owners, starts)
    return [Month(start, len(owned[n] - away[n]), lost[n]) for n, start in enumerate(starts)]


def _lost_in(lines: Iterable[Lost]) -> Counter[int]:
    return Counter(line.lost - 1 for line in lines)


def _away(lines: Iterable[Lost], months: int) -> list[set[int]]:
    """Return for each month the customers lost when it began."""
    away = [set[int]() for _ in range(months)]
    # A case confirmed and won back is open between the two; a customer counts once, and only from their first day on.
    for line in lines:
        for place in range(max(line.joined, line.lost), min(line.closed, months)):
            away[place].add(line.customer)
    return away


def _joined_before(customers: QuerySet[Customer], starts: list[date]) -> list[int]:
    """Return for each month how many customers existed when it began."""
    place = position_among("created_at", [midnight(start) for start in starts])
    counts = dict(customers.order_by().annotate(place=place).values_list("place").annotate(n=Count("pk")))
    return list(accumulate(counts.get(place, 0) for place in range(len(starts))))


def _owned_at(customers: QuerySet[Customer], owners: Collection[int], starts: list[date]) -> list[set[int]]:
    """Return for each month the customers these people owned when it began; the first owner counts from the start."""
    bounds = [midnight(start) for start in starts]
    earlier = Ownership.objects.filter(customer=OuterRef("customer"), since__lt=OuterRef("since"))
    rows = Ownership.objects.filter(customer__in=customers.order_by().values("pk"), manager__in=owners)
    ownerships = rows.order_by().annotate(
        is_first=~Exists(earlier),
        begun=position_among("since", bounds, "lte"),
        ended=position_among("until", bounds, "lte"),
        joined=position_among("customer__created_at", bounds),
    )
    owned = [set[int]() for _ in starts]
    for customer, is_first, start_position, end_position, join_position in ownerships.values_list(
        "customer", "is_first", "begun", "ended", "joined"
    ):
        for place in range(max(join_position, 0 if is_first else start_position), end_position):
            owned[place].add(customer)
    return owned
