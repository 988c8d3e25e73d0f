"""INSERT … SELECT through the ORM: rows made from rows inside the database, and audit rows in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import F, Func, JSONField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Left
from django.utils import timezone

from kit.domain.actor import Actor

from .log import SYSTEM, current_ip_address, format_value
from .models import AuditEntry


class RandomSalt(Func):
    """new_salt() for rows made inside the database: another salt for each row."""

    output_field = models.CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return "lower(hex(randomblob(16)))", []

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return "replace(gen_random_uuid()::text, '-', '')", []


def insert_selected(
    model: type[models.Model], rows: models.QuerySet, values: Mapping[str, Any], *, once: bool = False
) -> int:
    """Insert one row of the model per row of `rows`; return how many were inserted.

    values: field name → expression over rows. Fields left out stay NULL, so every NOT NULL field must be named.
    once: skip rows that would break a unique constraint.
    """
    try:
        sql, params = rows.order_by().values_list(*values.values()).query.sql_with_params()
    except EmptyResultSet:
        return 0
    quote = connection.ops.quote_name
    columns = ", ".join(quote(model._meta.get_field(name).column) for name in values)  # type: ignore[union-attr, arg-type]
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        on_conflict = " ON CONFLICT DO NOTHING" if once else ""
        cursor.execute(f"INSERT INTO {table} ({columns}) {sql}{on_conflict}", params)
        return int(cursor.rowcount)


def log_selected(
    by: Actor | None, verb: str, rows: models.QuerySet, *, text: Combinable, changes: Mapping[str, Any]
) -> int:
    """Insert one audit row per row of `rows`; return how many.

    by: a user, or None for the system. text: an expression that gives the row's name. changes: as for log_event().
    """
    formatted = {
        label: [format_value(side) for side in (value if isinstance(value, tuple) else (None, value))]
        for label, value in changes.items()
    }
    values: dict[str, Any] = {
        "at": Value(timezone.now(), models.DateTimeField()),
        "actor_name": Value(str(by) if by is not None else SYSTEM),
        "verb": Value(verb),
        "content_type": Value(ContentType.objects.get_for_model(rows.model).pk),
        "object_id": F("pk"),
        "object_text": Left(text, 200),
        "changes": Value(formatted, JSONField()),
        "salt": RandomSalt(),
    }
    if by is not None:
        values["actor"] = Value(by.pk)
    if address := current_ip_address.get():
        values["address"] = Value(address, models.GenericIPAddressField())
    return insert_selected(AuditEntry, rows, values)
