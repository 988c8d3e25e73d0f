"""Turns at the one writer of SQLite: what nobody waits for tries once, and long work lets everybody else get in.

Whoever waits for SQLite asks again now and then, at most every tenth of a second, and whoever asks at the right moment
gets it. Work of many short transactions would be that one nearly always. PostgreSQL's writers wait for rows only.
"""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.db import OperationalError, connection, transaction

PAUSE = 0.15  # seconds: longer than those who wait let pass before they ask again


@contextmanager
def without_waiting() -> Iterator[None]:
    """Raise OperationalError at once where SQLite's writer is somebody else."""
    set_patience(0)
    try:
        yield
    finally:
        set_patience(settings.CRM_LOCK_SECONDS)


def set_patience(seconds: float) -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


@contextmanager
def in_turn() -> Iterator[None]:
    """One transaction of a long work: on SQLite it comes after those who wait, and a pause follows.

    The pause is as long as the transaction was, so that others write half of the time at least.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with ExitStack() as stack:
        begin_last(stack)
        began = time.monotonic()
        stack.enter_context(without_collecting())
        yield
    time.sleep(max(PAUSE, time.monotonic() - began))


@contextmanager
def without_collecting() -> Iterator[None]:
    """Let Python look for circles of objects later: with the rows of a large table in memory that takes seconds."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def begin_last(stack: ExitStack) -> None:
    """Begin a transaction when nobody writes. Asking less often than the others, it lets them go first."""
    deadline = time.monotonic() + settings.CRM_LOCK_SECONDS
    while True:
        try:
            with without_waiting():
                stack.enter_context(transaction.atomic())
            return
        except OperationalError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
        time.sleep(PAUSE)


def is_busy(error: OperationalError) -> bool:
    cause = error.__cause__
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
