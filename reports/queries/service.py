"""客户服务分析: how many requests, how content the customers were, how long handling took, who complained again.

A request counts at its creation, in Shanghai. Its score is that of its last round; times are working minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from reports.figure_cells import percent
from services.models import ServiceRequest
from services.models.record import COMPLAINT

from ..periods import Period, years_between

Rows = QuerySet[ServiceRequest]
CONTENT = 4  # stars and more


def nth(counts: Counter[int], rank: int) -> int:
    """The value at this place, from 1, when all are put in order."""
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            return value
    raise IndexError(rank)


def median(counts: Counter[int]) -> Decimal | None:
    """The middle value, the mean of the two in the middle when their number is even; None without any."""
    whole = sum(counts.values())
    if not whole:
        return None
    return Decimal(nth(counts, (whole + 1) // 2) + nth(counts, whole // 2 + 1)) / 2


def ninetieth(counts: Counter[int]) -> Decimal | None:
    """The smallest value that nine of ten do not exceed (nearest rank)."""
    whole = sum(counts.values())
    return Decimal(nth(counts, -(-9 * whole // 10))) if whole else None


@dataclass
class Group:
    """Requests that belong together."""

    key: Any = None
    label: str = ""
    requests: int = 0
    answers: int = 0  # with a score
    by_customer: int = 0  # scores given by the customer himself
    stars: int = 0  # their sum
    content: int = 0  # scores of 4 or 5
    returns: int = 0  # 退回重新处理
    minutes: Counter[int] = field(default_factory=Counter)  # {working minutes to handle: requests}
    share: Decimal | None = None
    place: int | None = None

    @property
    def mean(self) -> Decimal | None:
        return Decimal(self.stars) / self.answers if self.answers else None

    @property
    def content_share(self) -> Decimal | None:
        return percent(self.content, self.answers)

    @property
    def by_manager(self) -> int:
        return self.answers - self.by_customer

    @property
    def median_hours(self) -> Decimal | None:
        return _hours(median(self.minutes))

    @property
    def slow_hours(self) -> Decimal | None:
        """Nine of ten were handled within."""
        return _hours(ninetieth(self.minutes))


def _hours(minutes: Decimal | None) -> Decimal | None:
    return None if minutes is None else minutes / 60


def created(rows: Rows, period: Period) -> Rows:
    return rows.filter(created_at__gte=period.begins, created_at__lt=period.ends)


def groups(rows: Rows, by: Any) -> dict[Any, Group]:
    """{value of the expression: its group}, in two queries."""
    counted = rows.order_by().annotate(group=by)
    rated = Q(satisfaction__isnull=False)
    sums = counted.values_list("group").annotate(
        n=Count("pk"),
        answered=Count("pk", filter=rated),
        themselves=Count("pk", filter=rated & Q(satisfaction_by="customer")),
        sum=Sum("satisfaction", default=0),
        good=Count("pk", filter=Q(satisfaction__gte=CONTENT)),
        again=Sum("returns", default=0),
    )
    found = {key: Group(key, "", *figures) for key, *figures in sums}
    handled = counted.exclude(minutes_to_handle=None)
    for key, minutes, count in handled.values_list("group", "minutes_to_handle").annotate(Count("pk")):
        found[key].minutes[minutes] += count
    return found


def total(parts: Iterable[Group]) -> Group:
    whole = Group(label="合计")
    for part in parts:
        for name in ("requests", "answers", "by_customer", "stars", "content", "returns"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
        whole.minutes.update(part.minutes)
    return whole


@dataclass(frozen=True)
class Complainer:
    """Somebody who complained more than once."""

    customer: int | None
    name: str
    times: int
    first: date
    last: date


def repeat_complaints(rows: Rows) -> list[Complainer]:
    """Customers, and organisations that are none yet, with two complaints or more; the most frequent first."""
    complaints = rows.filter(kind__value=COMPLAINT).order_by()
    counted = complaints.values_list("customer", "customer__name", "organisation").annotate(
        times=Count("pk"), first=Min("created_at"), last=Max("created_at")
    )
    found = [
        Complainer(key, name or organisation, times, timezone.localdate(first), timezone.localdate(last))
        for key, name, organisation, times, first, last in counted.filter(times__gt=1)
    ]
    return sorted(found, key=lambda one: (-one.times, one.name))


def years_of(rows: Rows) -> list[int]:
    """Years from the first request to the last, and this one; newest first."""
    ends = rows.aggregate(first=Min("created_at"), last=Max("created_at"))
    return years_between(ends.values(), timezone.localdate())
