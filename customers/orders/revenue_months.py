"""Revenue by customer, month, 客户经理 and department: what periods and targets read. Kept by rollups.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import models

from accounts.models import Department, DepartmentHistory
from customers.records.models import Customer
from kit.sql.exact_sum import ExactDecimalField
from kit.sql.transactions import in_transaction

MonthKey = tuple[int, date, int, int | None]  # customer, month, manager, department
Figures = tuple[int, Decimal]  # orders, amount


class SoldDay(NamedTuple):
    """Orders of REVENUE_STATUSES of a customer on a Shanghai day, under the owner at their time."""

    customer: int
    day: date
    owner: int
    orders: int
    amount: Decimal


class RevenueMonth(models.Model):
    """Total of a customer's orders in a month, by the 客户经理 at the order's date and their department then."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="revenue_months", db_index=False)
    month = models.DateField("月份", editable=False)  # its first day
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="客户经理")
    department = models.ForeignKey(Department, models.SET_NULL, null=True, related_name="+", verbose_name="部门")
    orders = models.PositiveIntegerField("订单数")
    amount = ExactDecimalField("订单金额", max_digits=26, decimal_places=7)

    class Meta:
        verbose_name = "月度订单金额"
        verbose_name_plural = "月度订单金额"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "month", "manager", "department"], name="customers_revenue_month_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["month", "customer"],
                include=["manager", "department", "orders", "amount"],
                name="customers_revenue_of_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.month:%Y-%m} {self.amount}"


def months_of(sold_days: Iterable[SoldDay]) -> dict[MonthKey, Figures]:
    """Return the rows that these days come to."""
    days = list(sold_days)
    departments = DepartmentHistory(one.owner for one in days)
    sums: dict[MonthKey, Figures] = {}
    for customer, day, owner, orders, amount in days:
        key = (customer, day.replace(day=1), owner, departments.department_on(owner, day))
        before = sums.get(key, (0, Decimal(0)))
        sums[key] = (before[0] + orders, before[1] + amount)
    return sums


def stored_months(
    customer_ids: Collection[int], years: Collection[int] | None = None
) -> dict[MonthKey, tuple[int, int, Decimal]]:
    """Return {key: (pk, orders, amount)} of these customers and years (None: all)."""
    rows = RevenueMonth.objects.filter(customer__in=customer_ids).order_by()
    if years is not None:
        rows = rows.filter(month__year__in=years)
    columns = ("customer_id", "month", "manager_id", "department_id", "pk", "orders", "amount")
    return {row[:4]: row[4:] for row in rows.values_list(*columns)}


@in_transaction
def refresh_months(customer_ids: Collection[int], sold_days: Iterable[SoldDay], years: Collection[int] | None) -> int:
    """Make the rows of these customers and years what the days say; return how many changed. Customers are locked."""
    expected, stored = months_of(sold_days), stored_months(customer_ids, years)
    new_keys = [key for key, figures in expected.items() if key not in stored or stored[key][1:] != figures]
    obsolete_keys = [key for key in stored if key not in expected]
    replaced = [stored[key][0] for key in (*new_keys, *obsolete_keys) if key in stored]
    if replaced:
        RevenueMonth.objects.filter(pk__in=replaced).delete()
    RevenueMonth.objects.bulk_create(
        [
            RevenueMonth(customer_id=c, month=m, manager_id=owner, department_id=d, orders=orders, amount=amount)
            for c, m, owner, d in new_keys
            for orders, amount in (expected[c, m, owner, d],)
        ],
        batch_size=1000,
    )
    return len(new_keys) + len(obsolete_keys)


def list_month_differences(
    customer_ids: Collection[int], sold_days: Iterable[SoldDay]
) -> list[tuple[MonthKey, Figures | None, Figures | None]]:
    """Return (key, orders' figures, rollup's figures) wherever they differ."""
    expected = months_of(sold_days)
    stored = {key: row[1:] for key, row in stored_months(customer_ids).items()}
    keys = sorted(expected.keys() | stored.keys(), key=lambda key: (*key[:3], key[3] or 0))
    return [(key, expected.get(key), stored.get(key)) for key in keys if expected.get(key) != stored.get(key)]
