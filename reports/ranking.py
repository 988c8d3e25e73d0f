"""Computation of 客户贡献分析: customers by revenue, with share and ABC class."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import overload

from .figure_cells import SHARED, percent, shares

A_ENDS, B_ENDS = 80, 95  # percent of the share base


@dataclass(slots=True)
class RankedCustomer:
    """A row: a customer's place, figures and class; name and the year before are loaded for visible rows only."""

    customer: int
    place: int
    amount: Decimal
    orders: int
    share: Decimal | None
    cumulative: Decimal | None
    grade: str
    name: str = ""
    before: Decimal | None = None
    change: Decimal | None = None


class Ranking(Sequence[RankedCustomer]):
    """Customers by amount, highest first; equal amounts by key, so that the order is always the same.

    Shares are of the sum of the positive customers and add up to 100.0; customers at or below zero stand last, without
    a share and in class C. A goes up to and including the row that crosses 80 %, B to the one that crosses 95 %.
    Stored in columns: there may be a hundred thousand rows, of which a page shows twenty.
    """

    def __init__(self, rows: Iterable[tuple[int, Decimal, int]]) -> None:
        """rows: (customer, exact amount, number of orders)."""
        ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
        self.customers = [row[0] for row in ordered]
        self.amounts = [row[1] for row in ordered]
        self.orders = [row[2] for row in ordered]
        self.positive = sum(1 for amount in self.amounts if amount > 0)
        self.running = list(accumulate(self.amounts[: self.positive]))
        self.base = self.running[-1] if self.running else Decimal(0)
        self.total = sum(self.amounts, Decimal(0))
        self.total_orders = sum(self.orders)
        self.buyers = sum(1 for count in self.orders if count)
        self.shares = shares(self.amounts[: min(self.positive, SHARED)], self.base)
        self.a_rows, self.b_rows = self.rows_to(A_ENDS), self.rows_to(B_ENDS)

    def __len__(self) -> int:
        return len(self.customers)

    def __iter__(self) -> Iterator[RankedCustomer]:
        return map(self.row, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> RankedCustomer: ...
    @overload
    def __getitem__(self, index: slice) -> list[RankedCustomer]: ...
    def __getitem__(self, index: int | slice) -> RankedCustomer | list[RankedCustomer]:
        if isinstance(index, slice):
            return [self.row(place) for place in range(*index.indices(len(self)))]
        return self.row(range(len(self))[index])

    def row(self, place: int) -> RankedCustomer:
        has_share = place < self.positive
        return RankedCustomer(
            customer=self.customers[place],
            place=place + 1,
            amount=self.amounts[place],
            orders=self.orders[place],
            share=self.share(place) if has_share else None,
            cumulative=percent(self.running[place], self.base) if has_share else None,
            grade="A" if place < self.a_rows else "B" if place < self.b_rows else "C",
        )

    def share(self, place: int) -> Decimal:
        return self.shares[place] if place < len(self.shares) else Decimal("0.0")

    def rows_to(self, percentage: int) -> int:
        """Return how many of the largest customers it takes to reach so many percent."""
        return bisect_left(self.running, self.base * percentage / 100) + 1 if self.positive else 0

    @property
    def median(self) -> Decimal | None:
        """Return the median amount of the customers above zero."""
        low, high = (self.positive - 1) // 2, self.positive // 2
        return (self.amounts[low] + self.amounts[high]) / 2 if self.positive else None

    @property
    def largest_share(self) -> Decimal | None:
        return self.shares[0] if self.positive else None
