"""Numbers, sums and order of the lists of alerts and cases: counted once until figures, cases or pauses change.

To find, sort and add up all of them for every page costs thirty plain pages at a million customers.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from django.db.models import Count, QuerySet, Window

from accounts.models import User
from customers.churn.models import ChurnCase
from customers.churn.version import churn_version
from customers.orders.versioned_cache import cached, sql_key
from customers.records.metrics import CustomerMetrics
from kit.lists.paging import MAX_COUNT
from kit.sql.exact_sum import ExactSum
from kit.sql.readers import FixedQuery

from .alerts import AlertLevel
from .models import AlertPause, AlertQuerySet


class LevelSum(NamedTuple):
    """Alerts of a level, and the 12 个月净额 of their customers."""

    number: int
    net: Decimal


class AlertRanking(NamedTuple):
    """keys: of the first MAX_COUNT alerts in their order, as far as one can turn pages; sums: of all, by level."""

    keys: Sequence[int]
    sums: dict[str, LevelSum]

    @property
    def number(self) -> int:
        return sum(one.number for one in self.sums.values())

    @property
    def net(self) -> Decimal:
        return sum((one.net for one in self.sums.values()), Decimal(0))


def rank_alerts(rows: AlertQuerySet, user: User) -> AlertRanking:
    """Return the alerts' ranking. rows: of alerted(), in the order of the list, as the user sees them."""
    order = tuple(map(repr, rows.query.order_by))
    return cached(user, ("alerts", order, sql_key(rows)), lambda: _rank(rows), alert_version)


def count_cases(rows: QuerySet[ChurnCase], user: User) -> Mapping[str, int]:
    """Return {status: number} of the cases, which the user sees."""

    def count() -> dict[str, int]:
        return dict(rows.order_by().values_list("status").annotate(Count("pk")))

    return cached(user, ("cases", sql_key(rows)), count, alert_version)


def sum_of_cases(rows: QuerySet[ChurnCase], user: User) -> Decimal | None:
    """Return the 12 个月净额 of the cases' customers, each once; None without any."""

    def add_up() -> Decimal | None:
        customers = CustomerMetrics.objects.filter(customer__in=rows.order_by().values("customer"))
        total: Decimal | None = customers.aggregate(net=ExactSum("net_12m"))["net"]
        return total

    return cached(user, ("net of cases", sql_key(rows)), add_up, alert_version)


def alert_version() -> Hashable | None:
    """Return the version of all that decides which alerts there are on a day; None when there is no cacheable one.

    Of cases, too, which stand beside alerts wherever they are counted: so a page asks for one version only.
    """
    version = churn_version()
    return version and (version, *_pauses().read())


@cache
def _pauses() -> FixedQuery:
    """Return a query for the newest pause and the number of those that ended."""
    pauses = AlertPause.objects.annotate(closed=Window(Count("closed_at"))).order_by("-pk")
    return FixedQuery(pauses.values_list("pk", "closed")[:1])


def _rank(rows: Any) -> AlertRanking:
    keys, sums = array("q"), {level.value: LevelSum(0, Decimal(0)) for level in AlertLevel}
    for key, level, net in rows.values_list("pk", "alert_level", "net_12m"):
        if len(keys) <= MAX_COUNT:
            keys.append(key)
        sums[level] = LevelSum(sums[level].number + 1, sums[level].net + net)
    return AlertRanking(keys, sums)
