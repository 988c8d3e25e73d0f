"""Many rows of a table, read in chunks without a server-side cursor."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)


def stream_records(rows: models.QuerySet[M], size: int = 500) -> Iterator[M]:
    """Yield the records in the queryset's order, read by their keys in chunks of `size`.

    Django's iterator() needs a server-side cursor, which lives in one session: a connection pooler lends the session to
    another client between two reads, and without the cursor the driver fetches everything at once. Only the keys are
    kept in memory. Records that are deleted or no longer meet the conditions meanwhile are left out.
    """
    keys = array("q", rows.values_list("pk", flat=True))
    for start in range(0, len(keys), size):
        chunk = keys[start : start + size]
        records = rows.order_by().in_bulk(chunk.tolist())
        yield from (records[key] for key in chunk if key in records)


def stream_values(values: models.QuerySet[Any, Any], size: int = 5000) -> Iterator[tuple[Any, ...]]:
    """Yield the tuples of values_list("pk", …) in the order of the key, read in chunks of `size`."""
    ordered, last_key = values.order_by("pk"), -1
    while chunk := list(ordered.filter(pk__gt=last_key)[:size]):
        yield from chunk
        last_key = chunk[-1][0]
