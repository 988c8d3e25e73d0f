"""The expression of the indexes that migration 0007 made and 0010 took away."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Func

SEPARATORS = (" ", "-", "(", ")", "（", "）")


class Undivided(Func):
    """The column without separators. They stand in the SQL itself: only so is it the index's own expression."""

    arity = 1
    output_field = CharField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        for separator in SEPARATORS:
            sql = f"REPLACE({sql}, '{separator}', '')"
        return sql, params
