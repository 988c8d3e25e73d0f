"""Searching many words over several columns of one row by a single index: terms of folded texts.

The columns hold tokens between strokes, |唐山暄和玻璃|kh261002001|, each in a form of its own:

* a folded text, in small letters: found by any part of it;
* pinyin, in CAPITALS: found by its beginning;
* =CODE, in capitals and wide digits, and @ID: found as a whole;
* digits of a number, in columns of their own: found by any part of it.

PostgreSQL makes terms of them: characters and pairs of a text, four signs from each letter or digit on, the first
letters of pinyin. A GIN index of these, asked by one tsquery, reads about as much as the rarest word needs. It finds a
little too much (唐山市 where 唐山 and 山市 stand apart), so the columns are compared as well; SQLite compares only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from django.db import models
from django.db.migrations import RunPython
from django.db.models import F, Func

SOUND_LENGTH, RUN_LENGTH = 8, 4  # letters of pinyin, and signs from a letter or digit on, that are one term
RUNS = re.compile("[0-9a-z]+|[^0-9a-z]+")

# COST 100: computing terms is slower than comparing texts, so PostgreSQL should compare first and prefer the index.
CREATE_TERMS = f"""
CREATE FUNCTION crm_search_terms(texts text, numbers text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 100 AS $$
DECLARE
  token text;
  letters text[];
  terms text[] := ARRAY[]::text[];
BEGIN
  FOREACH token IN ARRAY string_to_array(texts, '|') LOOP
    CONTINUE WHEN token = '';
    IF token ~ '^[=@]' THEN
      terms := terms || token;
    ELSIF token ~ '^[A-Z]' THEN
      terms := terms || ('^' || left(token, {SOUND_LENGTH}));
    ELSE
      letters := string_to_array(token, NULL);
      FOR place IN 1 .. cardinality(letters) LOOP
        IF strpos('0123456789abcdefghijklmnopqrstuvwxyz', letters[place]) > 0 THEN
          terms := terms || array_to_string(letters[place : place + {RUN_LENGTH - 1}], '');
        ELSE
          terms := terms || letters[place] || array_to_string(letters[place : place + 1], '');
        END IF;
      END LOOP;
    END IF;
  END LOOP;
  FOREACH token IN ARRAY string_to_array(numbers, '|') LOOP
    FOR place IN 1 .. length(token) LOOP
      terms := terms || ('#' || substr(token, place, {RUN_LENGTH}));
    END LOOP;
  END LOOP;
  RETURN array_to_tsvector(terms);
END $$
"""
DROP_TERMS = "DROP FUNCTION crm_search_terms(text, text)"


class HasTerms(Func):
    """Whether a row has the terms of a query; on SQLite it always has.

    texts, numbers: columns, in the order in which their index joins them. query: see text_terms() and its neighbours.
    """

    output_field = models.BooleanField()

    def __init__(self, texts: Sequence[str], numbers: Sequence[str], query: str) -> None:
        super().__init__(*map(F, (*texts, *numbers)))
        self.text_count, self.query = len(texts), query

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        return "1 = 1", []

    def as_postgresql(self, compiler: Any, connection: Any, **kwargs: Any) -> Any:
        """Write the query into the statement: of a prepared one the plan would not know how rare its words are."""
        from psycopg.sql import Literal

        columns = [compiler.compile(column)[0] for column in self.get_source_expressions()]
        query = Literal(self.query).as_string(None).replace("%", "%%")
        return f"{terms_of(columns[: self.text_count], columns[self.text_count :])} @@ {query}::tsquery", []


def terms_of(texts: Iterable[str], numbers: Iterable[str]) -> str:
    return f"crm_search_terms({' || '.join(texts)}, {' || '.join(numbers)})"


# Queries


def text_terms(text: str) -> str:
    """Return the query for a part of a folded text."""
    return all_of(_terms(text))


def sound_term(letters: str) -> str:
    """Return the query for the beginning of pinyin, in capitals."""
    return f"{_quoted('^' + letters[:SOUND_LENGTH])}:*"


def whole_term(token: str) -> str:
    return _quoted(token)


def number_terms(digits: str) -> str:
    """Return the query for a part of a number."""
    return all_of(_run(digits, "#"))


def any_of(queries: Iterable[str]) -> str:
    return f"({' | '.join(queries)})"


def all_of(queries: Iterable[str]) -> str:
    return f"({' & '.join(dict.fromkeys(queries))})"


def _terms(text: str) -> Iterator[str]:
    for run in RUNS.findall(text):
        if run[0].isascii() and run[0].isalnum():
            yield from _run(run)
        else:
            yield from (_quoted("".join(pair)) for pair in pairwise(run)) if len(run) > 1 else (_quoted(run),)


def _run(run: str, mark: str = "") -> Iterator[str]:
    if len(run) < RUN_LENGTH:
        yield f"{_quoted(mark + run)}:*"
    for place in range(len(run) - RUN_LENGTH + 1):
        yield _quoted(mark + run[place : place + RUN_LENGTH])


def _quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


# Migrations


def search_terms() -> RunPython:
    """Return the migration operation that creates crm_search_terms()."""
    return RunPython(_on_postgresql(CREATE_TERMS), _on_postgresql(DROP_TERMS))


def terms_index(table: str, texts: Iterable[str], numbers: Iterable[str]) -> RunPython:
    """Return the operation for the index of these columns, in the order of HasTerms."""
    name = f"{table}_terms"
    create = f"CREATE INDEX {name} ON {table} USING gin ({terms_of(texts, numbers)})"
    return RunPython(_on_postgresql(create), _on_postgresql(f"DROP INDEX {name}"))


def _on_postgresql(statement: str) -> Any:
    def run(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statement, params=None)

    return run
