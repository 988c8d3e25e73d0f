"""make drill ARGS=load: sixteen people read and four write for a minute, on what `make run` starts by default, and
again while an import of 150,000 rows runs; on SQLite and on PostgreSQL (DRILL_POSTGRES_URL, or this machine's server).

It mounts a disk in memory for each product, so it runs as root.
"""

# ruff: noqa: T201

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg
from outages import PASSWORD, ROOT, TALK, Product, Visitor

READERS, WRITERS = 16, 4
SECONDS, ROWS = 60.0, int(os.environ.get("DRILL_ROWS", "150000"))
MEGABYTES = 1500  # of the disk: the database of so many customers, and what is written ahead
SERVER = os.environ.get("DRILL_POSTGRES_URL", "postgres://root@127.0.0.1:5432")
PEOPLE = (
    "from tests.factories import CustomerFactory, DepartmentFactory, person;from accounts.models import User;"
    "b = person('sales_supervisor', username='boss'); b.set_password('{}'); b.must_change_password = False; b.save();"
    "p = User.objects.get(username='drill'); p.department = b.department = DepartmentFactory(); p.save(); b.save();"
    "[CustomerFactory(manager=p) for _ in range(40)]"
)
PAGES = (
    "/", "/customers/", "/customers/?page=2", "/customers/{}/", "/search/?q=%E6%B5%8B%E8%AF%95",
    "/marketing/opportunities/", "/marketing/development/", "/customers/churn/", "/customers/orders/",
    "/services/archive/", "/services/dispatch/",
    "/reports/contribution/", "/reports/composition/", "/reports/services/", "/reports/churn/", "/reports/pipeline/",
)  # fmt: skip
PERSON = {"gender": "", "position": "科长", "mobile": "", "email": "", "preferred_channel": "", "note": ""}


