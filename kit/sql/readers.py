"""Reads written as SQL: the routers choose their connection, as they do for querysets.

Writes, locks and transactions stand on the default database, as transaction.atomic() does.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper


def connection_for_reading(model: type[models.Model]) -> BaseDatabaseWrapper:
    """Return the connection on which the rows of the model are read."""
    return connections[router.db_for_read(model)]


class FixedQuery:
    """A values_list() of numbers and texts that every request asks: its SQL is compiled once, its parameters differ."""

    def __init__(self, rows: models.QuerySet[Any, Any]) -> None:
        self.model = rows.model
        self.sql, _ = rows.query.sql_with_params()

    def read(self, *params: Any) -> list[tuple[Any, ...]]:
        """Return the rows for these parameters, given in the order of the queryset's conditions."""
        with connection_for_reading(self.model).cursor() as cursor:
            cursor.execute(self.sql, params)
            return list(cursor.fetchall())
