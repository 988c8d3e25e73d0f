"""Text found anywhere in a field, folded as people mean it: names by fold_name(), telephone numbers by fold_number().

On SQLite the folding is Python's own; on PostgreSQL it is a function of the same table, and an index holds the folded
texts' characters and pairs of characters. A model names its indexed fields in ``text_indexed``, ``number_indexed`` and
``plain_indexed``; their migration makes the indexes with folded_indexes().
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
# Most names are Chinese characters and nothing else: they come back as they are. Of the others most hold capitals
# and a few common signs only; looking up each character takes ten times as long.
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
    """A column as fold_name() makes it."""

    function, arity, output_field = "crm_fold", 1, models.CharField()


class FoldedLookup(Lookup):
    """A comparison of the folded column with a folded text. indexed: the models' attribute that names its fields."""

    function, indexed = "crm_fold", "text_indexed"
    prepare_rhs = False

    def wanted(self) -> list[tuple[str, bool]]:
        """(folded text, only at the beginning) of which one has to be there."""
        return [(fold_name(self.rhs), False)]

    def folded(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, own = compiler.compile(self.lhs)
        return f"{self.function}({column})" if self.function else column, list(own)

    def has_index(self) -> bool:
        field: Any = getattr(self.lhs, "target", None)
        return field is not None and field.name in getattr(field.model, self.indexed, ())

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Compared by position: of LIKE PostgreSQL expects next to no rows, and then reads them all.

        The characters stand beside their pairs because it multiplies what it expects of each. Of a pair alone that it
        does not know it expects half a percent of all rows, and looking for the newest twenty it read 500,000 by age.
        """
        postgres = connection.vendor == "postgresql"
        column, own = self.folded(compiler, connection)
        parts, values = [], list[Any]()
        for text, first in self.wanted():
            part = f"{'strpos' if postgres else 'instr'}({column}, %s) {'= 1' if first else '> 0'}"
            values += [*own, text]
            if postgres and self.has_index():
                part = f"({part} AND crm_grams({column}) @> crm_grams(%s))"
                values += [*own, text]
            parts.append(part)
        return f"({' OR '.join(parts) or '1 = 0'})", values


@models.CharField.register_lookup
@models.TextField.register_lookup
class ContainsText(FoldedLookup):
    """The text anywhere in the field, whatever its case, width, spaces and punctuation."""

    lookup_name = "contains_text"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Punctuation alone is looked for as it is: folded, nothing of it would be left."""
        if not has_letters(self.rhs):
            return IContains(self.lhs, self.rhs).as_sql(compiler, connection)
        return super().as_sql(compiler, connection)


class FoldedNumberLookup(FoldedLookup):
    """A comparison of telephone numbers."""

    function, indexed = "crm_fold_number", "number_indexed"

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        """Most rows are passed by without Python, which SQLite cannot index: the digits have to stand in this order."""
        sql, values = self.as_sql(compiler, connection)
        column, own = compiler.compile(self.lhs)
        inside = [*own, f"*{'*'.join(fold_number(self.rhs))}*", *own, "*[０-９]*"]
        return f"(({column} GLOB %s OR {column} GLOB %s) AND {sql})", [*inside, *values]


@models.CharField.register_lookup
class ContainsNumber(FoldedNumberLookup):
    """A telephone number or a part of one, however it is divided, with +86 or 0 in front or without."""

    lookup_name = "contains_number"

    def wanted(self) -> list[tuple[str, bool]]:
        """0532… is a part of what goes on inside a number, or the beginning of one, where no 0 is kept."""
        part, whole = fold_partial_number(self.rhs), fold_number(self.rhs)
        return [(part, False)] * bool(part) + [(whole, True)] * bool(whole and whole != part)


@models.TextField.register_lookup
class ContainsPlain(FoldedLookup):
    """The text anywhere in the field, as it stands."""

    lookup_name, function, indexed = "contains_plain", "", "plain_indexed"

    def wanted(self) -> list[tuple[str, bool]]:
        return [(self.rhs, False)]


class FoldedEqualLookup(FoldedLookup):
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, own = self.folded(compiler, connection)
        return f"{column} = %s", [*own, self.equal()]

    def equal(self) -> str:
        return fold_name(self.rhs)


@models.CharField.register_lookup
class SameText(FoldedEqualLookup):
    """The same text when folded."""

    lookup_name = "same_text"


@models.CharField.register_lookup
class SameNumber(FoldedNumberLookup, FoldedEqualLookup):
    """The same telephone number."""

    lookup_name = "same_number"

    def equal(self) -> str:
        return fold_number(self.rhs)


def teach_sqlite(sender: Any = None, connection: Any = None, **kwargs: Any) -> None:
    """The database's foldings are ours. Connected to connection_created."""
    if connection.vendor == "sqlite":
        for name, fold in (("crm_fold", fold_name), ("crm_fold_number", fold_number)):
            connection.connection.create_function(name, 1, _skip_null(fold), deterministic=True)


def _skip_null(fold: Any) -> Any:
    return lambda value: None if value is None else fold(str(value))


# Migrations


def grams() -> RunPython:
    """The migration that brings the function; all indexes stand on it."""
    return RunPython(_run_on_postgresql([CREATE_GRAMS]), _run_on_postgresql([DROP_GRAMS]))


def foldings() -> RunPython:
    """The migration that brings the foldings, as the table stands: another table needs another migration."""
    table = json.dumps({chr(code): folded for code, folded in folding_table().items() if code}, ensure_ascii=False)
    create = [CREATE_FOLD.replace("{table}", table.replace("'", "''")), CREATE_FOLD_NUMBER]
    return RunPython(
        _run_on_postgresql(create),
        _run_on_postgresql(["DROP FUNCTION crm_fold(text)", "DROP FUNCTION crm_fold_number(text)"]),
    )


def text_indexes(table: str, *columns: str) -> RunPython:
    """Indexes of columns as they stand, of the migrations before folded_indexes()."""
    names = {column: f"{table}_{column}_text" for column in columns}
    create = [f"CREATE INDEX {name} ON {table} USING gin (crm_grams({column}))" for column, name in names.items()]
    return RunPython(_run_on_postgresql(create), _run_on_postgresql([f"DROP INDEX {name}" for name in names.values()]))


def without_text_indexes(table: str, *columns: str) -> RunPython:
    """Takes those of text_indexes() away again."""
    made = text_indexes(table, *columns)
    return RunPython(made.reverse_code or RunPython.noop, made.code)


def folded_indexes(
    table: str, *, texts: Iterable[str] = (), numbers: Iterable[str] = (), plain: Iterable[str] = (),
    same: Iterable[str] = (),
) -> RunPython:  # fmt: skip
    """Indexes for contains_text, contains_number with same_number, contains_plain, and same_text on columns of a table.

    The migration depends on ("ui", "0003_foldings").
    """
    made = {f"{table}_{column}_text": f"USING gin (crm_grams(crm_fold({column})))" for column in texts}
    made |= {f"{table}_{column}_part": f"USING gin (crm_grams(crm_fold_number({column})))" for column in numbers}
    made |= {f"{table}_{column}_number": f"(crm_fold_number({column}))" for column in numbers}
    made |= {f"{table}_{column}_plain": f"USING gin (crm_grams({column}))" for column in plain}
    made |= {f"{table}_{column}_same": f"(crm_fold({column}))" for column in same}
    create = [f"CREATE INDEX {name} ON {table} {how}" for name, how in made.items()]
    return RunPython(_run_on_postgresql(create), _run_on_postgresql([f"DROP INDEX {name}" for name in made]))


def _run_on_postgresql(statements: list[str]) -> Any:
    def run(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement, params=None)

    return run
