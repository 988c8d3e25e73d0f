"""客户服务分析: number of requests, satisfaction, handling time, and repeat complaints.

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
from django.db.models.expressions import Combinable
from django.utils import timezone

from reports.figure_cells import percent
from services.models import COMPLAINT, ServiceRequest

from ..periods import Period, years_between

Rows = QuerySet[ServiceRequest]
CONTENT = 4  # stars and more


def nth(counts: Counter[int], rank: int) -> int:
    """Return the value of this rank, from 1, in ascending order."""
    position = 0
    for value in sorted(counts):
        position += counts[value]
        if position >= rank:
            return value
    raise IndexError(rank)


def median(counts: Counter[int]) -> Decimal | None:
    """Return the middle value, the mean of the two in the middle when their number is even; None without any."""
    count = sum(counts.values())
    if not count:
        return None
    return Decimal(nth(counts, (count + 1) // 2) + nth(counts, count // 2 + 1)) / 2


def ninetieth(counts: Counter[int]) -> Decimal | None:
    """Return the smallest value that nine of ten do not exceed (nearest rank)."""
    count = sum(counts.values())
    return Decimal(nth(counts, -(-9 * count // 10))) if count else None


@dataclass
class Group:
    """Requests with the same value, and their figures."""

    key: Any = None
    label: str = ""
    requests: int = 0
    answers: int = 0  # with a score
    by_customer: int = 0  # scores given by customers themselves
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
        """Return the hours within which nine of ten were handled."""
        return _hours(ninetieth(self.minutes))


def _hours(minutes: Decimal | None) -> Decimal | None:
    return None if minutes is None else minutes / 60


def created_in(rows: Rows, period: Period) -> Rows:
    return rows.filter(created_at__gte=period.begins, created_at__lt=period.ends)


def groups(rows: Rows, by: Combinable) -> dict[Any, Group]:
    """Return {value of the expression: its group}, in two queries."""
    grouped = rows.order_by().annotate(group=by)
    rated = Q(satisfaction__isnull=False)
    sums = grouped.values_list("group").annotate(
        n=Count("pk"),
        answered=Count("pk", filter=rated),
        themselves=Count("pk", filter=rated & Q(satisfaction_by="customer")),
        sum=Sum("satisfaction", default=0),
        good=Count("pk", filter=Q(satisfaction__gte=CONTENT)),
        again=Sum("returns", default=0),
    )
    group_by_value = {key: Group(key, "", *values) for key, *values in sums}
    handled = grouped.exclude(minutes_to_handle=None)
    for key, minutes, count in handled.values_list("group", "minutes_to_handle").annotate(Count("pk")):
        group_by_value[key].minutes[minutes] += count
    return group_by_value


def total(groups: Iterable[Group]) -> Group:
    result = Group(label="合计")
    for group in groups:
        for name in ("requests", "answers", "by_customer", "stars", "content", "returns"):
            setattr(result, name, getattr(result, name) + getattr(group, name))
        result.minutes.update(group.minutes)
    return result


@dataclass(frozen=True)
class Complainer:
    """Somebody who complained more than once."""

    customer: int | None
    name: str
    times: int
    first: date
    last: date


def repeat_complaints(rows: Rows) -> list[Complainer]:
    """Return customers, and organisations that are none yet, with two complaints or more; the most frequent first."""
    complaints = rows.filter(kind__value=COMPLAINT).order_by()
    by_complainer = complaints.values_list("customer", "customer__name", "organisation").annotate(
        times=Count("pk"), first=Min("created_at"), last=Max("created_at")
    )
    complainers = [
        Complainer(key, name or organisation, times, timezone.localdate(first), timezone.localdate(last))
        for key, name, organisation, times, first, last in by_complainer.filter(times__gt=1)
    ]
    return sorted(complainers, key=lambda complainer: (-complainer.times, complainer.name))


def years_of(rows: Rows) -> list[int]:
    """Return years from the first request to the last, and this one; newest first."""
    ends = rows.aggregate(first=Min("created_at"), last=Max("created_at"))
    return years_between(ends.values(), timezone.localdate())
