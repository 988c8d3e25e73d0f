"""The rule of 客户流失 in pure days: six calendar months without a purchase."""

from __future__ import annotations

from datetime import date, timedelta

from kit.domain.days import add_months

MONTHS = 6


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