@dataclass
class Load:
    """People of both kinds, each asking again as soon as they have their answer."""

    product: Product
    kind: int
    customers: list[int]
    asked: list[tuple[str, int, float]] = field(default_factory=list)  # (reads or writes, status, seconds)
    written: list[str] = field(default_factory=list)  # what was answered as saved
    odd: Counter = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, path: str, status: int, began: float) -> None:
        with self.lock:
            self.asked.append((what, status, time.monotonic() - began))
            if status not in (200, 302):
                self.odd[status, what, path.partition("?")[0]] += 1

    def read(self, first: Visitor, number: int) -> None:
        visitor, turn = first.twin(), number
        while not self.stop.is_set():
            turn += 1
            path = PAGES[turn % len(PAGES)].format(self.customers[turn % len(self.customers)])
            began = time.monotonic()
            answer = self.ask(visitor.get, path)
            self.note("reads", PAGES[turn % len(PAGES)], answer, began)
            if not answer:
                visitor = first.twin()

    def write(self, first: Visitor, number: int) -> None:
        """Interactions and contacts in turn; what is refused for a busy database is sent again, as its page offers."""
        visitor, turn = first.twin(), number
        while not self.stop.is_set():
            turn += 1
            page, fields, name = self.form(turn)
            path = f"/customers/{self.customers[turn % len(self.customers)]}/{page}"
            for _ in range(10):
                began = time.monotonic()
                status = self.ask(visitor.post, path, fields)
                self.note("writes", page, status, began)
                if status == 302:
                    with self.lock:
                        self.written.append(name)
                if status not in (0, 503):
                    break
                visitor = first.twin()
            time.sleep(0.2)

    def form(self, turn: int) -> tuple[str, dict[str, str], str]:
        name, own = f"drill {secrets.token_hex(8)}", {"submission": f"{secrets.token_hex(16)}"}
        if turn % 2:
            return "interactions/new/", {**TALK, **own, "kind": str(self.kind), "summary": name}, name
        phone = f"0532-{secrets.randbelow(10**8):08}"
        return "contacts/new/", {**PERSON, **own, "name": name, "office_phone": phone}, name

    @staticmethod
    def ask(send: Callable[..., Any], *words: Any) -> int:
        """The status, 0 for a connection that failed, 401 for somebody suddenly signed out."""
        try:
            answer = send(*words)
        except (OSError, HTTPException):
            return 0
        return 401 if answer.status == 302 and answer.location.startswith("/login") else int(answer.status)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        boss, drill = Visitor(self.product.port), Visitor(self.product.port)
        boss.sign_in("boss", PASSWORD)
        drill.sign_in("drill", PASSWORD)
        threads = [threading.Thread(target=self.read, args=(boss, 7 * n)) for n in range(READERS)]
        threads += [threading.Thread(target=self.write, args=(drill, n)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def times(self, what: str) -> str:
        taken = sorted(seconds for one, _, seconds in self.asked if one == what)
        if not taken:
            return "none"
        late = taken[int(0.95 * (len(taken) - 1))]
        return f"{len(taken)} (median {statistics.median(taken):.2f} s, p95 {late:.2f}, slowest {taken[-1]:.2f})"


def loaded(name: str, product: Product, work: Callable[[], str]) -> bool:
    """Load while the work lasts and a minute at least; says what was answered, and compares it with the rows."""
    kind = "SELECT id FROM basedata_dictionaryentry WHERE category = '交往方式' AND item = '电话'"
    customers = [row[0] for row in product.rows("SELECT id FROM customers_customer ORDER BY id LIMIT 40")]
    load = Load(product, product.rows(kind)[0][0], customers)
    began = time.monotonic()
    with load.flowing():
        said = work()
        time.sleep(max(0.0, began + SECONDS - time.monotonic()))
    found = Counter(
        row[0] for table, column in (("interaction", "summary"), ("contact", "name"))
        for row in product.rows(f"SELECT {column} FROM customers_{table} WHERE {column} LIKE 'drill %'")
    )  # fmt: skip
    lost = sum(one not in found for one in load.written)
    doubled = sum(count > 1 for count in found.values())
    statuses = Counter(status for _, status, _ in load.asked)
    shown = " ".join(f"{status or 'none'}×{count}" for status, count in sorted(statuses.items()))
    print(
        f"{name}: {time.monotonic() - began:.0f} s{said}\n"
        f"  reads {load.times('reads')}, writes {load.times('writes')}\n"
        f"  [{shown}] acknowledged {len(load.written)} lost {lost} doubled {doubled}",
        flush=True,
    )
    for (status, what, path), count in load.odd.most_common(10):
        print(f"  {status or 'no answer'} ×{count}: {what} {path}", flush=True)
    return not lost and not doubled and not set(statuses) - {200, 302} and bool(load.written)


def imported(product: Product, folder: Path) -> str:
    """Import the rows by the command while others work; how long it took, and how many rows stand there after."""
    table = folder / "rows.csv"
    rows = (f"C{n},演练客户{n}有限公司,华北" for n in range(ROWS))
    table.write_text("\n".join(["销售系统客户编号,名称,地区", *rows]), encoding="utf-8")
    words = [sys.executable, "manage.py", "import_customers", str(table), "--manager", "drill"]
    began = time.monotonic()
    ran = subprocess.run(words, cwd=ROOT, env=product.environment, check=False, capture_output=True, text=True)
    count = product.rows("SELECT count(*) FROM customers_customer WHERE deleted_at IS NULL AND name LIKE '演练客户%'")
    if ran.returncode or count[0][0] != ROWS:
        raise RuntimeError(f"the import failed: {ran.stdout[-500:]}{ran.stderr[-500:]}")
    return f", the import of {ROWS} rows took {time.monotonic() - began:.0f} s"


def drills(name: str, folder: Path, url: str) -> bool:
    folder.mkdir()
    product = Product(folder, url, megabytes=MEGABYTES)
    try:
        product.manage("shell", "-v0", "-c", PEOPLE.format(PASSWORD))
        calm = loaded(f"{name}, load", product, lambda: "")
        return loaded(f"{name}, load and an import", product, lambda: imported(product, folder)) and calm
    finally:
        product.close()


@contextmanager
def database() -> Iterator[str]:
    """A database of the drill's own on the server, gone afterwards."""
    name = f"crm_load_{secrets.token_hex(4)}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{SERVER}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(folder: Path) -> bool:
    if os.geteuid():
        print("not run: needs root (a disk in memory is mounted)")
        return False
    good = "sqlite" not in CHOSEN or drills("SQLite", folder / "load-sqlite", "")
    if "postgres" in CHOSEN:
        with suppress(psycopg.OperationalError), database() as url:
            return drills("PostgreSQL", folder / "load-postgres", url) and good
        print("PostgreSQL not measured: no server answers at DRILL_POSTGRES_URL")
        return False
    return good


CHOSEN = os.environ.get("DRILL_DATABASES", "sqlite postgres").split()
