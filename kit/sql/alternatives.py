"""Rows that meet one of several conditions: the conditions stay known as data, so that each is counted for itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import or_
from typing import Any, NamedTuple, Self, TypeVar, cast

from django.db import models
from django.db.models import Q

M = TypeVar("M", bound=models.Model)
RowScope = tuple[Q, ...] | None  # a row is in it that meets one of the alternatives; None: every row


class Conditions(NamedTuple):
    """What was asked of the rows of a table, as data.

    alternatives: of which a row meets at least one; others: all of which it meets. annotated: names that stand for
    expressions, not for columns.
    """

    alternatives: tuple[Q, ...] = ()
    others: tuple[Q, ...] = ()
    annotated: frozenset[str] = frozenset()


class AlternativesQuerySet(models.QuerySet[M]):
    """A queryset that knows its conditions.

    Methods that are not overridden here, and conditions on annotations, leave them unknown: such rows are counted as
    any others.
    """

    conditions: Conditions | None

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, query, using, hints)
        self.untouched = query is None and using is None  # no method has been called on it
        self.conditions = Conditions() if self.untouched else None

    def in_scope(self, scope: RowScope) -> Self:
        """Filter by the alternatives, joined by OR. They name columns of the model itself."""
        if scope is None:
            return self
        if not scope:
            return self.none()
        if self.untouched:
            return cast(Self, _in_scope(type(self), self.model, scope).all())
        known, rows = self.conditions, self.filter(any_of(scope))
        if known is not None and not known.alternatives and rows.conditions is not None:
            rows.conditions = known._replace(alternatives=scope)
        return rows

    def disjoint_parts(self) -> list[Self]:
        """Return disjoint querysets whose union is these rows, one for each alternative.

        Each counts its rows in an index of its own; for their OR PostgreSQL would read the whole table.
        """
        known = self.conditions
        if known is None or len(known.alternatives) < 2:
            return [self]
        rows = type(self)(self.model)
        for condition in known.others:
            rows = rows.filter(condition)
        first, *further = known.alternatives
        parts = [rows.filter(first)]
        for index, alternative in enumerate(further, start=1):
            parts.append(rows.filter(alternative).exclude(any_of(known.alternatives[:index])))
        return parts

    def filter(self, *args: Any, **kwargs: Any) -> Self:
        return self._narrowed(super().filter(*args, **kwargs), Q(*args, **kwargs))

    def exclude(self, *args: Any, **kwargs: Any) -> Self:
        return self._narrowed(super().exclude(*args, **kwargs), ~Q(*args, **kwargs))

    def annotate(self, *args: Any, **kwargs: Any) -> Self:
        return self._annotated(super().annotate(*args, **kwargs), args, kwargs)

    def alias(self, *args: Any, **kwargs: Any) -> Self:
        return self._annotated(super().alias(*args, **kwargs), args, kwargs)

    def all(self) -> Self:
        return self._as_known(super().all())

    def order_by(self, *field_names: Any) -> Self:
        return self._as_known(super().order_by(*field_names))

    def select_related(self, *fields: Any) -> Self:
        return self._as_known(super().select_related(*fields))

    def prefetch_related(self, *lookups: Any) -> Self:
        return self._as_known(super().prefetch_related(*lookups))

    def only(self, *fields: Any) -> Self:
        return self._as_known(super().only(*fields))

    def defer(self, *fields: Any) -> Self:
        return self._as_known(super().defer(*fields))

    def _as_known(self, rows: Self) -> Self:
        rows.conditions = self.conditions
        return rows

    def _narrowed(self, rows: Self, condition: Q) -> Self:
        known = self.conditions
        if known is not None and not (known.annotated and _may_name(condition, known.annotated)):
            rows.conditions = Conditions(known.alternatives, (*known.others, condition), known.annotated)
        return rows

    def _annotated(self, rows: Self, args: Iterable[Any], names: Iterable[str]) -> Self:
        known = self.conditions
        if known is not None and not args:
            rows.conditions = known._replace(annotated=known.annotated.union(names))
        return rows


@lru_cache(maxsize=1024)
def _in_scope(rows_of: type[AlternativesQuerySet[M]], model: type[M], scope: tuple[Q, ...]) -> AlternativesQuerySet[M]:
    """Return the rows in a scope, on which the same user's every request goes on filtering."""
    rows = rows_of(model).filter(any_of(scope))
    rows.conditions = Conditions(scope)
    return rows


def any_of(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions)


def alternatives_of(*conditions: Q) -> tuple[Q, ...]:
    """Return the conditions that an OR of these joins, without empty ones."""
    alternatives: list[Q] = []
    for condition in conditions:
        if condition.connector == Q.OR and not condition.negated:
            children = [child if isinstance(child, Q) else Q(child) for child in condition.children]
            alternatives += alternatives_of(*children)
        elif condition.children:
            alternatives.append(condition)
    return tuple(alternatives)


def _may_name(condition: Q, names: frozenset[str]) -> bool:
    """Whether the condition names one of the annotations; an expression may."""
    return any(
        _may_name(child, names)
        if isinstance(child, Q)
        else not isinstance(child, tuple) or child[0].split("__")[0] in names or hasattr(child[1], "resolve_expression")
        for child in condition.children
    )
