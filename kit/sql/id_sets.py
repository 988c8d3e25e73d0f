"""Large sets of ids in a condition, sent as one array instead of a parameter for each id."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In

MAX_PARAMETER_IDS = 8  # for more ids PostgreSQL uses a hash table, but only if they are literals of the statement


class IdSet(frozenset[int]):
    """Ids read before the statement is made. An ``in`` condition sends them as one value, however many they are.

    Django makes each element a parameter: with all users of a company in every condition, preparing the statement took
    longer than running it. Up to MAX_PARAMETER_IDS go as one array parameter, more are written into the statement: the
    plan that PostgreSQL caches for a prepared statement does not know them and compares each row with all of them.
    """

    def including(self, key: int) -> IdSet:
        """Return the set with one more id."""
        return self if key in self else IdSet(self | {key})

    @cached_property
    def text(self) -> str:
        return ",".join(map(str, sorted(self)))


class _IdSetIn:
    """Ids are safe as literals of the statement: they are integers by type."""

    rhs: Any

    def get_prep_lookup(self) -> Any:
        return self.rhs if isinstance(self.rhs, IdSet) else super().get_prep_lookup()  # type: ignore[misc]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not isinstance(self.rhs, IdSet):
            return super().as_sql(compiler, connection)  # type: ignore[misc]
        if not self.rhs:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)  # type: ignore[attr-defined]
        if connection.vendor == "postgresql" and len(self.rhs) <= MAX_PARAMETER_IDS:
            return f"{column} = ANY (%s::bigint[])", (*params, f"{{{self.rhs.text}}}")
        if connection.vendor == "postgresql":
            return f"{column} = ANY ('{{{self.rhs.text}}}'::bigint[])", params
        return f"{column} IN ({self.rhs.text})", params


@models.ForeignKey.register_lookup
class RelatedIdSetIn(_IdSetIn, RelatedIn):
    pass


@models.BigAutoField.register_lookup
class KeyIdSetIn(_IdSetIn, In):
    pass
