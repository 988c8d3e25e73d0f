"""Many rows of a table, read some at a time without a cursor on the server."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any


def stream_records(rows: Any, size: int = 500) -> Iterator[Any]:
    """Records in the queryset's order, `size` of them at a time, each time asked by their keys.

    In place of Django's iterator(): its cursor on the server lives in a session, which a pooler lends to somebody else
    between two reads, and without that cursor the driver fetches everything at once. Only the keys are kept. What
    goes or leaves the conditions meanwhile is left out.
    """
    keys = array("q", rows.values_list("pk", flat=True))
    for start in range(0, len(keys), size):
        some = keys[start : start + size]
        found = rows.order_by().in_bulk(some.tolist())
        yield from (found[key] for key in some if key in found)


def stream_values(values: Any, size: int = 5000) -> Iterator[tuple[Any, ...]]:
    """Tuples of values_list("pk", …), as they come in the order of the key, `size` at a time: of large tables."""
    values, last = values.order_by("pk"), -1
    while page := list(values.filter(pk__gt=last)[:size]):
        yield from page
        last = page[-1][0]
