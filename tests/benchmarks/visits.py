"""A small load client: a closed loop of signed-in visitors over loopback, bounded in count and in time."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple
from urllib.parse import urlencode

HOST = "127.0.0.1"
TIMEOUT = 60  # seconds for one answer


class Answer(NamedTuple):
    status: int
    location: str
    body: bytes
    seconds: float  # from sending to the last byte


class Visitor:
    """One user's browser: keeps cookies, follows nothing."""

    def __init__(self, port: int, cookies: dict[str, str] | None = None) -> None:
        self.port = port
        self.cookies = dict(cookies or {})
        self.connection = HTTPConnection(HOST, port, timeout=TIMEOUT)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._send("GET", path, None, headers or {})

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        token = self.cookies.get("csrftoken", "")
        return self._send("POST", path, urlencode({**fields, "csrfmiddlewaretoken": token}), {})

    def sign_in(self, username: str, password: str) -> None:
        """Sign in through the product's own page; raise RuntimeError when refused."""
        self.get("/login/")
        answer = self.post("/login/", {"username": username, "password": password})
        if answer.status != 302 or "sessionid" not in self.cookies:
            raise RuntimeError(f"登录失败：{username}（HTTP {answer.status}）")

    def twin(self) -> Visitor:
        """Return another connection of the same signed-in user."""
        return Visitor(self.port, self.cookies)

    def _send(self, method: str, path: str, body: str | None, added: Mapping[str, str]) -> Answer:
        headers = {**added, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - began
        for header in response.headers.get_all("Set-Cookie", []):
            if match := re.match(r"([^=]+)=([^;]*)", header):
                self.cookies[match[1]] = match[2]
        return Answer(response.status, response.headers.get("Location", ""), content, seconds)


class Sample(NamedTuple):
    """Times of a run of visits, in milliseconds, and the number of unexpected answers."""

    times: list[float]
    errors: int

    def percentile(self, percent: int) -> float:
        """Return the percentile by nearest rank; 0 when nothing was measured."""
        ordered = sorted(self.times)
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


def merged(samples: Iterable[Sample]) -> Sample:
    samples = list(samples)
    return Sample([taken for sample in samples for taken in sample.times], sum(sample.errors for sample in samples))


def closed_loop(
    visitor: Visitor,
    visit: Callable[[Visitor], Answer],
    is_right: Callable[[Answer], bool],
    *,
    concurrency: int,
    count: int,
    max_seconds: float = 30,
) -> Sample:
    """Run `concurrency` copies of the visitor, each sending its next request when the last answer is read in full."""
    numbers, lock, found = itertools.count(), threading.Lock(), Sample([], 0)
    stop_at = time.perf_counter() + max_seconds

    def work(own: Visitor) -> None:
        nonlocal found
        while next(numbers) < count and time.perf_counter() < stop_at:
            taken = _one(own, visit, is_right)
            with lock:
                found = merged((found, taken))

    threads = [threading.Thread(target=work, args=(visitor.twin(),)) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _one(own: Visitor, visit: Callable[[Visitor], Answer], is_right: Callable[[Answer], bool]) -> Sample:
    try:
        answer = visit(own)
    except (OSError, HTTPException):
        own.connection.close()
        return Sample([], 1)
    return Sample([answer.seconds * 1000], int(not is_right(answer)))
