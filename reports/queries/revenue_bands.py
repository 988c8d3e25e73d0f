"""Revenue by customer in bands, read from the yearly rollup: PostgreSQL counts a million customers, few are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Q, QuerySet, Sum

from customers.models import Customer, RevenueYear
from kit.sql.exact_sum import ExactSum
from kit.sql.id_sets import IdSet
from kit.sql.readers import connection_for_reading

from ..ranking import Band, RankingSource, Row, RowsInMemory, Span, Sums

# 64 bands to each e-fold, so that one holds some thousand of a million customers. The cap is far above any amount.
COUNT_BANDS = """
SELECT MIN(net), MAX(net), COUNT(*), SUM(net), SUM(number)::bigint, COUNT(*) FILTER (WHERE number > 0)
FROM ({sums}) AS sums
GROUP BY CASE WHEN net > 0 THEN (64 * LN(GREATEST(LEAST(net, 1e18)::bigint, 1)::float8))::int END
"""


def revenue_source(rows: QuerySet[RevenueYear], silent: QuerySet[Customer] | None) -> RankingSource:
    """Return the sums of these rows of the rollup by customer, and 0 for the silent ones, who have none."""
    if connection_for_reading(RevenueYear).vendor == "postgresql":
        return RevenueBands(rows, silent)
    sums = list(sums_of(rows).values_list("customer", "net", "number"))
    return RowsInMemory([*sums, *_without_orders(silent)])


def sums_of(rows: QuerySet[RevenueYear]) -> QuerySet[Any]:
    return rows.order_by().values("customer").annotate(net=ExactSum("amount"), number=Sum("orders"))


def _without_orders(silent: QuerySet[Customer] | None) -> Iterable[Row]:
    if silent is None:
        return []
    return ((key, Decimal(0), 0) for key in silent.order_by().values_list("pk", flat=True))


class RevenueBands:
    """Sums that PostgreSQL orders. Between two reads somebody may change them: Ranking notices."""

    def __init__(self, rows: QuerySet[RevenueYear], silent: QuerySet[Customer] | None) -> None:
        self.sums, self.silent = sums_of(rows), silent

    def bands(self) -> Iterable[Band]:
        bands = self._count()
        silent = 0 if self.silent is None else self.silent.count()
        if not silent:
            return bands
        zero, others = Decimal(0), [band for band in bands if band.least <= 0]
        number, amount, orders, buyers = others[0].sums if others else Sums(0, zero, 0, 0)
        least = others[0].least if others else zero
        with_silent = Band(least, zero, Sums(number + silent, amount, orders, buyers))
        return [*(band for band in bands if band.least > 0), with_silent]

    def _count(self) -> list[Band]:
        try:
            sql, params = self.sums.values("net", "number").query.sql_with_params()
        except EmptyResultSet:  # a user who sees nothing
            return []
        with connection_for_reading(RevenueYear).cursor() as cursor:
            cursor.execute(COUNT_BANDS.format(sums=sql), params)
            return [Band(least, most, Sums(*sums)) for least, most, *sums in cursor.fetchall()]

    def rows(self, spans: Iterable[Span]) -> Iterable[Row]:
        limits, has_zero = Q(), False
        for least, most in spans:
            limits |= Q(net__gte=least, net__lte=most)
            has_zero = has_zero or least <= 0 <= most
        yield from self._read(self.sums.filter(limits))
        if has_zero:
            yield from _without_orders(self.silent)

    def rows_of(self, customers: Collection[int]) -> Iterable[Row]:
        keys = IdSet(customers)
        yield from self._read(self.sums.filter(customer__in=keys))
        if self.silent is not None:
            yield from _without_orders(self.silent.filter(pk__in=keys))

    @staticmethod
    def _read(sums: QuerySet[Any]) -> Iterable[Row]:
        return sums.values_list("customer", "net", "number")
