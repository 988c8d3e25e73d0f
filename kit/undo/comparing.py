"""Holding rows, locked, against what a change left of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import Enum

from django.db import models

from kit.sql.id_sets import IdSet
from kit.sql.transactions import in_transaction

from .models import UndoRow
from .stored_values import VERSION, Values, has_version, read_by_key
from .writing import model_of


class State(Enum):
    AS_LEFT = "as left"
    CHANGED = "changed"
    GONE = "gone"


def by_model(rows: Iterable[UndoRow]) -> dict[type[models.Model], list[UndoRow]]:
    groups: dict[type[models.Model], list[UndoRow]] = defaultdict(list)
    for row in rows:
        groups[model_of(row)].append(row)
    return groups


@in_transaction
def lock_and_compare(rows: list[UndoRow]) -> Iterator[tuple[UndoRow, State]]:
    """Lock the rows to the end of the transaction, and say of each what became of it since the change."""
    for model, group in by_model(rows).items():
        keys = IdSet(row.key for row in group)
        weak = getattr(model, "locks_before_records", False)
        list(model._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(no_key=weak).values_list("pk"))
        names = {name for row in group for name in (row.new or row.old)} & _columns(model)
        current = read_by_key(model, keys, [*names, VERSION] if has_version(model) else names)
        yield from ((row, _state(row, current.get(row.key))) for row in group)


def _columns(model: type[models.Model]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields} - {VERSION}


def _state(row: UndoRow, now: Values | None) -> State:
    if now is None:
        return State.AS_LEFT if row.is_deletion else State.GONE
    if row.is_deletion or (row.version is not None and now[VERSION] != row.version):
        return State.CHANGED
    differs = any(name in now and now[name] != value for name, value in row.new.items() if name != VERSION)
    return State.CHANGED if differs else State.AS_LEFT
