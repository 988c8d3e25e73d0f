"""Results kept in the process until the figures they come from change.

A ranking of all customers costs a second's part however little of it is shown. It depends on the rollup, on who sees
which customers, and on what is asked; the last two are the key, the first has a stamp that every change renews in its
own transaction. So nothing out of date is ever shown, and nothing has to be cleared.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from accounts.models import User
from customers.models.rollup import revenue_stamp

T = TypeVar("T")
MOST = 24  # results; a ranking of 100,000 customers takes about 30 MB

_kept: OrderedDict[Hashable, tuple[Any, Any]] = OrderedDict()
_lock = Lock()


def remembered(user: User, key: Hashable, compute: Callable[[], T]) -> T:
    """compute() once for this key and these figures. What it returns must not be changed.

    user: the viewer, on whom the stamp is kept for the length of the request; the key must say what he sees.
    """
    if "_revenue_stamp" not in user.__dict__:
        user.__dict__["_revenue_stamp"] = revenue_stamp()
    stamp = user.__dict__["_revenue_stamp"]
    with _lock:
        found = _kept.get(key)
        if found and found[0] == stamp:
            _kept.move_to_end(key)
            return found[1]
    result = compute()
    if stamp:  # before the first mark nothing can be said to be unchanged
        with _lock:
            _kept[key] = (stamp, result)
            _kept.move_to_end(key)
            while len(_kept) > MOST:
                _kept.popitem(last=False)
    return result
