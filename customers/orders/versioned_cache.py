"""Results cached in the process until the data they come from change.

A ranking of all customers, or a count of all opportunities, costs much however little of it is shown. It depends on
the figures, on who sees which rows, and on what is asked; the last two are the key, the first has a version that
every change renews in its own transaction. So nothing stale is ever shown, and nothing has to be cleared.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from accounts.models import User

from .rollups import revenue_version

T = TypeVar("T")
VersionReader = Callable[[], Hashable | None]
MAX_RESULTS = 24  # results of a kind; a ranking of 100,000 customers takes about 30 MB

_results: dict[VersionReader, OrderedDict[Hashable, tuple[Any, Any]]] = {}
_lock = Lock()


def cached(user: User, key: Hashable, compute: Callable[[], T], version_of: VersionReader = revenue_version) -> T:
    """Return compute(), called once for this key and version. The result must not be changed.

    user: the viewer, on whom the version is cached for the length of the request; the key must say what
    they see. version_of: reads the version of the figures.
    """
    versions = user.session_facts.versions
    if version_of not in versions:
        versions[version_of] = version_of()
    version = versions[version_of]
    with _lock:
        results = _results.setdefault(version_of, OrderedDict())
        entry = results.get(key)
        if entry and entry[0] == version:
            results.move_to_end(key)
            return entry[1]
    result = compute()
    if version:  # before the first mark nothing is known to be unchanged
        with _lock:
            results[key] = (version, result)
            results.move_to_end(key)
            while len(results) > MAX_RESULTS:
                results.popitem(last=False)
    return result


def sql_key(rows: QuerySet[Any]) -> tuple[Any, ...]:
    """Return SQL and parameters of the rows as a cache key: people and shares are ids in it, so another view is
    another key. Only for conditions on the rows' own columns."""
    try:
        sql, values = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return ()
    return sql, *map(repr, values)
