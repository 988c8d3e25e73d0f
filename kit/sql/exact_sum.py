"""Sums of money that are exact on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Sum


class ExactDecimalField(DecimalField):
    """A decimal as the database says it: the type of its own keeps SQLite's conversion by float away.

    A column of it is text on SQLite: exact, to be added by ExactSum, not to be compared there.
    """

    def get_internal_type(self) -> str:
        return "ExactDecimalField"

    def db_type(self, connection: Any) -> str:
        return "text" if connection.vendor == "sqlite" else f"numeric({self.max_digits}, {self.decimal_places})"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class ExactSum(Sum):
    """SUM on PostgreSQL. SQLite would add decimals as floats, so there a Python aggregate adds their texts."""

    function = "SUM"

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, output_field=ExactDecimalField(max_digits=38, decimal_places=7), **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, function="exact_sum", **context)


class DecimalAdder:
    """What SQLite calls for each value. It keeps 15 digits of a decimal; further ones are noise of its floats."""

    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: Any) -> None:
        if value is not None:
            exact = f"{value:.15g}" if isinstance(value, float) else str(value)
            self.total = (self.total or Decimal(0)) + Decimal(exact)

    def finalize(self) -> str | None:
        return None if self.total is None else f"{self.total:f}"


def teach_sqlite(sender: Any = None, connection: Any = None, **kwargs: Any) -> None:
    """Connected to connection_created."""
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("exact_sum", 1, DecimalAdder)
