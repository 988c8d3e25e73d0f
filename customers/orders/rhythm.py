"""The rhythm of a customer: how often they order, and from when on they are late by their own measure.

Pure functions of order days. All figures are computed here with Python's floats, so that both databases store the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import NamedTuple

from basedata.calendar.counted_days import CountedDays

MIN_ORDER_DAYS = 4  # fewer give no rhythm
MAX_INTERVALS = 12  # the latest ones speak
MEAN_WEIGHT, SPREAD_WEIGHT = 2, 4  # intervals that the base counts as
LATE_SIGMAS, ALARM_SIGMAS = 1.644854, 2.326348  # one interval in 20 is longer, one in 100
MIN_DAYS_LATE = 14
MIN_CUSTOMERS_OF_BASE = 30
MAX_DAYS = 36_500


class Base(NamedTuple):
    """Mean and variance of the logarithms of intervals, over customers: what one with few orders resembles."""

    mu: float
    sigma2: float


DEFAULT_BASE = Base(math.log(45), 0.3025)


class Spread(NamedTuple):
    """The logarithms of a customer's latest intervals: how many, their mean and their variance."""

    intervals: int
    mean: float
    variance: float


@dataclass(frozen=True)
class Rhythm:
    """Counted days from an order to the next one, and the dates at which that is late."""

    usual: int
    low: int
    high: int
    expected_on: date
    late_from: date
    alarm_from: date

    def describe(self, silent_days: int) -> str:
        return describe_silence(self.usual, self.low, self.high, silent_days)


def rhythm(order_days: Iterable[date], base: Base, calendar: CountedDays) -> Rhythm | None:
    """Return the rhythm of a customer with these order days; None for fewer than four."""
    days = sorted(set(order_days))
    spread = measure_spread(days, calendar)
    if spread is None or len(days) < MIN_ORDER_DAYS:
        return None
    k, mean, variance = spread
    mu = (k * mean + MEAN_WEIGHT * base.mu) / (k + MEAN_WEIGHT)
    sigma = math.sqrt((k * variance + SPREAD_WEIGHT * base.sigma2) / (k + SPREAD_WEIGHT))
    usual = _round_half_up(math.exp(mu))
    late, alarm = (_days_late(mu + sigmas * sigma) for sigmas in (LATE_SIGMAS, ALARM_SIGMAS))
    return Rhythm(
        usual,
        _round_half_up(math.exp(mu - sigma)),
        _round_half_up(math.exp(min(mu + sigma, math.log(MAX_DAYS)))),
        *(calendar.later(days[-1], count) for count in (usual, late, alarm)),
    )


def measure_spread(days: Sequence[date], calendar: CountedDays) -> Spread | None:
    """Return the spread of a customer's latest intervals; None for fewer than two days. days: sorted, each once."""
    intervals = [calendar.between(*pair) for pair in pairwise(days[-MAX_INTERVALS - 1 :])]
    if not intervals:
        return None
    logs = [math.log(max(1, days)) for days in intervals]
    mean = math.fsum(logs) / len(logs)
    return Spread(len(logs), mean, math.fsum((one - mean) ** 2 for one in logs) / len(logs))


def base_of(spreads: Sequence[Spread]) -> Base:
    """Return the plain means over customers with three intervals or more; the default for too few customers."""
    if len(spreads) < MIN_CUSTOMERS_OF_BASE:
        return DEFAULT_BASE
    count = len(spreads)
    return Base(math.fsum(one.mean for one in spreads) / count, math.fsum(one.variance for one in spreads) / count)


def describe_silence(usual: int, low: int, high: int, silent_days: int) -> str:
    """Say how long a customer has not ordered, against what is usual for them; all in counted days."""
    return (
        f"该客户通常约 {usual} 天下单一次（多在 {low}–{high} 天内），已 {silent_days} 天未下单，"
        f"为惯常的 {times_usual(silent_days, usual)} 倍。"
    )


def times_usual(silent_days: int, usual: int) -> Decimal:
    """Return how many usual intervals these days are, to one decimal place."""
    return (Decimal(silent_days) / usual).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _round_half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _days_late(log_days: float) -> int:
    return max(MIN_DAYS_LATE, math.ceil(math.exp(min(log_days, math.log(MAX_DAYS)))))
