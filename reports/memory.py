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

from customers.models.rollup import revenue_stamp

T = TypeVar("T")
MOST = 12  # results; a ranking of 100,000 customers takes about 30 MB

_kept: OrderedDict[Hashable, tuple[Any, Any]] = OrderedDict()
_lock = Lock()


def remembered(key: Hashable, compute: Callable[[], T]) -> T:
    """compute() once for this key and these figures. What it returns must not be changed."""
    stamp = revenue_stamp()
    with _lock:
        found = _kept.get(key)
        if found and found[0] == stamp:
            _kept.move_to_end(key)
            return found[1]
    result = compute()
    if stamp[1]:  # before the first mark nothing can be said to be unchanged
        with _lock:
            _kept[key] = (stamp, result)
            _kept.move_to_end(key)
            while len(_kept) > MOST:
                _kept.popitem(last=False)
    return result
