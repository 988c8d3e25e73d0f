"""One lock for everything that gives a customer or an open opportunity its name."""

from __future__ import annotations

from django.db import connection, models

NAMES = 770005  # PostgreSQL advisory lock: what is known of a name stays true until the transaction ends


def hold_customer_names(*rows: models.Model | None) -> None:
    """Nobody else names a customer until the transaction ends. On SQLite writers are alone anyway.

    rows: customers that the work refers to (上级单位, 老客户介绍, one linked to). They are locked first: who renames
    a customer holds its row and then waits here. After this lock come the day's number row and new rows only.
    """
    found = sorted({(type(row)._meta.label, row.pk): row for row in rows if row is not None}.items())
    for _, row in found:
        list(type(row)._base_manager.filter(pk=row.pk).select_for_update(no_key=True).values_list("pk"))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NAMES])
