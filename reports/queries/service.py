"""客户服务分析: number of requests, satisfaction, handling time, and repeat complaints.

A request counts at its creation, in Shanghai. Its score is that of its last round; times are working minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncMonth
from django.utils import timezone

from accounts.models import User
from accounts.users.by_department import department_user_ids
from basedata.models import DictionaryEntry
from customers.models import Customer
from customers.orders.versioned_cache import cached, sql_key
from kit.domain.days import format_day
from reports.figure_cells import percent, shares
from services.models import COMPLAINT, ServiceChange, ServiceRequest
from services.requests.querysets import ServiceRequestQuerySet

from ..periods import Period, until_this_month, years_between

T = TypeVar("T")
Rows = QuerySet[ServiceRequest]
SameRows = TypeVar("SameRows", bound=Rows)
CONTENT = 4  # stars and more


@dataclass(frozen=True)
class Basis:
    """One 报表方式. expression: of a request, the value by which requests are grouped."""

    label: str
    head: str
    expression: Combinable
    only_complaints: bool = False


BASES = {
    "kind": Basis("按服务类型", "服务类型", F("kind")),
    "month": Basis("按月份", "月份", TruncMonth("created_at")),
    "person": Basis("按处理人", "分配给", F("assignee")),
    "cause": Basis("按投诉原因", "投诉原因", F("cause"), only_complaints=True),
}


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


def created_in(rows: SameRows, period: Period) -> SameRows:
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


# Together


@dataclass(frozen=True)
class ServiceFilters:
    """by: of BASES; department: a choice of accounts.users.by_department, "" for all."""

    period: Period
    by: str = "kind"
    department: str = ""


@dataclass(frozen=True)
class ServiceFigures:
    """All that the report shows. complaint_kind: the key of 投诉 in the dictionary, None where it is missing."""

    groups: list[Group]
    total: Group
    repeated: list[Complainer]
    complaint_kind: int | None


def service_figures(user: User, filters: ServiceFilters) -> ServiceFigures | None:
    """Return the figures of the requests in view, None without any."""
    rows = requests_in_view(user, filters)
    expression = BASES[filters.by].expression
    cached_groups = cached_result(user, rows, ("groups", filters.by), lambda: groups(rows, expression))
    group_by_value = {key: copy(group) for key, group in cached_groups.items()}  # they are labelled and numbered below
    sums = total(group_by_value.values())
    if not sums.requests:
        return None
    ordered = label_groups(group_by_value, filters)
    percentages = shares([group.requests for group in ordered])
    for place, (group, share) in enumerate(zip(ordered, percentages, strict=True), start=1):
        group.place, group.share = place, share
    sums.share = sum(percentages, Decimal(0))
    repeated = cached_result(user, rows, "repeated", lambda: repeat_complaints(rows))
    complaint = DictionaryEntry.objects.of("服务类型").filter(value=COMPLAINT).first()
    return ServiceFigures(ordered, sums, repeated, complaint.pk if complaint else None)


def requests_in_view(user: User, filters: ServiceFilters) -> ServiceRequestQuerySet:
    rows = ServiceRequest.objects.visible_to(user)
    if filters.department:
        rows = rows.filter(keeper__in=department_user_ids(filters.department))
    if BASES[filters.by].only_complaints:
        rows = rows.filter(kind__value=COMPLAINT)
    return created_in(rows, filters.period)


def cached_result(user: User, rows: ServiceRequestQuerySet, what: Hashable, compute: Callable[[], T]) -> T:
    """Return compute(), cached for these rows until a request, a customer or a dictionary entry is written."""
    return cached(user, (what, sql_key(rows)), compute, ServiceChange.stamp)


def cached_years(user: User) -> list[int]:
    rows = ServiceRequest.objects.visible_to(user)
    return cached_result(user, rows, ("years", timezone.localdate()), lambda: years_of(rows))


def label_groups(group_by_value: dict[Any, Group], filters: ServiceFilters) -> list[Group]:
    """Return the groups with their labels, in the order of the report."""
    if filters.by == "month":
        return label_months(group_by_value, filters.period)
    if filters.by == "person":
        return label_people(group_by_value)
    return label_entries(group_by_value, BASES[filters.by].head)


def label_entries(group_by_value: dict[Any, Group], category: str) -> list[Group]:
    """Return the groups of all entries of a category of the dictionary, also without a request; 未填写 comes last."""
    entries = list(DictionaryEntry.objects.of(category))
    for entry in entries:
        group_by_value.setdefault(entry.pk, Group(entry.pk)).label = entry.item
    if None in group_by_value:
        group_by_value[None].label = "未填写"
    keys = [entry.pk for entry in entries]
    return [group_by_value[key] for key in (*keys, *(key for key in group_by_value if key not in keys))]


def label_months(group_by_value: dict[Any, Group], period: Period) -> list[Group]:
    """Return a group for every month of the period that has begun; its key is the first day."""
    group_by_month = {timezone.localtime(key).date(): group for key, group in group_by_value.items()}
    ordered = []
    for month in until_this_month(period, timezone.localdate()).months():
        group = group_by_month.get(month, Group())
        group.key, group.label = month, format_day(month, "month")
        ordered.append(group)
    return ordered


def label_people(group_by_value: dict[Any, Group]) -> list[Group]:
    names = dict(User.objects.filter(pk__in=[key for key in group_by_value if key]).values_list("pk", "name"))
    for key, group in group_by_value.items():
        group.label = names.get(key, "尚未分配")
    return sorted(group_by_value.values(), key=lambda group: (group.key is None, -group.requests, group.label))


def visible_numbers(user: User, complainers: Iterable[Complainer]) -> dict[int, str]:
    """Return {customer: number} of the customers among them that the user may see."""
    keys = [complainer.customer for complainer in complainers if complainer.customer is not None]
    return dict(Customer.objects.visible_to(user).filter(pk__in=keys).values_list("pk", "number"))
