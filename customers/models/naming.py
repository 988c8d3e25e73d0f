"""One lock for everything that gives a customer or an open opportunity its name."""

from __future__ import annotations

from django.db import connection

NAMES = 770005  # PostgreSQL advisory lock: what is known of a name stays true until the transaction ends


def hold_customer_names() -> None:
    """Nobody else names a customer until the transaction ends. On SQLite writers are alone anyway.

    Customers that the work refers to are held first (hold_customers()): who renames one holds its row and then waits
    here. After this lock come the day's number row and new rows only.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NAMES])
