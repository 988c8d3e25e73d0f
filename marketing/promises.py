"""What opportunities promise: sums of their 预计金额, and forecasts as they stood when a month began."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When

from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum

from .models import ForecastChange, Opportunity


class ForecastTotals(NamedTuple):
    """Exact sums of some opportunities."""

    number: int
    amount: Decimal  # 预计金额
    weighted: Decimal  # Σ 预计金额 × 成功机率


def forecast_to_close_in(rows: QuerySet[Opportunity], month: date) -> QuerySet[Opportunity]:
    """Those that were open when the month began and by what was known then would close in it.

    forecast_amount, forecast_rate: as they stood then, which are the former values of the first change since.
    """
    begins = midnight(month)
    later = ForecastChange.objects.filter(opportunity=OuterRef("pk"), at__gte=begins).order_by("at", "pk")

    def stood(name: str) -> Case:
        return Case(When(Exists(later), then=Subquery(later.values(f"former_{name}")[:1])), default=F(name))

    there = rows.filter(Q(closed_at=None) | Q(closed_at__gte=begins), created_at__lt=begins)
    return there.annotate(
        forecast_on=stood("expected_on"), forecast_amount=stood("expected_amount"), forecast_rate=stood("success_rate")
    ).filter(promised_on__gte=month, promised_on__lt=add_months(month, 1))


def sum_forecasts(rows: QuerySet[Opportunity]) -> ForecastTotals:
    """Of these rows as they stand, or as they stood when forecast_to_close_in() chose them."""
    promised = "forecast_amount" in rows.query.annotations
    amount, rate = ("forecast_amount", "forecast_rate") if promised else ("expected_amount", "success_rate")
    count, whole, weighted = 0, Decimal(0), Decimal(0)
    lines: Any = rows.order_by().values_list(rate).annotate(n=Count("pk"), sum=ExactSum(amount))
    for chance, n, part in lines:
        count, whole = count + n, whole + (part or 0)
        weighted += (part or Decimal(0)) * chance / 100
    return ForecastTotals(count, whole, weighted)
