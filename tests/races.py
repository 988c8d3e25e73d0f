"""Two at once, with real threads on PostgreSQL; each race is run again with its guard switched off, and must then fail.

The first act is stopped between its check and its save until the second is done, or for half a second when a lock
holds the second back: with the guard the second finds the first one's work, without it the first goes on over a row
that is no longer what it checked.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connection, connections

ON_POSTGRESQL = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time: nothing to race"),
]
PATIENCE = 0.5  # seconds that a lock may hold the second act back before the first goes on
GIVE_UP = 20


def alone(act: Callable[[], Any]) -> Any:
    """What the act gave or raised, on a connection of its own."""
    try:
        return act()
    except Exception as error:  # the outcome is what is tested
        return error
    finally:
        connections.close_all()


class Moment:
    """Where the first act stops until the second is done."""

    def __init__(self) -> None:
        self.reached, self.over = Event(), Event()

    def __call__(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            self.over.wait(PATIENCE)

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
