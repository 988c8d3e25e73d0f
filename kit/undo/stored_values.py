"""Values of rows as JSON keeps them: exact, so that a row that comes back equals the one that went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models

from kit.sql.id_sets import IdSet

VERSION = "version"
Values = dict[str, Any]


def stored_fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """Return the columns of a model that somebody writes, without its key."""
    return [field for field in model._meta.concrete_fields if not field.primary_key and not field.generated]


def has_version(model: type[models.Model]) -> bool:
    return any(field.name == VERSION for field in model._meta.concrete_fields)


def is_text(model: type[models.Model], name: str) -> bool:
    """Return whether people write this column in words of their own."""
    field = model._meta.get_field(name)
    return isinstance(field, models.CharField | models.TextField) and not field.choices


def read_values(rows: models.QuerySet[Any], names: Iterable[str]) -> Iterator[tuple[int, Values]]:
    """Yield (key, {column: value as JSON keeps it}) of each row."""
    for row in rows.order_by("pk").values("pk", *names):
        yield row["pk"], {name: encode(row[name]) for name in names}


def read_by_key(model: type[models.Model], keys: Iterable[int], names: Iterable[str]) -> dict[int, Values]:
    """Return {key: values} of those rows that are still there."""
    return dict(read_values(model._base_manager.filter(pk__in=IdSet(keys)), list(names)))


def encode(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | UUID) else value


def decode(model: type[models.Model], values: Values) -> Values:
    """Return {column: value} for the model. values: as encode() left them, by attname."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    return {name: fields[name].to_python(value) for name, value in values.items() if name in fields}
