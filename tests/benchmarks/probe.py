"""One checkout, whatever its version: fill its database, time its pages, count what they do, trace them.

A process of its own, with the checkout as its working folder. It says what to do by URLs and Django's public test
client, and imports of the product only its settings, so that one probe serves every version.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

NOT_FUNCTIONS = ("<module>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>")
FOREIGN = (".venv", "node_modules", "site-packages", "tests")

Visit = dict[str, Any]  # path, person; headers, fields: None when the page is only read


class Pages:
    """The checkout's pages, opened by signed-in test clients."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._statuses: dict[tuple[str, str, bool], int] = {}

    def open(self, visit: Visit) -> int:
        """Return the status of the answer; raise RuntimeError when the page answered with another one before."""
        client, path, headers = self._client(visit["person"]), visit["path"], visit["headers"]
        if visit["fields"] is None:
            status = client.get(path, headers=headers).status_code
        else:
            status = client.post(path, visit["fields"], headers=headers).status_code
        before = self._statuses.setdefault((path, visit["person"], visit["fields"] is None), status)
        if status != before:
            raise RuntimeError(f"{path} 先返回 HTTP {before}，后来返回 HTTP {status}")
        return status

    def _client(self, person: str) -> Any:
        from django.conf import settings
        from django.contrib.auth import get_user_model
        from django.test import Client

        if person not in self._clients:
            client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
            user = get_user_model().objects.get(username=person)
            client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
            self._clients[person] = client
        return self._clients[person]

    def status(self, visits: list[Visit]) -> dict[str, Any]:
        """Warm up; return the last status."""
        return {"status": [self.open(visit) for visit in visits][-1]}

    def times(self, visits: list[Visit]) -> dict[str, Any]:
        """Return milliseconds of the clock and of this process for each visit."""
        clock, own = [], []
        for visit in visits:
            started, started_own = time.perf_counter(), time.process_time()
            self.open(visit)
            own.append((time.process_time() - started_own) * 1000)
            clock.append((time.perf_counter() - started) * 1000)
        return {"clock": clock, "own": own}

    def counts(self, visits: list[Visit]) -> dict[str, Any]:
        """Return the fewest Python calls and SQL statements of a visit: what happens by the clock is left out."""
        half = len(visits) // 2
        gc.collect()
        gc.disable()  # weak references call functions when they go
        try:
            calls = [self._calls(visit) for visit in visits[:half]]
            statements = [self._statements(visit) for visit in visits[half:]]
        finally:
            gc.enable()
        return {"calls": min(calls), "statements": min(statements)}

    def _calls(self, visit: Visit) -> int:
        counter = CallCounter()
        profiled(counter, lambda: self.open(visit))
        return counter.number

    def _statements(self, visit: Visit) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            self.open(visit)
        return len(captured)

    def trace(self, visits: list[Visit]) -> dict[str, Any]:
        """Return status and the project's functions of the last visit, in the order of their first call."""
        *earlier, last = visits
        codes: dict[Any, None] = {}

        def note(frame: Any, event: str, argument: Any) -> None:
            if event == "call":
                codes.setdefault(frame.f_code)

        for visit in earlier:
            self.open(visit)
        statuses: list[int] = []
        profiled(note, lambda: statuses.append(self.open(last)))
        return {"status": statuses[0], "functions": own_functions(codes, Path.cwd().resolve())}


class CallCounter:
    """Counts the Python functions that begin, so that the number says what the page does.

    Left out: a generator that goes on, as the socket decides how often, and the module random, where chance does.
    """

    def __init__(self) -> None:
        self.number = 0
        self._starts: dict[Any, int | None] = {}  # by code: where its function begins

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            if code not in self._starts:
                self._starts[code] = None if code.co_filename == random.__file__ else frame.f_lasti
            self.number += self._starts[code] == frame.f_lasti


def profiled(note: Callable[[Any, str, Any], None], work: Callable[[], Any]) -> None:
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)


def own_functions(codes: Iterable[Any], root: Path) -> list[str]:
    """Return `file:line name` of the functions in the project's files: no libraries, no comprehensions."""
    functions = []
    for code in codes:
        path = Path(code.co_filename)
        if path.is_relative_to(root) and code.co_name not in NOT_FUNCTIONS:
            inside = path.relative_to(root)
            if not set(inside.parts) & set(FOREIGN):
                functions.append(f"{inside}:{code.co_firstlineno} {code.co_qualname}")
    return functions


def add_people(roles: dict[str, str]) -> None:
    """Add the users that are missing, by user name, each with a role by name. Needs Django."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    for username, role in roles.items():
        user, _ = get_user_model().objects.get_or_create(username=username, defaults={"name": role})
        user.groups.add(Group.objects.get(name=role))


def fill(wanted: dict[str, Any]) -> None:
    """Fill the database by the checkout's own migrations and its own builders of data."""
    sys.path.insert(0, str(Path.cwd() / "tests" / "benchmarks"))
    import company
    import trade

    company.prepare(wanted["opportunities"], wanted["customers"], wanted["services"], wanted["password"])
    trade.prepare(wanted["orders"])
    add_people(wanted["roles"])


def serve() -> None:
    """Answer one line of JSON with another until the input ends; whatever else is printed goes to the error output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pages = Pages()
    orders = {"status": pages.status, "times": pages.times, "counts": pages.counts, "trace": pages.trace}
    for line in sys.stdin:
        order = json.loads(line)
        answers.write(json.dumps(orders[order["do"]](order["visits"])) + "\n")
        answers.flush()


def main() -> None:
    import django

    sys.path[0] = str(Path.cwd())  # in place of this file's folder: names mean the checkout's own modules
    django.setup()
    if sys.argv[1:2] == ["fill"]:
        fill(json.loads(sys.argv[2]))
    else:
        serve()


if __name__ == "__main__":
    main()
