"""客户贡献: revenue by customer, read from the yearly rollup inside the viewer's view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet, Sum, TextChoices
from django.utils import timezone

from accounts.models import User
from basedata.models import data_as_of
from customers.models import Customer, Order, RevenueMonth, RevenueYear
from customers.orders.versioned_cache import cached, sql_key
from customers.querysets import CustomerQuerySet
from customers.records.filters import name_condition
from kit.domain.days import add_months
from kit.sql.counts import count_capped
from kit.sql.exact_sum import ExactSum

from ..figure_cells import change, percent
from ..periods import Period, month_period, year_period
from ..ranking import RankedCustomer, Ranking, RankingSource
from ..ranking_order import FirstRows, RowsByName
from .revenue_bands import revenue_source

Rows = TypeVar("Rows", bound=QuerySet[Any])
CHART_CUSTOMERS = 10  # customers of the chart
ONE_DAY = timedelta(days=1)
MOST_YEARS = 50  # that are looked for one by one


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
    rows: FirstRows
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
        rows=FirstRows(ranked, first or len(ranked)),
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
    amount, orders = ranked.sums_of_first(first)
    return ContributionTotal(
        name=f"前 {min(first, len(ranked)):,} 家",
        amount=amount,
        share=percent(amount, ranked.base) if ranked.positive else None,
        orders=orders,
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


def revenue_rows(user: User, criteria: ContributionCriteria) -> RankingSource:
    """Return the sums of the customers; PostgreSQL orders them, on SQLite they are texts and all are read."""
    rows, silent = rollup_rows(user, criteria), None
    if criteria.with_silent:
        silent = matching_customers(user, criteria).filter(~Exists(rows.filter(customer=OuterRef("pk"))))
    return revenue_source(rows, silent)


def rollup_rows(user: User, criteria: ContributionCriteria) -> QuerySet[RevenueYear]:
    rows = RevenueYear.objects.filter(customer__in=matching_customers(user, criteria).values("pk"))
    in_years = rows if criteria.year is None else rows.filter(year=criteria.year)
    return filter_owners_at_order(in_years, "manager", criteria)


def filter_owners_at_order(rows: Rows, field: str, criteria: ContributionCriteria) -> Rows:
    return rows.filter(**{f"{field}__in": criteria.people}) if criteria.by_date else rows


def years(user: User) -> list[int]:
    """Return years with orders, newest first."""
    return cached(user, ("years", visible_customers_key(user)), lambda: _years(user))


def _years(user: User) -> list[int]:
    """Look for one row of each year: to group them all would read the whole rollup."""
    rows = RevenueYear.objects.filter(customer__in=customers_with_visible_orders(user).values("pk"))
    ends = RevenueYear.objects.aggregate(first=Min("year"), last=Max("year"))
    if ends["first"] is None:
        return []
    if ends["last"] - ends["first"] > MOST_YEARS:
        return list(rows.order_by("-year").values_list("year", flat=True).annotate(Max("pk")))
    known = range(ends["last"], ends["first"] - 1, -1)
    numbers = count_capped((rows.filter(year=year), 1) for year in known)
    return [year for year, number in zip(known, numbers, strict=True) if number]


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
        is_year = period == year_period(period.first.year)
        rows = of_year(period, criteria) if is_year else of_days(period, criteria)
        sums: Any = rows.filter(customer__in=keys).order_by().values_list("customer")
        return dict(sums.annotate(_sum(rows)))

    return cached(user, ("amounts", period, criteria.people, criteria.follow, tuple(keys)), add)


def total_in(period: Period, user: User, criteria: ContributionCriteria) -> Decimal | None:
    """Return the amount of all customers in view; None without orders. period: from the first day of a year."""

    def add() -> Decimal | None:
        amount, number = Decimal(0), 0
        for sign, rows in pieces_of(period, criteria):
            in_view = rows.filter(customer__in=matching_customers(user, criteria).values("pk"))
            sums = in_view.aggregate(amount=_sum(rows), number=_number(rows))
            amount, number = amount + sign * (sums["amount"] or 0), number + sign * (sums["number"] or 0)
        return amount if number else None

    return add() if criteria.name else cached(user, ("total", visible_customers_key(user), criteria, period), add)


def pieces_of(period: Period, criteria: ContributionCriteria) -> Iterator[tuple[int, QuerySet[Any]]]:
    """Yield (sign, rows) that add up to the period: years and months of the rollups, and of days as few as possible."""
    year, month = year_period(period.first.year), month_period(period.last.replace(day=1))
    if period.days * 2 < year.days:
        sign, days = 1, Period(month.first, period.last)
        yield 1, of_months(Period(year.first, month.first - ONE_DAY), criteria)
    else:
        sign, days = -1, Period(period.last + ONE_DAY, month.last)
        yield 1, of_year(year, criteria)
        yield -1, of_months(Period(month.last + ONE_DAY, year.last), criteria)
    if days.days * 2 > month.days:
        yield sign, of_months(month, criteria)
        begins = days.first == month.first
        rest = Period(days.last + ONE_DAY, month.last) if begins else Period(month.first, days.first - ONE_DAY)
        sign, days = -sign, rest
    yield sign, of_days(days, criteria)


def of_year(year: Period, criteria: ContributionCriteria) -> QuerySet[RevenueYear]:
    return filter_owners_at_order(RevenueYear.objects.filter(year=year.first.year), "manager", criteria)


def of_months(months: Period, criteria: ContributionCriteria) -> QuerySet[RevenueMonth]:
    if not months.days:
        return RevenueMonth.objects.none()
    rows = RevenueMonth.objects.filter(month__gte=months.first, month__lte=months.last)
    return filter_owners_at_order(rows, "manager", criteria)


def of_days(days: Period, criteria: ContributionCriteria) -> QuerySet[Order]:
    if not days.days:
        return Order.objects.none()
    orders = Order.objects.revenue().filter(ordered_at__gte=days.begins, ordered_at__lt=days.ends)
    return filter_owners_at_order(orders.with_owner(), "owner", criteria) if criteria.by_date else orders


def _sum(rows: QuerySet[Any]) -> ExactSum:
    return ExactSum("total" if rows.model is Order else "amount")


def _number(rows: QuerySet[Any]) -> Count | Sum:
    return Count("pk") if rows.model is Order else Sum("orders")


# Names and order


def sort_rows(user: User, figures: ContributionFigures, order: str) -> Sequence[RankedCustomer]:
    """Return the rows by name or amount; they are ranked by amount."""
    if order.removeprefix("-") == "name":
        names = customers_by_name(user, figures.criteria, descending=order.startswith("-"))
        return RowsByName(figures.rows, names)
    return figures.rows.ascending() if order == "amount" else figures.rows


def customers_by_name(user: User, criteria: ContributionCriteria, *, descending: bool) -> QuerySet[Customer]:
    """Return the customers of the ranking in the order of the names' pinyin."""
    customers = matching_customers(user, criteria)
    if not criteria.with_silent:
        customers = customers.filter(Exists(rollup_rows(user, criteria).filter(customer=OuterRef("pk"))))
    return customers.order_by("-name_pinyin" if descending else "name_pinyin", "pk")


def name_rows(rows: list[RankedCustomer]) -> None:
    names = dict(Customer.objects.filter(pk__in=[row.customer for row in rows]).values_list("pk", "name"))
    for row in rows:
        row.name = names.get(row.customer, "")
