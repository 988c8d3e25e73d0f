"""Advisory locks of PostgreSQL: one table of their numbers, so that no number is given twice."""

from __future__ import annotations

from enum import IntEnum, unique

from django.db import connection

MAX_KEY = 2**31  # a lock with a key takes two integers of 32 bits


@unique
class AdvisoryLock(IntEnum):
    """Numbers are shared by all processes on one database: never change one, never use 770002 again.

    The names say who takes a lock. Its meaning stands with the caller.
    """

    AUDIT_SEALS = 770001
    CHURN_SCAN = 770003
    MERGES = 770004
    CUSTOMER_NAMES = 770005
    DUPLICATE_ANSWERS = 770006


def take_lock(lock: AdvisoryLock, *, key: int | None = None, shared: bool = False) -> None:
    """Wait for the lock and hold it to the end of the transaction.

    key: lock one record's part of the number only. shared: do not wait for other shared holders.
    On SQLite do nothing: transactions are IMMEDIATE, so a writer is alone anyway.
    """
    if connection.vendor != "postgresql":
        return
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    numbers = [lock.value] if key is None else [lock.value, key % MAX_KEY]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({', '.join(['%s'] * len(numbers))})", numbers)
