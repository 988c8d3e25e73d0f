"""SQL of conditions and statements that every request repeats: compiled once, counted alternative by alternative."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.sql.where import AND, OR, WhereNode

Rows = TypeVar("Rows", bound=models.QuerySet)


class Statement:
    """The SQL of a values_list(), compiled once and run with other parameters each time.

    For the few statements that every request makes.
    """

    def __init__(self, rows: models.QuerySet) -> None:
        self.compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        self.sql = self.compiler.as_sql()[0]
        self.converters = self.compiler.get_converters([column for column, _, _ in self.compiler.select])

    def ask(self, *params: Any) -> list[Any]:
        """Return the rows for these parameters, given in the order of the queryset's conditions."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        return list(self.compiler.apply_converters(rows, self.converters)) if self.converters else rows


def precompiled(rows: Rows) -> Rows:
    """Return the queryset with its present conditions compiled once for all querysets derived from it.

    A list counts each of its tabs and reads its rows under the same conditions; Django would compile them each time.
    """
    where = rows.query.where
    if where:
        rows = rows.all()
        any_of = _find_any_of(where)
        parts: list[Any] = [Precompiled(where)]
        if any_of is not None:
            others = [part for part in where.children if part is not any_of]
            parts = [any_of, *([Precompiled(where.create(others))] if others else [])]
        rows.query.where = where.create(parts)
    return rows


def filter_cached(rows: Rows, condition: models.Q) -> Rows:
    """Return rows.filter(condition), for conditions on the model's own columns that a user's every request repeats.

    The compiled condition is cached by its value: another user or other ids make another condition.
    """
    model: type[models.Model] = rows.model
    rows = rows.all()
    rows.query.where.add(_compiled_condition(model, condition), AND)
    return rows


@lru_cache(maxsize=1024)
def _compiled_condition(model: type[models.Model], condition: models.Q) -> Precompiled:
    parts = [Precompiled(model._base_manager.filter(one).query.where) for one in _alternatives(condition)]
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _alternatives(condition: models.Q) -> Iterator[models.Q]:
    if condition.connector != models.Q.OR or condition.negated:
        yield condition
        return
    for child in condition.children:
        yield from _alternatives(child if isinstance(child, models.Q) else models.Q(child))


def split_alternatives(rows: Rows) -> list[Rows]:
    """Return disjoint querysets whose union is the rows, one for each alternative of filter_cached().

    Each counts its rows in an index of its own; for their OR PostgreSQL would read the whole table.
    """
    where = rows.query.where
    any_of = _find_any_of(where)
    if any_of is None:
        return [rows]
    querysets = []
    for part in any_of.disjoint_parts:
        alternative = rows.all()
        alternative.query.where = where.create([part if child is any_of else child for child in where.children])
        querysets.append(alternative)
    return querysets


def _find_any_of(where: WhereNode) -> AnyOf | None:
    """Return the alternatives among conditions joined by AND."""
    if where.connector != AND or where.negated:
        return None
    return next((part for part in where.children if isinstance(part, AnyOf)), None)


class LRUCache:
    """The `size` values used last, by key; for threads. Keys must name everything that a value depends on."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.entries: OrderedDict[Hashable, Any] = OrderedDict()
        self.lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self.lock:
            if key in self.entries:
                self.entries.move_to_end(key)
                return self.entries[key]
        value = make()
        with self.lock:
            self.entries[key] = value
            while len(self.entries) > self.size:
                self.entries.popitem(last=False)
        return value


def inline_params(sql: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
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


class Precompiled:
    """A finished condition as a part of larger ones: its SQL is made once."""

    contains_aggregate = False
    contains_over_clause = False

    def __init__(self, where: WhereNode) -> None:
        self.where = where
        self.compiled: Any = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Precompiled) and type(self) is type(other) and self.where == other.where

    @cached_property
    def _hash(self) -> int:
        return hash(self.where)

    def __hash__(self) -> int:
        return self._hash

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if self.compiled is None:
            self.compiled = self.where.as_sql(compiler, connection)
        return self.compiled

    def relabeled_clone(self, change_map: Any) -> Precompiled:
        return Precompiled(self.where.relabeled_clone(change_map))

    def replace_expressions(self, replacements: Any) -> Precompiled:
        return Precompiled(self.where.replace_expressions(replacements))

    def get_refs(self) -> Any:
        return self.where.get_refs()


class AnyOf(Precompiled):
    """Alternatives joined by OR. disjoint_parts: each without the rows of those before it."""

    def __init__(self, parts: list[Any]) -> None:
        super().__init__(WhereNode(parts, OR))
        self.disjoint_parts: list[Any] = parts[:1]
        for index, part in enumerate(parts[1:], start=1):
            without: list[Any] = [part, NotTrue(WhereNode(parts[:index], OR))]
            self.disjoint_parts.append(WhereNode(without))


class NotTrue(Precompiled):
    """The condition is false or NULL."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        try:
            sql, params = super().as_sql(compiler, connection)
        except EmptyResultSet:
            raise FullResultSet from None
        return f"({sql}) IS NOT TRUE", params

    def relabeled_clone(self, change_map: Any) -> Precompiled:
        return NotTrue(self.where.relabeled_clone(change_map))
