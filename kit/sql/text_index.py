"""Search for text anywhere in a field, folded: names by fold_name(), phone numbers by fold_number().

On SQLite the folding is done in Python; on PostgreSQL by a function with the same table, and a GIN index holds the
characters and pairs of characters of the folded texts. A model names its indexed fields in ``text_indexed``,
``number_indexed`` and ``plain_indexed``; its migration creates the indexes with folded_indexes().
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.migrations import RunPython
from django.db.models import Func, Lookup
from django.db.models.lookups import IContains

from kit.domain.folding import (
    COUNTRY_PREFIX,
    DIGITS,
    fold_name,
    fold_number,
    fold_partial_number,
    folding_table,
    has_letters,
)

# 公司 → {公, 司, 公司}. COST 100: computing them is slower than comparing, so PostgreSQL should prefer the index.
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
# Most names consist of Chinese characters only and are returned as they are. Of the others most hold capitals and
# common punctuation only; looking up each character takes ten times as long.
CREATE_FOLD = """
CREATE FUNCTION crm_fold(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10 AS $$
DECLARE
  folded text;
BEGIN
  IF value ~ '^[0-9a-z一-鿿]*$' THEN
    RETURN value;
  END IF;
  folded := translate(lower(value COLLATE "C"), ' ()（）-.·&/—、', '');
  IF folded ~ '^[0-9a-z一-鿿]+$' THEN
    RETURN folded;
  END IF;
  SELECT string_agg(COALESCE('{table}'::jsonb ->> letter, letter), '' ORDER BY place) INTO folded
  FROM unnest(string_to_array(value, NULL)) WITH ORDINALITY AS signs(letter, place);
  RETURN COALESCE(NULLIF(folded, ''), btrim(value, ' '));
END $$
"""
CREATE_FOLD_NUMBER = f"""
CREATE FUNCTION crm_fold_number(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT regexp_replace(regexp_replace(regexp_replace(
    translate(value, '{"".join(map(chr, DIGITS))}', '{"".join(DIGITS.values())}'),
    '[^0-9+]', '', 'g'), '^(?:{COUNTRY_PREFIX}|0)*', ''), '[^0-9]', '', 'g')
$$
"""


class Fold(Func):
    """A column folded as by fold_name()."""

    function, arity, output_field = "crm_fold", 1, models.CharField()


class FoldedLookup(Lookup):
    """Compares a folded column with a folded text. indexed: the model attribute that lists the indexed fields."""

    function, indexed = "crm_fold", "text_indexed"
    prepare_rhs = False

    def alternatives(self) -> list[tuple[str, bool]]:
        """Return (folded text, only at the beginning?) of which one must be in the column."""
        return [(fold_name(self.rhs), False)]

    def compile_column(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = compiler.compile(self.lhs)
        return f"{self.function}({column})" if self.function else column, list(params)

    def has_index(self) -> bool:
        field: Any = getattr(self.lhs, "target", None)
        return field is not None and field.name in getattr(field.model, self.indexed, ())

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Compare by position: for LIKE the planner of PostgreSQL estimates hardly any rows, and then reads them all.

        The index holds single characters beside the pairs because the planner multiplies their selectivities. For a
        pair alone that is not in its statistics it estimates half a percent of all rows: looking for the newest twenty
        it read 500,000 rows by age.
        """
        on_postgresql = connection.vendor == "postgresql"
        column, column_params = self.compile_column(compiler, connection)
        parts, params = [], list[Any]()
        for text, is_prefix in self.alternatives():
            part = f"{'strpos' if on_postgresql else 'instr'}({column}, %s) {'= 1' if is_prefix else '> 0'}"
            params += [*column_params, text]
            if on_postgresql and self.has_index():
                part = f"({part} AND crm_grams({column}) @> crm_grams(%s))"
                params += [*column_params, text]
            parts.append(part)
        return f"({' OR '.join(parts) or '1 = 0'})", params


@models.CharField.register_lookup
@models.TextField.register_lookup
class ContainsText(FoldedLookup):
    """Matches the text anywhere in the field, whatever its case, width, spaces and punctuation."""

    lookup_name = "contains_text"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Search for mere punctuation as it is: folded, nothing of it would be left."""
        if not has_letters(self.rhs):
            return IContains(self.lhs, self.rhs).as_sql(compiler, connection)
        return super().as_sql(compiler, connection)


class FoldedNumberLookup(FoldedLookup):
    """Compares phone numbers."""

    function, indexed = "crm_fold_number", "number_indexed"

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        """Skip most rows by GLOB, before Python folds them: the digits must occur in this order."""
        sql, params = self.as_sql(compiler, connection)
        column, column_params = compiler.compile(self.lhs)
        glob_params = [*column_params, f"*{'*'.join(fold_number(self.rhs))}*", *column_params, "*[０-９]*"]
        return f"(({column} GLOB %s OR {column} GLOB %s) AND {sql})", [*glob_params, *params]


@models.CharField.register_lookup
class ContainsNumber(FoldedNumberLookup):
    """Matches a phone number or a part of one, whatever its separators, with or without +86 or 0 in front."""

    lookup_name = "contains_number"

    def alternatives(self) -> list[tuple[str, bool]]:
        """Take 0532… as digits inside a number, or as its beginning, where the folded number has no 0."""
        part, whole = fold_partial_number(self.rhs), fold_number(self.rhs)
        return [(part, False)] * bool(part) + [(whole, True)] * bool(whole and whole != part)


@models.TextField.register_lookup
class ContainsPlain(FoldedLookup):
    """Matches the text anywhere in the field, not folded."""

    lookup_name, function, indexed = "contains_plain", "", "plain_indexed"

    def alternatives(self) -> list[tuple[str, bool]]:
        return [(self.rhs, False)]


class FoldedEqualLookup(FoldedLookup):
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.compile_column(compiler, connection)
        return f"{column} = %s", [*params, self.folded_rhs()]

    def folded_rhs(self) -> str:
        return fold_name(self.rhs)


@models.CharField.register_lookup
class SameText(FoldedEqualLookup):
    """Matches a text that is equal when folded."""

    lookup_name = "same_text"


@models.CharField.register_lookup
class SameNumber(FoldedNumberLookup, FoldedEqualLookup):
    """Matches the same phone number."""

    lookup_name = "same_number"

    def folded_rhs(self) -> str:
        return fold_number(self.rhs)


def register_foldings(sender: Any = None, connection: Any = None, **kwargs: Any) -> None:
    """Register the folding functions on a new SQLite connection; a receiver of connection_created."""
    if connection.vendor == "sqlite":
        for name, fold in (("crm_fold", fold_name), ("crm_fold_number", fold_number)):
            connection.connection.create_function(name, 1, _skip_null(fold), deterministic=True)


def _skip_null(fold: Any) -> Any:
    return lambda value: None if value is None else fold(str(value))


# Migrations


def grams() -> RunPython:
    """Return the migration operation that creates crm_grams(), on which all text indexes depend."""
    return RunPython(_run_on_postgresql([CREATE_GRAMS]), _run_on_postgresql([DROP_GRAMS]))


def foldings() -> RunPython:
    """Return the migration operation that creates the folding functions; a changed table needs a new migration."""
    table = json.dumps({chr(code): folded for code, folded in folding_table().items() if code}, ensure_ascii=False)
    create = [CREATE_FOLD.replace("{table}", table.replace("'", "''")), CREATE_FOLD_NUMBER]
    return RunPython(
        _run_on_postgresql(create),
        _run_on_postgresql(["DROP FUNCTION crm_fold(text)", "DROP FUNCTION crm_fold_number(text)"]),
    )


def text_indexes(table: str, *columns: str) -> RunPython:
    """Return the operation for indexes of unfolded columns, in migrations older than folded_indexes()."""
    names = {column: f"{table}_{column}_text" for column in columns}
    create = [f"CREATE INDEX {name} ON {table} USING gin (crm_grams({column}))" for column, name in names.items()]
    return RunPython(_run_on_postgresql(create), _run_on_postgresql([f"DROP INDEX {name}" for name in names.values()]))


def without_text_indexes(table: str, *columns: str) -> RunPython:
    """Return the operation that drops the indexes of text_indexes()."""
    operation = text_indexes(table, *columns)
    return RunPython(operation.reverse_code or RunPython.noop, operation.code)


def folded_indexes(
    table: str, *, texts: Iterable[str] = (), numbers: Iterable[str] = (), plain: Iterable[str] = (),
    same: Iterable[str] = (),
) -> RunPython:  # fmt: skip
    """Return the operation that creates the indexes of these columns.

    texts: for contains_text; numbers: for contains_number and same_number; plain: for contains_plain; same: for
    same_text.

    The migration depends on ("ui", "0003_foldings").
    """
    indexes = {f"{table}_{column}_text": f"USING gin (crm_grams(crm_fold({column})))" for column in texts}
    indexes |= {f"{table}_{column}_part": f"USING gin (crm_grams(crm_fold_number({column})))" for column in numbers}
    indexes |= {f"{table}_{column}_number": f"(crm_fold_number({column}))" for column in numbers}
    indexes |= {f"{table}_{column}_plain": f"USING gin (crm_grams({column}))" for column in plain}
    indexes |= {f"{table}_{column}_same": f"(crm_fold({column}))" for column in same}
    create = [f"CREATE INDEX {name} ON {table} {method}" for name, method in indexes.items()]
    return RunPython(_run_on_postgresql(create), _run_on_postgresql([f"DROP INDEX {name}" for name in indexes]))


def _run_on_postgresql(statements: list[str]) -> Any:
    def run(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement, params=None)

    return run
