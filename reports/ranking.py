"""Computation of 客户贡献分析: customers by revenue, with share and ABC class."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, groupby
from typing import NamedTuple, Protocol, overload

from .figure_cells import SHARED, percent, shares

A_ENDS, B_ENDS = 80, 95  # percent of the share base
TRIES = 3
MOST_KEPT = 50_000  # rows that are kept after they were read for a page
Row = tuple[int, Decimal, int]  # customer, exact amount, number of orders
Span = tuple[Decimal, Decimal]  # the least and the most of amounts


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


class Sums(NamedTuple):
    number: int
    amount: Decimal
    orders: int
    buyers: int  # those with orders

    @classmethod
    def of(cls, rows: Collection[Row]) -> Sums:
        amount = sum((row[1] for row in rows), Decimal(0))
        return cls(len(rows), amount, sum(row[2] for row in rows), sum(1 for row in rows if row[2]))


class Band(NamedTuple):
    """All rows between two amounts, added up; those at or below zero are one band."""

    least: Decimal
    most: Decimal
    sums: Sums


class RankingSource(Protocol):
    """Where the rows are, in bands: a page shows few of a million, and only their bands are read."""

    def bands(self) -> Iterable[Band]: ...

    def rows(self, spans: Iterable[Span]) -> Iterable[Row]:
        """Return the rows whose amount lies in one of the spans, in any order."""
        ...

    def rows_of(self, customers: Collection[int]) -> Iterable[Row]: ...


class RowsInMemory:
    """Rows that were all read."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.all = list(rows)

    def bands(self) -> Iterable[Band]:
        above_zero = [row for row in self.all if row[1] > 0]
        others = [row for row in self.all if row[1] <= 0]
        for rows in (above_zero, others):
            if rows:
                amounts = [row[1] for row in rows]
                yield Band(min(amounts), max(amounts), Sums.of(rows))

    def rows(self, spans: Iterable[Span]) -> Iterable[Row]:
        limits = list(spans)
        return (row for row in self.all if any(least <= row[1] <= most for least, most in limits))

    def rows_of(self, customers: Collection[int]) -> Iterable[Row]:
        wanted = set(customers)
        return (row for row in self.all if row[0] in wanted)


class ChangedMeanwhileError(Exception):
    """Rows do not add up to their band: somebody changed them between two reads."""


class Stretch:
    """The rows of a band in their order. running: for those above zero the sums up to each."""

    def __init__(self, band: Band, rows: Iterable[Row], before: Decimal) -> None:
        self.rows = sorted(rows, key=lambda row: (-row[1], row[0]))
        if Sums.of(self.rows) != band.sums:
            raise ChangedMeanwhileError
        self.running = list(accumulate((row[1] for row in self.rows), initial=before))[1:]


