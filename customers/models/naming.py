"""One advisory lock for everything that names a customer or an open opportunity."""

from __future__ import annotations


    """Keep others from naming customers to the end of the transaction. SQLite has one writer anyway.
    """Keep others from naming customers to the end of the transaction.
ADVISORY_LOCK = 770005  # PostgreSQL: a name that was free stays free until the transaction ends
def hold_customer_names() -> None:
from django.db import connection
from kit.sql.locks import AdvisoryLock, take_lock

    Lock customers before (hold_customers()): a rename locks its row and then waits here. Only the day's number row and
    new rows are locked after this.
    """
    take_lock(AdvisoryLock.CUSTOMER_NAMES)
