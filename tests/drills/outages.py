"""make drill ARGS=outages: what becomes of acknowledged writes while database, disk and processes fail, and how soon
the product is back without a person.

SQLite and a PostgreSQL cluster of its own; the disks are small tmpfs, so it runs as root.
"""

# ruff: noqa: T201

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "benchmarks"))
from visits import Visitor  # noqa: E402

WRITERS, READERS = 4, 2
CALM, TROUBLE, PATIENCE = 3.0, 12.0, 90.0  # seconds before, during, and until it must be back
PASSWORD = secrets.token_urlsafe(12)
PEOPLE = (
    "from accounts.roles.shipping import ship_roles; from basedata.initial_data import create_initial_entries;"
    "create_initial_entries(); ship_roles();"
    "from tests.factories import CustomerFactory, person;"
    "p = person('account_manager', username='drill'); p.set_password('{}'); p.must_change_password = False; p.save();"
    "[CustomerFactory(manager=p) for _ in range(8)]"
)
TALK = {"kind": "", "summary": "", "on": "2026-01-05", "place": "", "note": "", "details": "", "follow_up_on": ""}


class Cluster:
    """A PostgreSQL server of the drill's own: data on one small disk, its log of writes on another."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self.disk, self.wal = port, folder / "pgdata", folder / "pgwal"
        self.data = self.disk / "main"
        for path in (self.disk, self.wal):
            path.mkdir(exist_ok=True)
        mount(self.disk, 300)
        for path in (folder, self.disk, self.wal):
            shutil.chown(path, "postgres", "postgres")
        bin_folder = max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: int(path.name)) / "bin"
        self.tools = bin_folder
        self.call("initdb", "-A", "trust", "-D", self.data, "-X", self.wal / "log", "--no-sync")
        self.start()
        self.call("createdb", "-h", "127.0.0.1", "-p", str(port), "drill")

    def call(self, tool: str, *words: Any) -> None:
        command = ["runuser", "-u", "postgres", "--", str(self.tools / tool), *map(str, words)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def start(self) -> None:
        own = f"-p {self.port} -c unix_socket_directories='' -c listen_addresses=127.0.0.1 -c fsync=off"
        self.call("pg_ctl", "start", "-w", "-D", self.data, "-o", own, "-l", "/dev/null")

    def restart(self) -> None:
        self.call("pg_ctl", "restart", "-w", "-m", "fast", "-D", self.data)

    def processes(self) -> list[int]:
        server = int((self.data / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(
            ["pgrep", "-P", str(server)], capture_output=True, text=True, check=False
        ).stdout.split()
        return [server, *map(int, children)]

    def signal(self, number: int) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/drill"

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError, OSError):
            self.signal(signal.SIGCONT)
            self.call("pg_ctl", "stop", "-m", "immediate", "-D", self.data)
        unmount(self.disk)


def mount(path: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)], check=True)


def unmount(path: Path) -> None:
    subprocess.run(["umount", "-l", str(path)], check=False, stderr=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """Web, worker and schedule under the product's own supervisor, with one person and eight customers."""

    def __init__(self, folder: Path, url: str = "", *, megabytes: int = 200) -> None:
        self.var, self.port = folder / "var", free_port()
        self.var.mkdir()
        mount(self.var, megabytes)
        self.url = url or f"sqlite:///{self.var}/crm.sqlite3"
        bind = {"CRM_BIND": f"127.0.0.1:{self.port}", "PORT": str(self.port)}
        self.environment = {**os.environ, **bind, "CRM_VAR_DIR": str(self.var), "DATABASE_URL": self.url}
        self.manage("migrate", "-v0")
        self.manage("collectstatic", "--noinput", "-v0")
        self.manage("shell", "-v0", "-c", PEOPLE.format(PASSWORD))
        self.log = (folder / "product.log").open("wb")
        own = {"stdout": self.log, "stderr": self.log, "env": self.environment, "cwd": ROOT}
        self.process = subprocess.Popen([sys.executable, "bin/supervise.py"], **own)
        self.wait_until_up()

    def manage(self, *words: str) -> None:
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, check=True)

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError, HTTPException):
                if Visitor(self.port).get("/readyz").status == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError("the product does not start")

    def rows(self, statement: str) -> list[tuple]:
        if self.url.startswith("sqlite"):
            with sqlite3.connect(self.var / "crm.sqlite3", timeout=20) as database:
                return database.execute(statement).fetchall()
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement).fetchall()

    def kill(self, words: str) -> None:
        """Kill -9 the processes of one line of the Procfile."""
        processes = subprocess.run(["pgrep", "-f", words], capture_output=True, text=True, check=False)
        for process in map(int, processes.stdout.split()):
            with suppress(ProcessLookupError, FileNotFoundError):
                if str(self.var) in Path(f"/proc/{process}/environ").read_text():
                    os.kill(process, signal.SIGKILL)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()
        unmount(self.var)


