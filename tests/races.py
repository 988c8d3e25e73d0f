"""Two at once, with real threads on PostgreSQL; each race is run again with its guard switched off, and must then fail.

The first act is stopped between its check and its save until the second is done or a lock holds the second back, which
the database is asked: with the guard the second finds the first one's work, without it the first goes on over a row
that is no longer what it checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from time import monotonic
from typing import Any

import pytest
from django.db import connection, connections

ON_POSTGRESQL = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time: nothing to race"),
]
GIVE_UP = 20  # seconds
GLANCE = 0.02  # seconds between two looks at the locks


def alone(act: Callable[[], Any]) -> Any:
    """What the act gave or raised, on a connection of its own."""
    try:
        return act()
    except Exception as error:  # the outcome is what is tested
        return error
    finally:
        connections.close_all()


@contextmanager
def watched_locks() -> Iterator[Callable[[], bool]]:
    """Give a question, asked on a connection of its own: does anybody in this database wait for a lock?"""
    watcher = connection.copy()
    try:
        with watcher.cursor() as cursor:

            def somebody_waits() -> bool:
                cursor.execute(
                    "SELECT 1 FROM pg_locks waiting JOIN pg_stat_activity USING (pid)"
                    " WHERE NOT waiting.granted AND datname = current_database() LIMIT 1"
                )
                return cursor.fetchone() is not None

            yield somebody_waits
    finally:
        watcher.close()


class Moment:
    """Where the first act stops until the second is done."""

    def __init__(self) -> None:
        self.reached, self.over = Event(), Event()

    def __call__(self) -> None:
        if self.reached.is_set():
            return
        self.reached.set()
        with watched_locks() as somebody_waits:
            until = monotonic() + GIVE_UP
            while not self.over.wait(GLANCE) and not somebody_waits() and monotonic() < until:
                pass

    def overtake(self, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
        """What the two gave or raised when the second ran while the first stood here."""
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(alone, first)
            assert self.reached.wait(GIVE_UP), f"the first act never came here: {one.result(GIVE_UP)!r}"
            two = pool.submit(alone, second)
            two.add_done_callback(lambda _: self.over.set())
            return one.result(GIVE_UP), two.result(GIVE_UP)


def before(patch: pytest.MonkeyPatch, owner: Any, name: str) -> Moment:
    """The moment before a method runs."""
    moment, original = Moment(), getattr(owner, name)

    def stopped(*args: Any, **kwargs: Any) -> Any:
        moment()
        return original(*args, **kwargs)

    patch.setattr(owner, name, stopped)
    return moment


def again(record: Any) -> Any:
    """The record as another request reads it."""
    return type(record).objects.get(pk=record.pk)
