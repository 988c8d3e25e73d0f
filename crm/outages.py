"""What went wrong outside the program: a database that is busy, away or full, a disk without space."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from enum import Enum

from django.db import DatabaseError, InterfaceError, OperationalError

FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
FULL_IN_POSTGRESQL = "53100"
# Of SQLite, which has no codes: sentences its own source has kept for many years.
FULL_IN_SQLITE = ("disk is full", "disk I/O error")


class Outage(Enum):
    """The status a page answers with while it lasts."""

    BUSY = 503
    FULL = 507


def outage_behind(error: BaseException | None) -> Outage | None:
    """Return what an exception, or one it came from, tells of the surroundings; None for a fault of the program."""
    busy = False
    for one in causes(error):
        if isinstance(one, OSError) and one.errno in FULL_DISK:
            return Outage.FULL
        if isinstance(one, DatabaseError | InterfaceError) and says_full(one):
            return Outage.FULL
        busy = busy or isinstance(one, OperationalError | InterfaceError)
    return Outage.BUSY if busy else None


def says_full(error: BaseException) -> bool:
    code = getattr(error.__cause__, "sqlstate", None)
    return code == FULL_IN_POSTGRESQL or any(words in str(error) for words in FULL_IN_SQLITE)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and those it came from, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
