"""Numbers of rows in one statement: each queryset counted up to its cap, alternative by alternative."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F

from .alternatives import AlternativesQuerySet
from .readers import connection_for_reading

Counted = tuple[models.QuerySet[Any], int]  # rows and the cap up to which they are counted


class LRUCache:
    """The `size` values used last, by key; for threads. Keys must name everything that a value depends on."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.entries: OrderedDict[Hashable, Any] = OrderedDict()
        self.lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self.lock:
            value = self.entries.get(key)
            if value is not None:
                self.entries.move_to_end(key)
                return value
        value = make()
        with self.lock:
            self.entries[key] = value
            while len(self.entries) > self.size:
                self.entries.popitem(last=False)
        return value


STATEMENTS = LRUCache(256)  # one takes 100 kB for a user with whom a thousand records are shared


def key_of(querysets: Iterable[Counted]) -> Hashable | None:
    """Return what was asked of the rows, as the key of their counting statement; None where it is not known."""
    parts = []
    for rows, cap in querysets:
        if not isinstance(rows, AlternativesQuerySet) or rows.conditions is None:
            return None
        parts.append((rows.model, rows.conditions, cap))
    key = tuple(parts)
    try:
        hash(key)
    except TypeError:  # a value that may change, as a list
        return None
    return key


def build_count(querysets: Sequence[Counted]) -> tuple[str, list[Any]]:
    """Return SQL and parameters of the statement that counts the rows of each (queryset, cap), up to its cap."""
    using = connection_for_reading(querysets[0][0].model).alias
    parts: list[str] = []
    params: list[Any] = []
    for queryset, cap in querysets:
        # SELECT 1, without order and columns
        union, values = _union(using, (rows.query.exists(limit=False) for rows in _parts(queryset)))
        parts.append(f"(SELECT COUNT(*) FROM ({union or 'SELECT 1 WHERE 1 = 0'} LIMIT {cap:d}) AS capped)")  # noqa: S608  (SQL compiled by the ORM)
        params += values
    return f"SELECT {', '.join(parts)}", params


class Summed(NamedTuple):
    """The rows whose field is added up, where the number at this place of the counts does not pass its cap."""

    rows: models.QuerySet[Any]
    field: str
    place: int
    cap: int


def build_count_and_sum(querysets: Sequence[Counted], summed: Summed) -> tuple[str, list[Any]]:
    """Return the statement of build_count() with one more column: the exact sum, NULL where there are too many rows.

    The sum is only computed once the number is known to be small: over a million rows it would take too long.
    """
    connection = connection_for_reading(querysets[0][0].model)
    counts, params = build_count(querysets)
    names = ", ".join(f"n{place}" for place in range(len(querysets)))
    columns = (rows.order_by().annotate(summed=F(summed.field)).values("summed").query for rows in _parts(summed.rows))
    union, values = _union(connection.alias, columns)
    function, once = ("exact_sum", "") if connection.vendor == "sqlite" else ("SUM", "MATERIALIZED ")
    total = f"(SELECT {function}(summed) FROM ({union}) AS listed)" if union else "NULL"  # noqa: S608  (as above)
    return (
        f"WITH counted ({names}) AS {once}({counts}) "  # noqa: S608
        f"SELECT {names}, CASE WHEN n{summed.place:d} <= {summed.cap:d} THEN {total} END FROM counted",
        params + values,
    )


def _parts(queryset: models.QuerySet[Any]) -> Sequence[models.QuerySet[Any]]:
    return queryset.disjoint_parts() if isinstance(queryset, AlternativesQuerySet) else [queryset]


def _union(using: str, queries: Iterable[Any]) -> tuple[str, list[Any]]:
    """Return SQL and parameters of all rows of the queries, empty where there is none."""
    selects: list[str] = []
    params: list[Any] = []
    for query in queries:
        with suppress(EmptyResultSet):
            sql, values = query.get_compiler(using).as_sql()
            selects.append(sql)
            params.extend(values)
    return " UNION ALL ".join(selects), params


def inline_params(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """Return the statement with its parameters written into it, on PostgreSQL; on SQLite unchanged.

    Where a plan depends on a prepared statement's parameters, PostgreSQL plans again on every execution. For a
    statement that is cached by its parameters this is wasted, and took five times as long as running it.
    """
    if connection.vendor != "postgresql":
        return sql, params
    operations: Any = connection.ops
    first, *rest = sql.split("%s")
    literals = (operations.compose_sql("%s", [value]).replace("%", "%%") for value in params)
    return first + "".join(f"{value}{part}" for value, part in zip(literals, rest, strict=True)), ()


def run_count(connection: BaseDatabaseWrapper, sql: str, params: Iterable[Any]) -> list[Any]:
    """Return the columns of the statement's one row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchone())


def count_capped(querysets: Iterable[Counted]) -> list[int]:
    """Return the number of rows of each (queryset, cap), counted up to its cap, in one statement.

    The querysets have no slice, union or distinct. The statement is kept where it is known what was asked of the rows.
    """
    capped_rows = list(querysets)
    if not capped_rows:
        return []
    connection = connection_for_reading(capped_rows[0][0].model)
    key = key_of(capped_rows)

    def compile_count() -> tuple[str, Sequence[Any]]:
        return inline_params(connection, *build_count(capped_rows))

    sql, params = compile_count() if key is None else STATEMENTS.get((connection.alias, key), compile_count)
    return run_count(connection, sql, params)
