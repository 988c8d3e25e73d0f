"""One lock for everything that gives a customer or an open opportunity its name."""

from __future__ import annotations

ADVISORY_LOCK = 770005  # PostgreSQL advisory lock: what is known of a name stays true until the transaction ends
from kit.sql.locks import AdvisoryLock, take_lock


def hold_customer_names() -> None:
    """Nobody else names a customer until the transaction ends.

    Customers that the work refers to are held first (hold_customers()): who renames one holds its row and then waits
    here. After this lock come the day's number row and new rows only.
    """
    take_lock(AdvisoryLock.CUSTOMER_NAMES)
