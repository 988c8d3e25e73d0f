"""Numbers of rows in one statement: each queryset counted up to its cap, alternative by alternative."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

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
        selects = []
        for rows in queryset.disjoint_parts() if isinstance(queryset, AlternativesQuerySet) else [queryset]:
            with suppress(EmptyResultSet):
                # SELECT 1, without order and columns
                sql, values = rows.query.exists(limit=False).get_compiler(using).as_sql()
                selects.append(sql)
                params.extend(values)
        union = " UNION ALL ".join(selects) or "SELECT 1 WHERE 1 = 0"
        parts.append(f"(SELECT COUNT(*) FROM ({union} LIMIT {cap:d}) AS capped)")  # noqa: S608  (SQL compiled by the ORM)
    return f"SELECT {', '.join(parts)}", params


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


def run_count(connection: BaseDatabaseWrapper, sql: str, params: Iterable[Any]) -> list[int]:
    """Return the columns of the statement's one row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchone())
