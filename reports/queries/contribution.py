"""客户贡献: revenue by customer, read from the yearly rollup inside the viewer's view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Max, QuerySet, Sum, TextChoices
from django.utils import timezone

from accounts.models import User
from basedata.models import data_as_of
from customers.models import Customer, Order, RevenueYear
from customers.orders.versioned_cache import cached, sql_key
from customers.querysets import CustomerQuerySet
from customers.records.filters import name_condition
from kit.domain.days import add_months
from kit.sql.exact_sum import ExactSum

from ..figure_cells import change, percent
from ..periods import Period, year_period
from ..ranking import RankedCustomer, Ranking

Rows = TypeVar("Rows", bound=QuerySet[Any])
CHART_CUSTOMERS = 10  # customers of the chart


class OwnerBasis(TextChoices):
    """Whose a figure is: today's 客户经理, or the one at the order's date."""

    TODAY = "", "今天的客户经理"
    AT_ORDER = "then", "下单时的客户经理"


@dataclass(frozen=True)
class ContributionCriteria:
    """Criteria of the report. people: only customers of these 客户经理 (None: of anybody); year None: all years."""

    year: int | None
    name: str = ""
    people: frozenset[int] | None = None
    follow: str = OwnerBasis.TODAY
    with_silent: bool = False  # also customers without orders

    @property
    def by_date(self) -> bool:
        return self.people is not None and self.follow == OwnerBasis.AT_ORDER


@dataclass
class ContributionTotal:
    """The total row; before and change are those of all customers, so not those of the first so many."""

    name: str
    amount: Decimal
    share: Decimal | None
    orders: int
    before: Decimal | None = None
    change: Decimal | None = None
    customer: None = None


@dataclass(frozen=True)
class ContributionFigures:
    """All that the report shows.

    rows: the customers of the table, all or the first so many; largest: those of the chart, with their names. period:
    the days of the figures, None: all years; before: the amount of the year before.
    """

    criteria: ContributionCriteria
    ranked: Ranking
    rows: Sequence[RankedCustomer]
    total: ContributionTotal
    largest: list[RankedCustomer]
    period: Period | None
    year_before: Period | None
    before: Decimal | None

    @property
    def growth(self) -> Decimal | None:
        return change(self.ranked.total, self.before)

    @property
    def mean(self) -> Decimal | None:
        """Return the mean amount of the customers above zero."""
        return self.ranked.base / self.ranked.positive if self.ranked.positive else None

    @property
    def share_of_a(self) -> Decimal | None:
        """Return the share of the customers above zero that are in class A."""
        return percent(self.ranked.a_rows, self.ranked.positive)

    @property
    def unranked(self) -> int:
        """Return the number of customers at or below zero."""
        return len(self.ranked) - self.ranked.positive


def contribution_figures(
    user: User, criteria: ContributionCriteria, first: int | None = None
) -> ContributionFigures | None:
    """Return the figures of the customers in view; None without any. first: only so many rows, with their total."""
    ranked = ranking(user, criteria)
    if not len(ranked):
        return None
    period = None if criteria.year is None else part_of_year(criteria.year)
    earlier = year_before(period) if period else None
    before = total_in(earlier, user, criteria) if earlier else None
    largest = ranked[:CHART_CUSTOMERS] if ranked.positive else []
    name_rows(largest)
    return ContributionFigures(
        criteria=criteria,
        ranked=ranked,
        rows=ranked[:first] if first else ranked,
        total=first_rows_total(ranked, first) if first else total_row(ranked, before),
        largest=largest,
        period=period,
        year_before=earlier,
        before=before,
    )


def total_row(ranked: Ranking, before: Decimal | None) -> ContributionTotal:
    return ContributionTotal(
        name=f"合计 {len(ranked):,} 家",
        amount=ranked.total,
        share=Decimal("100.0") if ranked.positive else None,
        orders=ranked.total_orders,
        before=before,
        change=change(ranked.total, before),
    )


def first_rows_total(ranked: Ranking, first: int) -> ContributionTotal:
    """Return the total row of the first so many customers."""
    amount = sum(ranked.amounts[:first], Decimal(0))
    return ContributionTotal(
        name=f"前 {min(first, len(ranked)):,} 家",
        amount=amount,
        share=percent(amount, ranked.base) if ranked.positive else None,
        orders=sum(ranked.orders[:first]),
    )


def load_details(user: User, figures: ContributionFigures, rows: list[RankedCustomer]) -> None:
    """Set names and the year before on the rows that are shown."""
    name_rows(rows)
    if figures.year_before:
        before = amounts_in(figures.year_before, user, figures.criteria, [row.customer for row in rows])
        for row in rows:
            row.before = before.get(row.customer)
            row.change = change(row.amount, row.before)


def customers_with_visible_orders(user: User) -> CustomerQuerySet:
    """Return the customers whose orders are visible to the user."""
    rows = Customer.objects.visible_to(user)
    return rows if user.has_perm(Order.objects.all().view_permission) else rows.none()


def matching_customers(user: User, criteria: ContributionCriteria) -> CustomerQuerySet:
    rows = customers_with_visible_orders(user)
    if criteria.name:
        rows = rows.filter(name_condition(criteria.name))
    if criteria.people is not None and not criteria.by_date:
        rows = rows.filter(manager__in=criteria.people)
    return rows


def visible_customers_key(user: User) -> tuple[Any, ...]:
    """Return the cache key of the customers visible to the user.

    People, shares and open requests are ids in it, so another view is another key; 移交, the one change of rows that
    it depends on, leaves a mark in the rollup.
    """
    return sql_key(customers_with_visible_orders(user))


def ranking(user: User, criteria: ContributionCriteria) -> Ranking:
    """Return the ranking, cached until figures or owners change; with a name or customers without orders uncached."""
    if criteria.name or criteria.with_silent:
        return Ranking(revenue_rows(user, criteria))
    return cached(
        user, ("ranking", visible_customers_key(user), criteria), lambda: Ranking(revenue_rows(user, criteria))
    )


def revenue_rows(user: User, criteria: ContributionCriteria) -> Iterable[tuple[int, Decimal, int]]:
    customers = matching_customers(user, criteria)
    rows = filter_owners_at_order(RevenueYear.objects.filter(customer__in=customers.values("pk")), "manager", criteria)
    if criteria.year is not None:
        rows = rows.filter(year=criteria.year)
    sums = list(rows.order_by().values_list("customer").annotate(ExactSum("amount"), Sum("orders")))
    if criteria.with_silent:
        customers_with_orders = {row[0] for row in sums}
        keys = customers.order_by().values_list("pk", flat=True)
        sums += [(key, Decimal(0), 0) for key in keys if key not in customers_with_orders]
    return sums


def filter_owners_at_order(rows: Rows, field: str, criteria: ContributionCriteria) -> Rows:
    return rows.filter(**{f"{field}__in": criteria.people}) if criteria.by_date else rows


def years(user: User) -> list[int]:
    """Return years with orders, newest first."""
    return cached(user, ("years", visible_customers_key(user)), lambda: _years(user))


def _years(user: User) -> list[int]:
    rows = RevenueYear.objects.filter(customer__in=customers_with_visible_orders(user).values("pk"))
    return list(rows.order_by("-year").values_list("year", flat=True).annotate(Max("pk")))


# Time


def part_of_year(year: int) -> Period:
    """Return the year, as far as it is over and the data go."""
    as_of = data_as_of("orders", "order_lines")
    reached = min(timezone.localdate(), timezone.localtime(as_of).date()) if as_of else timezone.localdate()
    year_days = year_period(year)
    return Period(year_days.first, min(year_days.last, max(reached, year_days.first)))


def year_before(period: Period) -> Period:
    """Return the year before; of a running year the same part of it (29 February: to the 28th)."""
    return Period(*(add_months(day, -12) for day in period))


def amounts_in(period: Period, user: User, criteria: ContributionCriteria, keys: list[int]) -> dict[int, Decimal]:
    """Return {customer: amount} of these customers, which are visible to the user."""

    def add() -> dict[int, Decimal]:
        rows = _rows_in(period, criteria).filter(customer__in=keys)
        return dict(rows.order_by().values_list("customer").annotate(_sum(rows)))

    return cached(user, ("amounts", period, criteria.people, criteria.follow, tuple(keys)), add)


def total_in(period: Period, user: User, criteria: ContributionCriteria) -> Decimal | None:
    """Return the amount of all customers in view; None without orders."""

    def total(of: Period) -> Decimal | None:
        rows = _rows_in(of, criteria).filter(customer__in=matching_customers(user, criteria).values("pk"))
        return rows.aggregate(amount=_sum(rows))["amount"]

    def add() -> Decimal | None:
        """Return the total; for the larger part of a year, the rollup less the smaller part."""
        year = year_period(period.first.year)
        if period == year or period.days * 2 < year.days:
            return total(period)
        rest = Period(period.last + timedelta(days=1), year.last)
        year_total, rest_total = total(year), total(rest)
        return year_total if year_total is None or rest_total is None else year_total - rest_total

    return add() if criteria.name else cached(user, ("total", visible_customers_key(user), criteria, period), add)


def _rows_in(period: Period, criteria: ContributionCriteria) -> QuerySet[RevenueYear] | QuerySet[Order]:
    """Return rows of the rollup when the period is a whole year, else orders."""
    if period == year_period(period.first.year):
        return filter_owners_at_order(RevenueYear.objects.filter(year=period.first.year), "manager", criteria)
    orders = Order.objects.revenue().filter(ordered_at__gte=period.begins, ordered_at__lt=period.ends)
    return filter_owners_at_order(orders.with_owner(), "owner", criteria) if criteria.by_date else orders


def _sum(rows: QuerySet[Any]) -> ExactSum:
    return ExactSum("amount" if rows.model is RevenueYear else "total")


# Names


def sort_rows(rows: Sequence[RankedCustomer], order: str) -> Sequence[RankedCustomer]:
    """Return the rows by name or amount; they are ranked by amount."""
    if order.removeprefix("-") == "name":
        return by_name(rows, order.startswith("-"))
    return rows[::-1] if order == "amount" else rows


def name_rows(rows: list[RankedCustomer]) -> None:
    names = dict(Customer.objects.filter(pk__in=[row.customer for row in rows]).values_list("pk", "name"))
    for row in rows:
        row.name = names.get(row.customer, "")


def by_name(ranked: Sequence[RankedCustomer], descending: bool) -> list[RankedCustomer]:
    """Return all rows in the order of the names' pinyin."""
    rows = {row.customer: row for row in ranked[:]}
    order = "-name_pinyin" if descending else "name_pinyin"
    chunks = Customer.objects.order_by(order, "pk").values_list("pk", flat=True)
    return [rows[key] for key in chunks if key in rows]