class Ranking(Sequence[RankedCustomer]):
    """Customers by amount, highest first; equal amounts by key, so that the order is always the same.

    Shares are of the sum of the positive customers and add up to 100.0; customers at or below zero stand last, without
    a share and in class C. A goes up to and including the row that crosses 80 %, B to the one that crosses 95 %.
    Kept are the bands that the figures need: of the first rows, of the ends of the classes, and of the middle. Others
    are read when they are asked for.
    """

    def __init__(self, source: RankingSource) -> None:
        for _ in range(TRIES):
            try:
                self._read(source)
            except ChangedMeanwhileError:
                continue
            return
        bands = list(source.bands())
        self._read(RowsInMemory(source.rows([(min(bands).least, max(bands).most)])))

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Ranking:
        return cls(RowsInMemory(rows))

    def _read(self, source: RankingSource) -> None:
        self.source = source
        self.kept: dict[int, Stretch] = {}
        self.read_last: dict[int, Stretch] = {}
        self.bands = sorted(source.bands(), reverse=True)
        sums = [band.sums for band in self.bands]
        self.starts = list(accumulate((each.number for each in sums), initial=0))
        self.running = list(accumulate((band.sums.amount for band in self.bands if band.least > 0), initial=Decimal(0)))
        self.positive, self.base = self.starts[len(self.running) - 1], self.running[-1]
        self.total = sum((each.amount for each in sums), Decimal(0))
        self.total_orders, self.buyers = sum(each.orders for each in sums), sum(each.buyers for each in sums)
        self.shares: list[Decimal] = []
        self.median: Decimal | None = None
        self.a_rows = self.b_rows = 0
        if self.positive:
            self._compute_figures()

    def _compute_figures(self) -> None:
        first, middle = min(self.positive, SHARED), ((self.positive - 1) // 2, self.positive // 2)
        ends = [self._band_reaching(percentage) for percentage in (A_ENDS, B_ENDS)]
        self.kept = self._stretches({*range(self._band_at(first - 1) + 1), *ends, *map(self._band_at, middle)})
        self.shares = shares([self._at(place)[1] for place in range(first)], self.base)
        self.median = sum((self._at(place)[1] for place in middle), Decimal(0)) / 2
        self.a_rows, self.b_rows = self._rows_to(A_ENDS), self._rows_to(B_ENDS)

    # The figures

    @property
    def largest_share(self) -> Decimal | None:
        return self.shares[0] if self.positive else None

    def _rows_to(self, percentage: int) -> int:
        """Return how many of the largest customers it takes to reach so many percent."""
        band = self._band_reaching(percentage)
        return self.starts[band] + bisect_left(self.kept[band].running, self.base * percentage / 100) + 1

    def sums_of_first(self, number: int) -> tuple[Decimal, int]:
        """Return amount and orders of the first so many customers."""
        band = self._band_at(min(number, len(self)) - 1)
        rows = self._stretches({band})[band].rows[: number - self.starts[band]]
        whole = [each.sums for each in self.bands[:band]]
        amount = sum((each.amount for each in whole), Decimal(0)) + sum((row[1] for row in rows), Decimal(0))
        return amount, sum(each.orders for each in whole) + sum(row[2] for row in rows)

    # The rows

    def __len__(self) -> int:
        return self.starts[-1]

    def __iter__(self) -> Iterator[RankedCustomer]:
        return iter(self[:])

    @overload
    def __getitem__(self, index: int) -> RankedCustomer: ...
    @overload
    def __getitem__(self, index: slice) -> list[RankedCustomer]: ...
    def __getitem__(self, index: int | slice) -> RankedCustomer | list[RankedCustomer]:
        places = range(len(self))[index]
        try:
            return self._ranked(places) if isinstance(places, range) else self._ranked(range(places, places + 1))[0]
        except ChangedMeanwhileError:
            return Ranking(self.source)[index]

    def of_customers(self, customers: Collection[int]) -> dict[int, RankedCustomer]:
        """Return the rows of these customers, those without one left out."""
        try:
            return self._of_customers(list(self.source.rows_of(customers)))
        except ChangedMeanwhileError:
            fresh = Ranking(self.source)
            return fresh._of_customers(list(fresh.source.rows_of(customers)))

    def _of_customers(self, rows: list[Row]) -> dict[int, RankedCustomer]:
        wanted = {row[0] for row in rows}
        found = {
            row[0]: self._row(self.starts[band] + place, row, stretch.running[place])
            for band, stretch in self._stretches({self._band_with(row[1]) for row in rows}).items()
            for place, row in enumerate(stretch.rows)
            if row[0] in wanted
        }
        if len(found) < len(rows):
            raise ChangedMeanwhileError
        return found

    def _ranked(self, places: range) -> list[RankedCustomer]:
        if not places:
            return []
        ends = sorted((self._band_at(places[0]), self._band_at(places[-1])))
        stretches = self._stretches(set(range(ends[0], ends[1] + 1)))
        ranked = []
        for place in places:
            band = self._band_at(place)
            inside = place - self.starts[band]
            ranked.append(self._row(place, stretches[band].rows[inside], stretches[band].running[inside]))
        return ranked

    def _row(self, place: int, row: Row, running: Decimal) -> RankedCustomer:
        has_share = place < self.positive
        return RankedCustomer(
            customer=row[0],
            place=place + 1,
            amount=row[1],
            orders=row[2],
            share=self._share(place) if has_share else None,
            cumulative=percent(running, self.base) if has_share else None,
            grade="A" if place < self.a_rows else "B" if place < self.b_rows else "C",
        )

    def _share(self, place: int) -> Decimal:
        return self.shares[place] if place < len(self.shares) else Decimal("0.0")

    # The bands

    def _band_at(self, place: int) -> int:
        return bisect_right(self.starts, place) - 1

    def _band_reaching(self, percentage: int) -> int:
        return bisect_left(self.running, self.base * percentage / 100, lo=1) - 1

    def _band_with(self, amount: Decimal) -> int:
        """Return the band in which an amount lies. Raise ChangedMeanwhileError where there is none."""
        band = bisect_left(self.bands, -amount, key=lambda band: -band.least)
        if band == len(self.bands) or self.bands[band].most < amount:
            raise ChangedMeanwhileError
        return band

    def _at(self, place: int) -> Row:
        band = self._band_at(place)
        return self.kept[band].rows[place - self.starts[band]]

    def _stretches(self, bands: set[int]) -> dict[int, Stretch]:
        """Return the rows of these bands: kept, read last, or read now. Raise ChangedMeanwhileError."""
        known = self.kept | self.read_last
        missing = sorted(bands - known.keys())
        if missing:
            rows: dict[int, list[Row]] = {band: [] for band in missing}
            for row in self.source.rows(self._spans(missing)):
                rows.setdefault(self._band_with(row[1]), []).append(row)
            read = {band: Stretch(self.bands[band], rows[band], self._before(band)) for band in missing}
            known |= read
            if sum(len(stretch.rows) for stretch in read.values()) <= MOST_KEPT:
                self.read_last = read
        return {band: known[band] for band in bands}

    def _spans(self, bands: Iterable[int]) -> Iterator[Span]:
        """Join neighbours. bands: in order."""
        for _, group in groupby(enumerate(bands), key=lambda pair: pair[1] - pair[0]):
            run = [band for _, band in group]
            yield self.bands[run[-1]].least, self.bands[run[0]].most

    def _before(self, band: int) -> Decimal:
        return self.running[min(band, len(self.running) - 1)]
