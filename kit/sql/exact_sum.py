"""Sums of money that are exact on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Sum


class ExactDecimalField(DecimalField):
    """A decimal that never passes through a float, as Django's DecimalField does on SQLite.

    On SQLite the column is text: add it with ExactSum, do not compare it.
    """

    def get_internal_type(self) -> str:
        return "ExactDecimalField"

    def db_type(self, connection: Any) -> str:
        return "text" if connection.vendor == "sqlite" else f"numeric({self.max_digits}, {self.decimal_places})"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class ExactSum(Sum):
    """SUM on PostgreSQL. SQLite would add floats, so there a Python aggregate adds the decimals' texts."""

    function = "SUM"

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, output_field=ExactDecimalField(max_digits=38, decimal_places=7), **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, function="exact_sum", **context)


class DecimalAdder:
    """Python aggregate of SQLite. Of a float it takes 15 digits; further ones are rounding noise."""

    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: Any) -> None:
        if value is not None:
            exact = f"{value:.15g}" if isinstance(value, float) else str(value)
            self.total = (self.total or Decimal(0)) + Decimal(exact)

    def finalize(self) -> str | None:
        return None if self.total is None else f"{self.total:f}"


def register_exact_sum(sender: Any = None, connection: Any = None, **kwargs: Any) -> None:
    """Register the aggregate on a new SQLite connection; a receiver of connection_created."""
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("exact_sum", 1, DecimalAdder)
