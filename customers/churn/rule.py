"""The rule of 客户流失 in pure days: six calendar months without a purchase; and the usual purchase interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import median

from kit.domain.days import add_months

MONTHS = 6
MIN_PURCHASE_DAYS = 3  # fewer give no usual interval


def churn_cutoff(today: date) -> date:
    """Return the latest day six calendar months back: a last purchase on it or before is due for a warning."""
    day = add_months(today, -MONTHS)
    while add_months(day + timedelta(days=1), MONTHS) <= today:  # the short month holds several such days
        day += timedelta(days=1)
    return day


def silence_start(
    last_purchase: date | None, won_back: date | None, created: date, cooperation_since: date | None
) -> date:
    """Return the first day of the six months. created: in Shanghai."""
    started_on = min(created, cooperation_since) if cooperation_since else created
    latest = last_purchase or started_on
    return max(latest, won_back) if won_back else latest


@dataclass(frozen=True)
class Habit:
    """A customer's usual interval between purchases, in days."""

    interval: int

    def times(self, days: int) -> Decimal:
        """Return how many usual intervals these days are, to one decimal place."""
        return (Decimal(days) / self.interval).quantize(Decimal("0.1"), ROUND_HALF_UP)


def purchase_habit(days: Iterable[date]) -> Habit | None:
    """Return the median interval between purchase days; None when there are too few."""
    purchase_days = sorted(set(days))
    if len(purchase_days) < MIN_PURCHASE_DAYS:
        return None
    gaps = [(later - earlier).days for earlier, later in pairwise(purchase_days)]
    return Habit(int(Decimal(median(gaps)).quantize(Decimal(1), ROUND_HALF_UP)))
