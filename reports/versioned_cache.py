"""Results kept in the process until the figures they come from change.

A ranking of all customers, or a count of all opportunities, costs much however little of it is shown. It depends on
the figures, on who sees which rows, and on what is asked; the last two are the key, the first has a stamp that every
change renews in its own transaction. So nothing out of date is ever shown, and nothing has to be cleared.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet

from accounts.models import User
from customers.models.rollup import revenue_version

T = TypeVar("T")
Stamp = Callable[[], Hashable | None]
MOST = 24  # results of a kind; a ranking of 100,000 customers takes about 30 MB

_kept: dict[Stamp, OrderedDict[Hashable, tuple[Any, Any]]] = {}
_lock = Lock()


def remembered(user: User, key: Hashable, compute: Callable[[], T], stamp_of: Stamp = revenue_version) -> T:
    """compute() once for this key and these figures. What it returns must not be changed.

    user: the viewer, on whom the stamp is kept for the length of the request; the key must say what he sees. stamp_of:
    reads the stamp of the figures.
    """
    stamps = user.__dict__.setdefault("_stamps", {})
    if stamp_of not in stamps:
        stamps[stamp_of] = stamp_of()
    stamp = stamps[stamp_of]
    with _lock:
        kept = _kept.setdefault(stamp_of, OrderedDict())
        found = kept.get(key)
        if found and found[0] == stamp:
            kept.move_to_end(key)
            return found[1]
    result = compute()
    if stamp:  # before the first mark nothing can be said to be unchanged
        with _lock:
            kept[key] = (stamp, result)
            kept.move_to_end(key)
            while len(kept) > MOST:
                kept.popitem(last=False)
    return result


def statement(rows: Any) -> tuple[Any, ...]:
    """Which rows these are, as the statement that asks for them: people and shares are ids in it, so another view is
    another key. Only for conditions on the rows' own columns."""
    try:
        sql, values = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return ()
    return sql, *map(repr, values)