@dataclass
class Traffic:
    """People who write, people who read, and a load balancer that asks whether it is alive."""

    product: Product
    written: dict[str, float] = field(default_factory=dict)  # summary → when its success was answered
    statuses: dict[int, int] = field(default_factory=dict)
    slowest: float = 0.0
    slowest_health: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: int, seconds: float) -> None:
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.slowest = max(self.slowest, seconds)

    def write(self, number: int, first: Visitor, kind: int, customer: int) -> None:
        visitor, count = first.twin(), 0
        while not self.stop.is_set():
            count += 1
            summary = f"drill {number} {count} {secrets.token_hex(4)}"
            status, seconds = self.ask(visitor, {**TALK, "kind": str(kind), "summary": summary}, customer)
            self.note(status, seconds)
            if status == 302:
                with self.lock:
                    self.written[summary] = time.monotonic()
            else:
                visitor = first.twin()
            time.sleep(0.05 if status == 302 else 0.3)

    def ask(self, visitor: Visitor, fields: dict[str, str], customer: int) -> tuple[int, float]:
        began = time.monotonic()
        try:
            answer = visitor.post(f"/customers/{customer}/interactions/new/", fields)
        except (OSError, HTTPException):
            return 0, time.monotonic() - began
        signed_out = answer.status == 302 and answer.location.startswith("/login")
        return (401 if signed_out else answer.status), time.monotonic() - began

    def read(self, first: Visitor) -> None:
        visitor = first.twin()
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                status = visitor.get("/customers/").status
            except (OSError, HTTPException):
                status, visitor = 0, first.twin()
            self.note(status, time.monotonic() - began)
            time.sleep(0.1)

    def watch_health(self) -> None:
        while not self.stop.is_set():
            began = time.monotonic()
            with suppress(OSError, HTTPException):
                Visitor(self.product.port).get("/healthz")
                self.slowest_health = max(self.slowest_health, time.monotonic() - began)
            time.sleep(0.2)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        first = Visitor(self.product.port)
        first.sign_in("drill", PASSWORD)
        kind = self.product.rows(
            "SELECT id FROM basedata_dictionaryentry WHERE category = '交往方式' AND item = '电话'"
        )
        customers = self.product.rows("SELECT id FROM customers_customer ORDER BY id")
        threads = [
            *(
                threading.Thread(target=self.write, args=(n, first, kind[0][0], customers[n % len(customers)][0]))
                for n in range(WRITERS)
            ),
            *(threading.Thread(target=self.read, args=(first,)) for _ in range(READERS)),
            threading.Thread(target=self.watch_health),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def success_after(self, moment: float) -> float | None:
        with self.lock:
            later = [at for at in self.written.values() if at > moment]
        return min(later) - moment if later else None


def drill(
    name: str, product: Product, begin: Callable[[], None], end: Callable[[], None], *, alive: bool = True
) -> bool:
    """Write, make the trouble, take it away, wait until writing works; compare what was answered with the rows."""
    traffic = Traffic(product)
    with traffic.flowing():
        time.sleep(CALM)
        begin()
        time.sleep(TROUBLE if end is not nothing else 0)
        end()
        moment = time.monotonic()
        while traffic.success_after(moment) is None and time.monotonic() < moment + PATIENCE:
            time.sleep(0.1)
        back = traffic.success_after(moment)
        time.sleep(CALM)
    counts = dict(product.rows("SELECT summary, count(*) FROM customers_interaction GROUP BY summary"))
    lost = sum(summary not in counts for summary in traffic.written)
    doubled = sum(count > 1 for count in counts.values())
    statuses = " ".join(f"{status or 'none'}×{count}" for status, count in sorted(traffic.statuses.items()))
    print(
        f"{name:34} acknowledged {len(traffic.written):5} lost {lost} doubled {doubled} "
        f"back after {'never' if back is None else f'{back:.1f} s'} slowest page {traffic.slowest:.1f} s "
        f"/healthz {traffic.slowest_health:.2f} s  [{statuses}]",
        flush=True,
    )
    bare = traffic.statuses.get(500, 0)
    answers = traffic.slowest <= 10.0 and traffic.slowest_health <= 1.0
    return not lost and not doubled and back is not None and not bare and (answers or not alive)


def nothing() -> None:
    pass


def fill(folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return functions that fill a disk to its last byte and free it."""
    ballast = folder / "ballast"

    def begin() -> None:
        with suppress(OSError), ballast.open("wb", buffering=0) as stream:
            while True:
                stream.write(b"x" * 65536)

    return begin, lambda: ballast.unlink(missing_ok=True)


def hold_lock(product: Product) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return functions that lock the rows of all customers and release them."""
    holder: list[Any] = []

    def begin() -> None:
        if product.url.startswith("sqlite"):
            holder.append(sqlite3.connect(product.var / "crm.sqlite3", isolation_level=None, check_same_thread=False))
            holder[0].execute("PRAGMA busy_timeout = 20000")
            holder[0].execute("BEGIN IMMEDIATE")
        else:
            holder.append(psycopg.connect(product.url))
            holder[0].execute("SELECT 1 FROM customers_customer FOR UPDATE")

    def end() -> None:
        holder[0].rollback()
        holder[0].close()

    return begin, end


def sqlite_drills(folder: Path) -> list[tuple[str, bool]]:
    product = Product(folder)
    try:
        web = "gunicorn crm.wsgi"
        return [
            ("SQLite locked", drill("SQLite: held by another writer", product, *hold_lock(product))),
            ("SQLite disk", drill("SQLite: disk full", product, *fill(product.var))),
            ("SQLite web", drill("SQLite: web killed", product, lambda: product.kill(web), nothing, alive=False)),
        ]
    finally:
        product.close()


def postgres_drills(folder: Path) -> list[tuple[str, bool]]:
    cluster = Cluster(folder, free_port())
    product = None
    try:
        product, web = Product(folder, cluster.url), "gunicorn crm.wsgi"
        freeze = (lambda: cluster.signal(signal.SIGSTOP), lambda: cluster.signal(signal.SIGCONT))
        return [
            ("rows", drill("PostgreSQL: rows held elsewhere", product, *hold_lock(product))),
            ("frozen", drill("PostgreSQL: frozen", product, *freeze)),
            ("restart", drill("PostgreSQL: restarted", product, cluster.restart, nothing)),
            ("disk", drill("PostgreSQL: database disk full", product, *fill(cluster.disk))),
            ("files", drill("PostgreSQL: files disk full", product, *fill(product.var))),
            ("web", drill("PostgreSQL: web killed", product, lambda: product.kill(web), nothing, alive=False)),
            ("worker", background("PostgreSQL: worker killed", product, "db_worker", JOB_DONE)),
            ("schedule", background("PostgreSQL: schedule killed", product, "run_due", DUE_RAN)),
        ]
    finally:
        if product is not None:
            product.close()
        cluster.close()


JOB_DONE = "SELECT count(*) FROM jobs_job WHERE status = 'done'"
DUE_RAN = "SELECT count(*) FROM jobs_duerun WHERE task = 'jobs.rescue' AND finished_at IS NOT NULL"
NEW_JOB = "from kit.jobs.tasks import start_job; start_job('演练', 'tests.drills.outages.work', owner=None)"


def work(job: Any) -> str:
    """The work left to the successor of a killed worker."""
    return "完成"


def background(name: str, product: Product, words: str, done: str) -> bool:
    """Kill a process of the background; its successor does what is due."""
    before = product.rows(done)[0][0]
    product.kill(words)
    started = time.monotonic()
    product.manage("shell", "-v0", "-c", NEW_JOB)
    while product.rows(done)[0][0] <= before and time.monotonic() < started + PATIENCE:
        time.sleep(0.2)
    count = product.rows(done)[0][0] - before
    print(
        f"{name:34} done {count} doubled {max(0, count - 1)} back after {time.monotonic() - started:.1f} s", flush=True
    )
    return count == 1


def run(folder: Path) -> bool:
    if os.geteuid() or not Path("/usr/lib/postgresql").exists():
        print("not run: needs root (small disks are mounted) and PostgreSQL's own programs")
        return False
    results = []
    for part in (sqlite_drills, postgres_drills):
        own = folder / part.__name__
        own.mkdir()
        results += part(own)
    return all(good for _, good in results)
