"""Text found anywhere in a field: LIKE, and on PostgreSQL an index of its characters and pairs of characters.

A model names its indexed fields in ``text_indexed``; their migration makes the indexes with text_indexes().
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.migrations import RunPython
from django.db.models.lookups import IContains

# 公司 → {公, 司, 公司}. Dearer than comparing: the cost lets PostgreSQL prefer the index to making them.
CREATE_GRAMS = """
CREATE FUNCTION crm_grams(value text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 100 AS $$
DECLARE
  letters text[] := string_to_array(upper(value), NULL);
  grams text[] := letters;
BEGIN
  FOR place IN 1 .. cardinality(letters) - 1 LOOP
    grams := grams || (letters[place] || letters[place + 1]);
  END LOOP;
  RETURN grams;
END $$
"""
DROP_GRAMS = "DROP FUNCTION crm_grams(text)"


@models.CharField.register_lookup
@models.TextField.register_lookup
class ContainsText(IContains):
    """icontains that an index serves: rows with all characters and pairs of the text, and among them those with it."""

    lookup_name = "contains_text"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return IContains(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """Compared by strpos(): of LIKE over upper() PostgreSQL expects next to no rows, and then reads them all.

        The characters stand beside their pairs because it multiplies what it expects of each. Of a pair alone that it
        does not know it expects half a percent of all rows, and looking for the newest twenty it read 500,000 by age.
        """
        field: Any = getattr(self.lhs, "target", None)
        if field is None or not self.rhs or field.name not in getattr(field.model, "text_indexed", ()):
            return self.as_sql(compiler, connection)
        column, own = compiler.compile(self.lhs)
        sql = f"(strpos(upper({column}), upper(%s)) > 0 AND crm_grams({column}) @> crm_grams(%s))"
        return sql, [*own, self.rhs, *own, self.rhs]


def grams() -> RunPython:
    """The migration that brings the function; all indexes stand on it."""
    return RunPython(_on_postgresql([CREATE_GRAMS]), _on_postgresql([DROP_GRAMS]))


def text_indexes(table: str, *columns: str) -> RunPython:
    """Indexes for contains_text on columns of one table. The migration depends on ("ui", "0002_grams")."""
    names = {column: f"{table}_{column}_text" for column in columns}
    create = [f"CREATE INDEX {name} ON {table} USING gin (crm_grams({column}))" for column, name in names.items()]
    return RunPython(_on_postgresql(create), _on_postgresql([f"DROP INDEX {name}" for name in names.values()]))


def _on_postgresql(statements: list[str]) -> Any:
    def run(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement)

    return run
