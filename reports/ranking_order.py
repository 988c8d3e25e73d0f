"""A ranking in another order, or its first rows only, as sequences that read what is shown of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from django.db.models import QuerySet

from .ranking import RankedCustomer, Ranking

MOST_BY_KEY = 1000  # rows that are looked for by their customers; of more, all are read


class OrderedRows(Sequence[RankedCustomer]):
    """Rows of a ranking in some order. A subclass says how many, and returns those of a range."""

    def of(self, places: range) -> list[RankedCustomer]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[RankedCustomer]:
        return iter(self[:])

    @overload
    def __getitem__(self, index: int) -> RankedCustomer: ...
    @overload
    def __getitem__(self, index: slice) -> list[RankedCustomer]: ...
    def __getitem__(self, index: int | slice) -> RankedCustomer | list[RankedCustomer]:
        places = range(len(self))[index]
        return self.of(places) if isinstance(places, range) else self.of(range(places, places + 1))[0]


class FirstRows(OrderedRows):
    """The first so many, from the highest on or the other way round."""

    def __init__(self, ranked: Ranking, number: int, *, is_ascending: bool = False) -> None:
        self.ranked, self.number, self.is_ascending = ranked, min(number, len(ranked)), is_ascending

    def __len__(self) -> int:
        return self.number

    def ascending(self) -> FirstRows:
        return FirstRows(self.ranked, self.number, is_ascending=True)

    def of(self, places: range) -> list[RankedCustomer]:
        if not places:
            return []
        wanted = [self.number - 1 - place for place in places] if self.is_ascending else places
        low = min(wanted)
        rows = self.ranked[low : max(wanted) + 1]
        return [rows[place - low] for place in wanted]


class RowsByName(OrderedRows):
    def __init__(self, rows: FirstRows, names: QuerySet[Any]) -> None:
        """names: the customers of the whole ranking in their order."""
        self.rows, self.names = rows, names

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, places: range) -> list[RankedCustomer]:
        is_whole = len(self.rows) == len(self.rows.ranked)
        if not is_whole or len(places) > MOST_BY_KEY or places.step != 1:
            rows = {row.customer: row for row in self.rows}
            in_order = [rows[key] for key in self.names.values_list("pk", flat=True) if key in rows]
            return [in_order[place] for place in places]
        keys = list(self.names.values_list("pk", flat=True)[places.start : places.stop])
        rows = self.rows.ranked.of_customers(keys)
        return [rows[key] for key in keys if key in rows]
