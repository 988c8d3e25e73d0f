"""One advisory lock for everything that names a customer or an open opportunity."""

from __future__ import annotations

from kit.sql.locks import AdvisoryLock, take_lock


def lock_customer_names() -> None:
    """Keep others from naming customers to the end of the transaction.

    Lock customers before (hold_customers()): a rename locks its row and then waits here. Only the day's number row and
    new rows are locked after this.
    """
    take_lock(AdvisoryLock.CUSTOMER_NAMES)
