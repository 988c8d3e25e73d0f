"""The expression of the indexes that migration 0007 created and 0010 dropped."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Func

SEPARATORS = (" ", "-", "(", ")", "（", "）")


class Undivided(Func):
    """The column without separators. They are literals in the SQL: only so it equals the index's expression."""

    arity = 1
    output_field = CharField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        for separator in SEPARATORS:
            sql = f"REPLACE({sql}, '{separator}', '')"
        return sql, params
