"""What one web process takes on at once, and for how long: a stuck database must not stop everything.

Stands around the application, outside of Django: the URL that tells a load balancer "alive" asks nobody, and the
last threads of a process are kept for it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
from django.db import connections
from psycopg.pq import TransactionStatus

Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]

SPARED = 2  # threads of a process that never wait for the database
STUCK_SECONDS = 2.0  # no slot is free and nothing moved for so long: not a crowd, but a database that does not answer
QUEUE_SECONDS = 1.0  # how long who already waits for a slot bears that nothing moves
CROWD_SECONDS = 20.0  # how long a request of a crowd waits for a slot while others come and go
READY_SECONDS = 2.0  # /readyz has to say "no" soon
TICK = 0.25
PLAIN = [("Content-Type", "text/plain"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
HTML = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"), ("Retry-After", "5")]


class Running:
    """The requests of this process: since when, how long they may wait for the database, on which connection."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: dict[int, tuple[float, float, Any]] = {}

    def begin(self, limit: float) -> None:
        """Note the request of this thread. limit: in seconds; 0: for ever."""
        with self.lock:
            self.requests[threading.get_ident()] = (time.monotonic(), limit, connections["default"])

    def end(self) -> None:
        with self.lock:
            self.requests.pop(threading.get_ident(), None)

    def cut_overdue(self) -> int:
        """Cut off the database for each request that still waits for it past its limit; return how many."""
        now = time.monotonic()
        with self.lock:
            overdue = [own for since, limit, own in self.requests.values() if limit and now - since > limit]
        return sum(cut(own.connection) for own in overdue)


class Slots:
    """Places for requests, given in the order in which they ask; a crowd moves, a stuck database does not."""

    def __init__(self, count: int) -> None:
        self.lock, self.free, self.moved_at = threading.Lock(), count, time.monotonic()
        self.waiting: deque[threading.Event] = deque()

    def take(self) -> bool:
        """Return whether the request may run; False when all stand still, at once or after a while of waiting."""
        with self.lock:
            if self.free:
                self.free, self.moved_at = self.free - 1, time.monotonic()
                return True
            if self.quiet() >= STUCK_SECONDS:
                return False
            turn = threading.Event()
            self.waiting.append(turn)
        return self.wait(turn)

    def wait(self, turn: threading.Event) -> bool:
        began = time.monotonic()
        while not turn.wait(TICK):
            with self.lock:
                waited = time.monotonic() - began
                given_up = waited >= CROWD_SECONDS or min(waited, self.quiet()) >= QUEUE_SECONDS
                if given_up and not turn.is_set():
                    self.waiting.remove(turn)
                    return False
        return True

    def quiet(self) -> float:
        """Return the seconds since a place was last taken or given back, or the database answered anybody."""
        return time.monotonic() - self.moved_at

    def answered(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Around each statement: a page of many is slow on a machine with much to do, but not stuck."""
        result = execute(sql, params, many, context)
        self.moved_at = time.monotonic()
        return result

    def give(self) -> None:
        """Hand the place to whoever has waited longest: a newcomer does not get before them."""
        with self.lock:
            self.moved_at = time.monotonic()
            if self.waiting:
                self.waiting.popleft().set()
            else:
                self.free += 1


def cut(server: object) -> bool:
    """End a PostgreSQL connection whose statement is not answered: its thread gets an error instead of waiting on."""
    if not isinstance(server, psycopg.Connection) or server.closed:
        return False
    if server.info.transaction_status != TransactionStatus.ACTIVE:
        return False
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(server.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
        return True
    return False


class LimitedRequests:
    """The application, within limits of number and time.

    threads: of this process; seconds: how long a request may wait; busy_page: makes what others get meanwhile.
    """

    def __init__(
        self, application: Application, *, threads: int, seconds: float, busy_page: Callable[[], bytes]
    ) -> None:
        self.application, self.seconds, self.busy_page = application, seconds, busy_page
        self.slots = Slots(max(1, threads - SPARED))
        self.running = Running()
        if seconds:
            threading.Thread(target=self.watch, name="overdue requests", daemon=True).start()

    def watch(self) -> None:
        while True:
            time.sleep(TICK)
            self.running.cut_overdue()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/healthz":
            start_response("200 OK", PLAIN)
            return [b"ok"]
        if not self.slots.take():
            start_response("503 Service Unavailable", HTML)
            return [self.busy_page()]
        return Answer(self, path, environ, start_response)


class Answer:
    """One answer; its slot is free again when it is sent or given up."""

    def __init__(self, limited: LimitedRequests, path: str, environ: dict[str, Any], start_response: Start) -> None:
        self.limited, self.open = limited, True
        limited.running.begin(min(READY_SECONDS, limited.seconds) if path == "/readyz" else limited.seconds)
        try:
            with connections["default"].execute_wrapper(limited.slots.answered):
                self.content = limited.application(environ, start_response)
        except BaseException:
            self.free()
            raise
        limited.running.end()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.content)

    def close(self) -> None:
        try:
            close = getattr(self.content, "close", None)
            if close is not None:
                close()
        finally:
            self.free()

    def free(self) -> None:
        if self.open:
            self.open = False
            self.limited.running.end()
            self.limited.slots.give()
