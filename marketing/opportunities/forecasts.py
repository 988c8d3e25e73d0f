"""Forecasts of opportunities: sums of 预计金额, and forecasts as of the start of a month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When

from kit.domain.days import add_months, midnight
from kit.sql.exact_sum import ExactSum

from .forecast_changes import ForecastChange
from .models import Opportunity


class ForecastTotals(NamedTuple):
    """Exact sums over a set of opportunities."""

    number: int
    amount: Decimal  # 预计金额
    weighted: Decimal  # Σ 预计金额 × 成功机率


def forecast_to_close_in(rows: QuerySet[Opportunity], month: date) -> QuerySet[Opportunity]:
    """Return the opportunities that were open when the month began and were then forecast to close in it.

    Annotated with forecast_on, forecast_amount and forecast_rate as of that time: the former values of the first change
    since, or the present ones.
    """
    start = midnight(month)
    later = ForecastChange.objects.filter(opportunity=OuterRef("pk"), at__gte=start).order_by("at", "pk")

    def value_at_start(name: str) -> Case:
        return Case(When(Exists(later), then=Subquery(later.values(f"former_{name}")[:1])), default=F(name))

    open_rows = rows.filter(Q(closed_at=None) | Q(closed_at__gte=start), created_at__lt=start)
    return open_rows.annotate(
        forecast_on=value_at_start("expected_on"),
        forecast_amount=value_at_start("expected_amount"),
        forecast_rate=value_at_start("success_rate"),
    ).filter(forecast_on__gte=month, forecast_on__lt=add_months(month, 1))


def sum_forecasts(rows: QuerySet[Opportunity]) -> ForecastTotals:
    """Return the sums of the present forecasts, or of those that forecast_to_close_in() annotated."""
    is_annotated = "forecast_amount" in rows.query.annotations
    amount, rate = ("forecast_amount", "forecast_rate") if is_annotated else ("expected_amount", "success_rate")
    count, total, weighted = 0, Decimal(0), Decimal(0)
    lines: Any = rows.order_by().values_list(rate).annotate(n=Count("pk"), sum=ExactSum(amount))
    for chance, n, part in lines:
        count, total = count + n, total + (part or 0)
        weighted += (part or Decimal(0)) * chance / 100
    return ForecastTotals(count, total, weighted)
