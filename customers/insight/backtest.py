"""预警回测: what the alerts would have said at the ends of past months, and what happened in the 90 days after."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from basedata.calendar.counted_days import CountedDays, current_counted_days
from customers.churn.rule import churn_cutoff
from customers.orders.rhythm import MIN_ORDER_DAYS, Base, base_of, measure_spread, rhythm
from customers.orders.rhythm_base import batches_of_customers, order_days
from customers.orders.rollups import RevenueChange
from customers.records.models import Customer
from customers.records.ownership import owner_at
from kit.domain.days import add_months, midnight
from kit.sql.id_sets import IdSet
from kit.sql.turns import in_turn

from .alerts import AlertLevel
from .backtest_models import BacktestMonth, BacktestRow

DAYS = 90
MONTHS = 12
OWNERS_AT_ONCE = 10_000
Beat = Callable[[], None]
History = tuple[int, Sequence[date]]  # a customer and their order days, oldest first


class Outcome(NamedTuple):
    """What was said about a customer at a month's end, and whether they stayed away for 90 days."""

    customer: int
    light: str
    six: bool
    gone: bool

    @property
    def flagged(self) -> bool:
        return bool(self.light) or self.six or self.gone


def due_month_ends(as_of: date) -> list[date]:
    """Return the last twelve ends of months whose 90 days are over, newest first."""
    latest = (as_of - timedelta(days=DAYS) + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return [add_months(latest + timedelta(days=1), -back) - timedelta(days=1) for back in range(MONTHS)]


def backtest(month_end: date, histories: Iterable[History], base: Base, calendar: CountedDays) -> Iterator[Outcome]:
    """Yield what happened to each customer who could be judged. Alerts know only the orders up to the month's end."""
    for customer, days in histories:
        known = days[: bisect_right(days, month_end)]
        if len(known) < MIN_ORDER_DAYS:
            continue
        back = days[len(known) :][:1]
        yield Outcome(
            customer,
            light_on(month_end, known, base, calendar),
            known[-1] <= churn_cutoff(month_end),
            not back or back[0] > month_end + timedelta(days=DAYS),
        )


def light_on(day: date, order_days: Sequence[date], base: Base, calendar: CountedDays) -> str:
    """Return the alert level of a customer on a day, empty without an alert."""
    own = rhythm(order_days, base, calendar)
    if own is None or day < own.late_from:
        return ""
    return (AlertLevel.RED if day >= own.alarm_from else AlertLevel.AMBER).value


def base_on(day: date, histories: Iterable[History], calendar: CountedDays) -> Base:
    """Return the base of all rhythms as it was on a day."""
    known = (days[: bisect_right(days, day)] for _, days in histories)
    spreads = (measure_spread(days, calendar) for days in known if len(days) >= MIN_ORDER_DAYS)
    return base_of([spread for spread in spreads if spread])


class Histories:
    """Order days of all customers with enough of them, in two arrays: a few bytes a day, read once for all months."""

    def __init__(self) -> None:
        self.customers, self.ends, self.days = array("q"), array("q", [0]), array("i")

    @classmethod
    def load(cls, as_of: date, beat: Beat) -> Histories:
        histories = cls()
        for keys in batches_of_customers():
            beat()
            for customer, days in order_days(keys, as_of):
                if len(days) >= MIN_ORDER_DAYS:
                    histories.add(customer, days)
        return histories

    def add(self, customer: int, days: Iterable[date]) -> None:
        self.customers.append(customer)
        self.days.extend(day.toordinal() for day in days)
        self.ends.append(len(self.days))

    def __iter__(self) -> Iterator[History]:
        for customer, (start, end) in zip(self.customers, pairwise(self.ends), strict=True):
            yield customer, [date.fromordinal(day) for day in self.days[start:end]]


def refresh_backtest(as_of: date, beat: Beat = lambda: None) -> list[date]:
    """Compute the last twelve month-ends anew, each put in the place of its old rows; return those with customers."""
    histories, calendar, done = Histories.load(as_of, beat), current_counted_days(), []
    for month_end in due_month_ends(as_of):
        beat()
        base = base_on(month_end, histories, calendar)
        beat()
        outcomes = list(backtest(month_end, histories, base, calendar))
        _store(month_end, outcomes)
        if outcomes:
            done.append(month_end)
    RevenueChange.objects.create()  # what the list of alerts says of past ones is cached until then
    return done


def _store(month_end: date, outcomes: list[Outcome]) -> None:
    owners = _owners_on(month_end, [outcome.customer for outcome in outcomes])
    eligible = Counter(owners[outcome.customer] for outcome in outcomes if outcome.customer in owners)
    rows = [
        BacktestRow(month_end=month_end, manager_id=owners[outcome.customer], **_columns(outcome))
        for outcome in outcomes
        if outcome.flagged and outcome.customer in owners
    ]
    months = [BacktestMonth(month_end=month_end, manager_id=key, eligible=n) for key, n in eligible.items()]
    with in_turn():
        BacktestRow.objects.filter(month_end=month_end).delete()
        BacktestMonth.objects.filter(month_end=month_end).delete()
        BacktestMonth.objects.bulk_create(months, batch_size=1000)
        BacktestRow.objects.bulk_create(rows, batch_size=1000)


def _columns(outcome: Outcome) -> dict[str, object]:
    return {"customer_id": outcome.customer, "light": outcome.light, "six": outcome.six, "gone": outcome.gone}


def _owners_on(month_end: date, keys: list[int]) -> dict[int, int]:
    """Return {customer: the 客户经理 when the month ended}; customers that are gone meanwhile are left out."""
    at = midnight(month_end + timedelta(days=1)) - timedelta.resolution  # who takes over at midnight is the next one
    owners: dict[int, int] = {}
    for start in range(0, len(keys), OWNERS_AT_ONCE):
        rows = Customer.objects.current().filter(pk__in=IdSet(keys[start : start + OWNERS_AT_ONCE]))
        owners.update(rows.order_by().annotate(owner=owner_at("pk", at)).values_list("pk", "owner"))
    return owners
