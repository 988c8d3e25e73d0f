"""What customers bought on which days: lines of purchases with a quantity above zero, of known products."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from customers.orders.models import PURCHASE_STATUSES, Order, OrderLine
from customers.orders.rollups import in_batches
from customers.records.models import Customer
from kit.domain.days import add_months, midnight
from kit.sql.id_sets import IdSet

PurchaseDays = dict[int, list[date]]  # {product: its order days, oldest first}


class Window(NamedTuple):
    """Days after `after`, up to and including `last`."""

    after: date
    last: date

    @classmethod
    def of_year(cls, last: date) -> Window:
        """Return 12 个月: the first day out, the last one in."""
        return cls(add_months(last, -12), last)

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.after < day <= self.last

    @property
    def in_orders(self) -> dict[str, Any]:
        """Return the window as a condition of orders."""
        first, end = self.after + timedelta(days=1), self.last + timedelta(days=1)
        return {"ordered_at__gte": midnight(first), "ordered_at__lt": midnight(end)}


def purchase_days(customer: Customer, as_of: date) -> PurchaseDays:
    """Return the order days, up to that day, of each product the customer bought; in one query.

    Days are cut here, once for each order: in the database, once for each line, SQLite takes ten times as long.
    """
    lines = _lines_until(as_of).filter(order__customer=customer)
    day_of: dict[datetime, date] = {}
    products: dict[int, set[date]] = {}
    for product, at in lines.values_list("product", "order__ordered_at"):
        day = day_of.get(at) or day_of.setdefault(at, timezone.localdate(at))
        products.setdefault(product, set()).add(day)
    return {product: sorted(days) for product, days in products.items()}


def _lines_until(last: date) -> QuerySet[OrderLine]:
    """Return the lines of purchases up to this day."""
    lines = OrderLine.objects.filter(quantity__gt=0, product__isnull=False, order__status__in=PURCHASE_STATUSES)
    return lines.filter(order__ordered_at__lt=midnight(last + timedelta(days=1))).order_by()


def count_buyers(window: Window) -> int:
    """Return how many customers have an order day in the window."""
    orders = Order.objects.purchases().filter(**window.in_orders)
    return orders.order_by().aggregate(n=Count("customer", distinct=True))["n"]


class Baskets:
    """All purchases by customer, product and day, in a private temporary SQLite database on disk.

    Flat memory however many lines there are, one computation on both databases, and gone with the process.
    """

    def __init__(self) -> None:
        self.db = sqlite3.connect("", isolation_level=None)
        self.db.executescript(
            "CREATE TABLE line (customer INT, product INT, day INT, PRIMARY KEY (customer, product, day))"
            " WITHOUT ROWID;"
            "CREATE TABLE bought (customer INT, product INT, PRIMARY KEY (customer, product)) WITHOUT ROWID;"
            "BEGIN"
        )

    def load(self, last: date, beat: Callable[[], None] = lambda: None) -> None:
        """Read the purchases up to this day, a batch of customers after the other."""
        rows = _lines_until(last).annotate(day=TruncDate("order__ordered_at")).order_by()
        for keys in in_batches(None):
            beat()
            lines = rows.filter(order__customer__in=IdSet(keys))
            days = lines.values_list("order__customer", "product", "day").annotate(n=Count("pk"))
            self.add((customer, product, day) for customer, product, day, _ in days)

    def add(self, lines: Iterable[tuple[int, int, date]]) -> None:
        values = ((customer, product, day.toordinal()) for customer, product, day in lines)
        self.db.executemany("INSERT INTO line VALUES (?, ?, ?)", values)

    def choose(self, window: Window) -> dict[int, int]:
        """Take the purchases of the window as baskets; return {product: its buyers}."""
        days = (window.after.toordinal(), window.last.toordinal())
        self.db.execute("DELETE FROM bought")
        self.db.execute(
            "INSERT INTO bought SELECT DISTINCT customer, product FROM line WHERE day > ? AND day <= ?", days
        )
        self.db.execute("CREATE INDEX IF NOT EXISTS bought_by ON bought (product, customer)")
        return dict(self.db.execute("SELECT product, COUNT(*) FROM bought GROUP BY product"))

    def bought_with(self, product: int, least: int) -> dict[int, int]:
        """Return {other product: how many baskets hold both}, of those that share at least so many."""
        query = (
            "SELECT other.product, COUNT(*) AS n FROM bought AS one JOIN bought AS other USING (customer)"
            " WHERE one.product = ? AND other.product <> ? GROUP BY other.product HAVING n >= ?"
        )
        return dict(self.db.execute(query, (product, product, least)))

    def customers(self) -> Iterator[PurchaseDays]:
        """Yield the purchases of one customer after the other."""
        rows = self.db.execute("SELECT customer, product, day FROM line ORDER BY customer, product, day")
        for _, lines in groupby(rows, key=itemgetter(0)):
            days: PurchaseDays = {}
            for _, product, day in lines:
                days.setdefault(product, []).append(date.fromordinal(day))
            yield days

    def close(self) -> None:
        self.db.close()
