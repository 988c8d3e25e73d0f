"""Conditions and statements that come again in every request: compiled once, and counted alternative by alternative."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.sql.where import AND, OR, WhereNode


class Statement:
    """A queryset of plain values, compiled once and asked with other values each time, in the order of its conditions.

    For the few statements that every request makes.
    """

    def __init__(self, rows: Any) -> None:
        self.compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        self.sql = self.compiler.as_sql()[0]
        self.converters = self.compiler.get_converters([column for column, _, _ in self.compiler.select])

    def ask(self, *key: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, key)
            rows = cursor.fetchall()
        return list(self.compiler.apply_converters(rows, self.converters)) if self.converters else rows


def precompiled(rows: Any) -> Any:
    """The queryset with its conditions so far compiled once, however many querysets go on from it.

    A list counts each of its tabs and reads its rows under the same conditions; a queryset keeps none of its SQL.
    """
    where = rows.query.where
    if where:
        rows = rows.all()
        either = _any_of(where)
        if either is None:
            rows.query.where = where.create([Precompiled(where)])
        else:
            rest = [part for part in where.children if part is not either]
            rows.query.where = where.create([either, *([Precompiled(where.create(rest))] if rest else [])])
    return rows


def filter_cached(rows: Any, condition: models.Q) -> Any:
    """rows.filter(condition), for conditions on the model's own columns that come again in every request of a person.

    The condition is kept compiled by its own value: another person, other ids, another condition.
    """
    rows = rows.all()
    rows.query.where.add(_compiled_condition(rows.model, condition), AND)
    return rows


@lru_cache(maxsize=1024)
def _compiled_condition(model: Any, condition: models.Q) -> Precompiled:
    parts = [Precompiled(model._base_manager.filter(one).query.where) for one in _alternatives(condition)]
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _alternatives(condition: models.Q) -> Iterator[models.Q]:
    if condition.connector != models.Q.OR or condition.negated:
        yield condition
        return
    for child in condition.children:
        yield from _alternatives(child if isinstance(child, models.Q) else models.Q(child))


def split_alternatives(rows: Any) -> list[Any]:
    """Querysets that are the rows together and have none in common, one for each alternative of narrowed().

    Each finds its rows in an index of its own, where their OR makes PostgreSQL read the table to count them.
    """
    where = rows.query.where
    either = _any_of(where)
    if either is None:
        return [rows]
    found = []
    for part in either.apart:
        one = rows.all()
        one.query.where = where.create([part if child is either else child for child in where.children])
        found.append(one)
    return found


def _any_of(where: Any) -> Any:
    """The alternatives among the conditions that all have to hold."""
    together = where.connector == AND and not where.negated
    return next((part for part in where.children if isinstance(part, AnyOf)), None) if together else None


class LRUCache:
    """Statements by everything that stands in them, so that only their answers are asked anew. The last asked stay."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        found = make()
        with self.lock:
            self.kept[key] = found
            while len(self.kept) > self.size:
                self.kept.popitem(last=False)
        return found


def inline_params(sql: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The statement with its values written into it, on PostgreSQL; on SQLite as it is.

    Where a plan depends on a prepared statement's values, PostgreSQL makes it anew whenever it is asked. For a
    statement that is kept by its values anyway this is wasted, and took five times as long as the answer.
    """
    if connection.vendor != "postgresql":
        return sql, params
    operations: Any = connection.ops
    first, *rest = sql.split("%s")
    written = (operations.compose_sql("%s", [value]).replace("%", "%%") for value in params)
    return first + "".join(f"{value}{part}" for value, part in zip(written, rest, strict=True)), ()


class Precompiled:
    """Conditions nobody changes any more, as a part of larger ones."""

    contains_aggregate = False
    contains_over_clause = False

    def __init__(self, where: Any) -> None:
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
    """Alternatives, of which one has to hold. apart: each without the rows of those before it."""

    def __init__(self, parts: list[Any]) -> None:
        super().__init__(WhereNode(parts, OR))
        self.apart: list[Any] = parts[:1]
        for place, part in enumerate(parts[1:], start=1):
            without: list[Any] = [part, NotTrue(WhereNode(parts[:place], OR))]
            self.apart.append(WhereNode(without))


class NotTrue(Precompiled):
    """The condition is false, or says nothing of the row."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        try:
            sql, params = super().as_sql(compiler, connection)
        except EmptyResultSet:
            raise FullResultSet from None
        return f"({sql}) IS NOT TRUE", params

    def relabeled_clone(self, change_map: Any) -> Precompiled:
        return NotTrue(self.where.relabeled_clone(change_map))
