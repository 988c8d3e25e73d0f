"""Reads written as SQL: the routers choose their connection, as they do for querysets.

Writes, locks and transactions stand on the default database, as transaction.atomic() does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

M = TypeVar("M", bound=models.Model)
NO_KEY = -1  # of no record


def connection_for_reading(model: type[models.Model]) -> BaseDatabaseWrapper:
    """Return the connection on which the rows of the model are read."""
    return connections[router.db_for_read(model)]


def as_datetime(value: datetime | str | None) -> datetime | None:
    """Return a datetime of a FixedQuery: on SQLite it is a text, or one without a zone, in UTC."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


class FixedQuery:
    """A values_list() of numbers and texts that every request asks: its SQL is compiled once, its parameters differ."""

    def __init__(self, rows: models.QuerySet[Any, Any]) -> None:
        self.model = rows.model
        self.sql, self.params = rows.query.sql_with_params()

    def read(self, *params: Any) -> list[tuple[Any, ...]]:
        """Return the rows for these parameters, given in the order of the conditions; without any for the query's."""
        with connection_for_reading(self.model).cursor() as cursor:
            cursor.execute(self.sql, params or self.params)
            return list(cursor.fetchall())


class FixedRows(Generic[M]):
    """Records of one other record, which every request asks for: their SQL is compiled once.

    rows: those of the record with the key NO_KEY, without related records; their annotations are numbers and texts.
    """

    def __init__(self, rows: models.QuerySet[M]) -> None:
        self.manager, (self.sql, self.params) = rows.model._base_manager, rows.query.sql_with_params()

    def of(self, key: int) -> list[M]:
        """Return the records of the one with this key."""
        return list(self.manager.raw(self.sql, put_key(self.params, key)))


def put_key(params: Iterable[Any], key: int) -> list[Any]:
    """Return the parameters with the key in the place of NO_KEY."""
    return [key if value == NO_KEY else value for value in params]
