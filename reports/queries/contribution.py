"""客户贡献: revenue by customer, read from the yearly rollup inside the viewer's view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max, Sum
from django.utils import timezone

from accounts.models import User
from basedata.models import data_as_of
from customers.filters.customers import name_condition
from customers.models import Customer, Order, RevenueYear
from kit.domain.days import add_months
from kit.sql.exact_sum import ExactSum
from reports.versioned_cache import remembered, statement

from ..periods import Period, year_period
from ..ranking import Ranking, Standing

TODAY, THEN = "", "then"  # figures follow today's 客户经理, or the one at the order's date


@dataclass(frozen=True)
class Wanted:
    """What is asked for. people: only customers of these 客户经理 (None: of anybody); year None: all years."""

    year: int | None
    name: str = ""
    people: frozenset[int] | None = None
    follow: str = TODAY
    with_silent: bool = False  # also customers without orders

    @property
    def by_date(self) -> bool:
        return self.people is not None and self.follow == THEN


def customers_seen(user: User) -> Any:
    """Whose orders the person sees."""
    rows = Customer.objects.visible_to(user)
    return rows if user.has_perm(Order.objects.all().view_permission) else rows.none()


def customers_in(user: User, wanted: Wanted) -> Any:
    rows = customers_seen(user)
    if wanted.name:
        rows = rows.filter(name_condition(wanted.name))
    if wanted.people is not None and not wanted.by_date:
        rows = rows.filter(manager__in=wanted.people)
    return rows


def view_of(user: User) -> tuple[Any, ...]:
    """Which customers a person sees, as the statement that asks for them: people, shares and open requests are ids in
    it, so another view is another key; 移交, the one change of rows that it turns on, leaves a mark in the rollup."""
    return statement(customers_seen(user))


def ranking(user: User, wanted: Wanted) -> Ranking:
    """Remembered until figures or keepers change, unless a name narrows it or customers without orders are listed."""
    if wanted.name or wanted.with_silent:
        return Ranking(revenue_rows(user, wanted))
    return remembered(user, ("ranking", view_of(user), wanted), lambda: Ranking(revenue_rows(user, wanted)))


def revenue_rows(user: User, wanted: Wanted) -> Iterable[tuple[int, Decimal, int]]:
    customers = customers_in(user, wanted)
    rows = of_keepers(RevenueYear.objects.filter(customer__in=customers.values("pk")), "manager", wanted)
    if wanted.year is not None:
        rows = rows.filter(year=wanted.year)
    found = list(rows.order_by().values_list("customer").annotate(ExactSum("amount"), Sum("orders")))
    if wanted.with_silent:
        known = {row[0] for row in found}
        keys = customers.order_by().values_list("pk", flat=True)
        found += [(key, Decimal(0), 0) for key in keys if key not in known]
    return found


def of_keepers(rows: Any, field: str, wanted: Wanted) -> Any:
    return rows.filter(**{f"{field}__in": wanted.people}) if wanted.by_date else rows


def years(user: User) -> list[int]:
    """Years with orders, newest first."""
    return remembered(user, ("years", view_of(user)), lambda: _years(user))


def _years(user: User) -> list[int]:
    rows = RevenueYear.objects.filter(customer__in=customers_seen(user).values("pk"))
    return list(rows.order_by("-year").values_list("year", flat=True).annotate(Max("pk")))


# Time


def part_of_year(year: int) -> Period:
    """The year, as far as it is over and the data go."""
    as_of = data_as_of("orders", "order_lines")
    reached = min(timezone.localdate(), timezone.localtime(as_of).date()) if as_of else timezone.localdate()
    whole = year_period(year)
    return Period(whole.first, min(whole.last, max(reached, whole.first)))


def year_before(period: Period) -> Period:
    """The year before; of a running year the same part of it (29 February: to the 28th)."""
    return Period(*(add_months(day, -12) for day in period))


def amounts_in(period: Period, user: User, wanted: Wanted, keys: list[int]) -> dict[int, Decimal]:
    """{customer: amount} of these customers, which the viewer sees."""

    def add() -> dict[int, Decimal]:
        rows = _rows_in(period, wanted).filter(customer__in=keys)
        return dict(rows.order_by().values_list("customer").annotate(_sum(rows)))

    return remembered(user, ("amounts", period, wanted.people, wanted.follow, tuple(keys)), add)


def total_in(period: Period, user: User, wanted: Wanted) -> Decimal | None:
    """Of all customers in view; None when there was nothing."""

    def total(of: Period) -> Decimal | None:
        rows = _rows_in(of, wanted).filter(customer__in=customers_in(user, wanted).values("pk"))
        return rows.aggregate(amount=_sum(rows))["amount"]

    def add() -> Decimal | None:
        """Of a year's larger part: what the rollup knows less the smaller part."""
        year = year_period(period.first.year)
        if period == year or period.days * 2 < year.days:
            return total(period)
        rest = Period(period.last + timedelta(days=1), year.last)
        whole, after = total(year), total(rest)
        return whole if whole is None or after is None else whole - after

    return add() if wanted.name else remembered(user, ("total", view_of(user), wanted, period), add)


def _rows_in(period: Period, wanted: Wanted) -> Any:
    """Of the rollup when the period is a whole year, else the orders themselves."""
    if period == year_period(period.first.year):
        return of_keepers(RevenueYear.objects.filter(year=period.first.year), "manager", wanted)
    orders = Order.objects.revenue().filter(ordered_at__gte=period.begins, ordered_at__lt=period.ends)
    return of_keepers(orders.with_owner(), "owner", wanted) if wanted.by_date else orders


def _sum(rows: Any) -> ExactSum:
    return ExactSum("amount" if rows.model is RevenueYear else "total")


# Names


def name_rows(rows: list[Standing]) -> None:
    names = dict(Customer.objects.filter(pk__in=[row.customer for row in rows]).values_list("pk", "name"))
    for row in rows:
        row.name = names.get(row.customer, "")


def by_name(found: Sequence[Standing], descending: bool) -> list[Standing]:
    """All rows in the order of the names' pinyin."""
    rows = {row.customer: row for row in found[:]}
    order = "-name_pinyin" if descending else "name_pinyin"
    chunks = Customer.objects.order_by(order, "pk").values_list("pk", flat=True)
    return [rows[key] for key in chunks if key in rows]
