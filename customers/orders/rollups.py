"""Revenue by customer, year and 客户经理, and by month and department: read by reports instead of adding up all orders.

Code that changes orders or managers calls refresh_revenue() in its own transaction, so that reports never see one
without the other. `manage.py rebuild_rollups` rebuilds it; check_nightly() compares it with the orders every night.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from customers.records.models import Customer
from kit.domain.days import format_day, midnight
from kit.sql.exact_sum import ExactDecimalField, ExactSum
from kit.sql.markers import ChangeMarker
from kit.sql.transactions import in_transaction

from .models import Order, refresh_last_purchases
from .revenue_months import Figures, MonthKey, SoldDay, list_month_differences, refresh_months

BATCH = 500  # customers
Key = tuple[int, int, int]  # customer, year, manager


class RevenueYear(models.Model):
    """Total of a customer's orders of REVENUE_STATUSES in a Shanghai year, by the 客户经理 at the order's date."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="revenue_years", db_index=False)
    year = models.PositiveSmallIntegerField("年份")
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="客户经理")
    orders = models.PositiveIntegerField("订单数")
    amount = ExactDecimalField("订单金额", max_digits=26, decimal_places=7)

    class Meta:
        verbose_name = "年度订单金额"
        verbose_name_plural = "年度订单金额"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["customer", "year", "manager"], name="customers_revenue_once"),
        ]
        indexes = [
            models.Index(
                fields=["year", "customer"], include=["manager", "orders", "amount"], name="customers_revenue_of_year"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.year} {self.amount}"


class RevenueChange(ChangeMarker):
    """A marker written with every change of the figures or of a customer's 客户经理; see kit.sql.markers."""

    class Meta(ChangeMarker.Meta):
        verbose_name = "订单金额变动"
        verbose_name_plural = "订单金额变动"


class Revenue(NamedTuple):
    customer: int
    year: int
    manager: int
    orders: int
    amount: Decimal


@in_transaction
def refresh_revenue(customer_ids: Iterable[int] | None = None, years: Collection[int] | None = None) -> int:
    """Recompute the rows of these customers (None: all) and years (None: all) from the orders, set-based.

    It runs in the transaction of the change. Return how many rows changed.
    """
    changed = 0
    for keys in in_batches(customer_ids):
        lock_customers(keys)
        sold_days = list(read_sold_days(keys, years))
        expected = sum_by_year(sold_days)
        stored = RevenueYear.objects.filter(customer__in=keys).order_by()
        stored = stored if years is None else stored.filter(year__in=years)
        stored_rows = {Revenue(*row[1:])[:3]: row for row in stored.values_list("pk", *Revenue._fields)}
        obsolete_keys = [row[0] for key, row in stored_rows.items() if key not in expected]
        changed_rows = [
            row for key, row in expected.items() if key not in stored_rows or stored_rows[key][4:] != row[3:]
        ]
        if obsolete_keys:
            RevenueYear.objects.filter(pk__in=obsolete_keys).delete()
        RevenueYear.objects.bulk_create(
            [RevenueYear(customer_id=c, year=y, manager_id=m, orders=n, amount=a) for c, y, m, n, a in changed_rows],
            batch_size=1000, update_conflicts=True, unique_fields=["customer", "year", "manager"],
            update_fields=["orders", "amount"],
        )  # fmt: skip
        changed += len(obsolete_keys) + len(changed_rows) + refresh_months(keys, sold_days, years)
    RevenueChange.objects.create()
    return changed


def settle_dates() -> int:
    """Refresh figures and last purchases of customers with orders dated later than today, which are rare.

    Such orders count from their day on; those counted early by an earlier release are taken back. Run daily; return how
    many customers there were.
    """
    since = midnight(timezone.localdate() + timedelta(days=1))
    customer_keys = Order.objects.filter(ordered_at__gte=since).order_by().values_list("customer", flat=True)
    keys = sorted(set(customer_keys))
    if keys:
        with transaction.atomic():
            refresh_revenue(keys)
            refresh_last_purchases(keys)
    return len(keys)


@in_transaction
def refresh_after_transfer(customer_ids: list[int], at: datetime) -> None:
    """Give orders dated after a transfer to the new 客户经理, in the transfer's transaction."""
    later = Order.objects.revenue().filter(customer__in=customer_ids, ordered_at__gte=at)
    refresh_revenue(set(later.order_by().values_list("customer", flat=True)))


def lock_customers(keys: list[int]) -> None:
    """Lock customers to the end of the transaction: of two changes of orders or 客户经理 the second counts last."""
    rows = Customer.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
    list(rows.values_list("pk", flat=True))


def read_sold_days(customer_ids: Iterable[int], years: Collection[int] | None = None) -> Iterator[SoldDay]:
    """Yield what the orders say, by customer, Shanghai day and owner."""
    orders = Order.objects.revenue().filter(customer__in=list(customer_ids)).order_by()
    if years is not None:
        first, last = min(years, default=1), max(years, default=0)
        orders = orders.filter(
            ordered_at__gte=midnight(date(first, 1, 1)), ordered_at__lt=midnight(date(last + 1, 1, 1))
        )
    rows = orders.with_owner().annotate(day=TruncDate("ordered_at")).values_list("customer", "day", "owner")
    for row in rows.annotate(Count("pk"), amount=ExactSum("total")):
        if years is None or row[1].year in years:
            yield SoldDay(*row)


def sum_by_year(sold_days: Iterable[SoldDay]) -> dict[Key, Revenue]:
    sums: dict[Key, Revenue] = {}
    for customer, day, owner, orders, amount in sold_days:
        key = (customer, day.year, owner)
        before = sums.get(key, Revenue(*key, 0, Decimal(0)))
        sums[key] = Revenue(*key, before.orders + orders, before.amount + amount)
    return sums


def in_batches(customer_ids: Iterable[int] | None) -> Iterator[list[int]]:
    if customer_ids is None:
        customer_ids = Customer.objects.order_by("pk").values_list("pk", flat=True)
    keys = list(customer_ids)
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def describe_differences(limit: int = 20) -> list[str]:
    """Describe where rollup and orders disagree; empty when nowhere."""
    texts: list[str] = []
    for keys in in_batches(None):
        # A sync may have committed between the two reads: customers with a difference are read again.
        if suspects := {key[0] for key, *_ in _list_differences(keys)}:
            texts += [_describe_difference(*one) for one in _list_differences(sorted(suspects))]
        if len(texts) >= limit:
            break
    return texts[:limit]


def _list_differences(keys: list[int]) -> list[tuple[Key | MonthKey, Figures | None, Figures | None]]:
    """Return (key, orders' figures, rollup's figures) wherever they differ."""
    sold_days = list(read_sold_days(keys))
    expected = {key: row[3:] for key, row in sum_by_year(sold_days).items()}
    rows = RevenueYear.objects.filter(customer__in=keys).order_by().values_list(*Revenue._fields)
    stored = {row[:3]: row[3:] for row in rows}
    all_keys = sorted(expected.keys() | stored.keys())
    years = [(key, expected.get(key), stored.get(key)) for key in all_keys if expected.get(key) != stored.get(key)]
    return [*years, *list_month_differences(keys, sold_days)]


def _describe_difference(key: Key | MonthKey, expected: Figures | None, stored: Figures | None) -> str:
    orders, rollup = (f"{pair[0]} 张 {pair[1].normalize():f} 元" if pair else "没有" for pair in (expected, stored))
    period = f"{key[1]} 年" if isinstance(key[1], int) else format_day(key[1], "month")
    return f"客户 {key[0]}，{period}：订单 {orders}，汇总 {rollup}"


def revenue_version() -> tuple[Any, ...] | None:
    return RevenueChange.stamp()


def delete_old_changes() -> str:
    """Delete old markers; called by the schedule."""
    return RevenueChange.forget()
