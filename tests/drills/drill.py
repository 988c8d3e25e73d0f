"""make drill (ARGS="sync scan outages load backup"): kill a running sync and a running scan with -9 at random times,
run them again, compare the result with an undisturbed run; then the outages of outages.py, the load of load.py, and
backups restored and killed on both databases."""

# ruff: noqa: T201

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import load
import outages

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.drills.backup_drill import backup_drill  # noqa: E402

ORDERS, KILLS = 4000, 5
CHECKS = (
    "SELECT count(*), sum(total * 10000000) FROM customers_order",
    "SELECT count(*), sum(quantity * 1000 * unit_price * 10000) FROM customers_orderline",
    "SELECT count(*), count(DISTINCT url) FROM customers_timelineentry WHERE kind = 'order'",
    "SELECT count(*), sum(unit_price) FROM basedata_product",
    "SELECT max(last_purchase_on), count(*) FROM customers_customer",
    "SELECT count(*), count(DISTINCT customer_key) FROM customers_parkedorder",
)


def write_feed(folder: Path) -> None:
    folder.mkdir()
    timestamp = "2026-01-02 08:00:00"
    products = ["产品编号,名称,单位,单价,changed_at", *(f"P{n},产品{n},件,{n}.25,{timestamp}" for n in range(500))]
    orders, lines = ["订单编号,客户编号,日期,状态,changed_at"], ["订单编号,行号,产品编号,数量,单价"]
    for n in range(ORDERS):
        orders.append(f"D{n},C{n % 7},{timestamp},已回款,{timestamp}")
        lines += [f"D{n},{k},P{(n + k) % 500},{k}.125,{n % 90}.3333" for k in range(1, 11)]
    for name, rows in (("products", products), ("orders", orders), ("order_lines", lines)):
        (folder / f"{name}.csv").write_text("\n".join(rows), encoding="utf-8")


def manage(var: Path, *words: str) -> subprocess.Popen:
    environment = {**os.environ, "CRM_VAR_DIR": str(var), "DATABASE_URL": f"sqlite:///{var}/crm.sqlite3"}
    return subprocess.Popen([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def run_command(var: Path, *words: str) -> None:
    if manage(var, *words).wait():
        sys.exit(f"manage.py {words[0]} failed")


def prepare(var: Path, customers: int) -> None:
    """Create a database in which one user owns so many customers, C0, C1, …"""
    var.mkdir(parents=True)
    run_command(var, "migrate", "-v0")
    setup = (
        "from accounts.roles.shipping import ship_roles; from basedata.initial_data import create_initial_entries;"
        "create_initial_entries();"
        "ship_roles(); from tests.factories import person; person('account_manager', username='drill')"
    )
    run_command(var, "shell", "-v0", "-c", setup)
    table = var / "customers.csv"
    rows = ["销售系统客户编号,名称,地区", *(f"C{n},演练客户{n}有限公司,北京" for n in range(customers))]
    table.write_text("\n".join(rows), encoding="utf-8")
    run_command(var, "import_customers", str(table), "--create-regions", "--manager", "drill")


def query(var: Path, *statements: str) -> list:
    with sqlite3.connect(var / "crm.sqlite3", timeout=20) as database:
        return [database.execute(statement).fetchone() for statement in statements]


def expire_lock(var: Path) -> None:
    """Age the lock as if two minutes had passed since the kill."""
    with sqlite3.connect(var / "crm.sqlite3", timeout=20) as database:
        database.execute("UPDATE basedata_syncrun SET heartbeat_at = '2026-01-01 00:00:00' WHERE status = 'running'")


def sync_drill(folder: Path) -> bool:
    feed, calm, rough = folder / "feed", folder / "calm", folder / "rough"
    write_feed(feed)
    for var in (calm, rough):
        prepare(var, customers=6)  # the orders of a seventh wait for their customer
    started = time.monotonic()
    run_command(calm, "sync_sales", str(feed))
    took = time.monotonic() - started
    for _ in range(KILLS):
        kill(rough, took, "sync_sales", str(feed))
        print(f"orders so far: {query(rough, CHECKS[0])[0][0]}")
        expire_lock(rough)
    run_command(rough, "sync_sales", str(feed))
    return same(calm, rough, CHECKS)


SCANNED = 3000
SCAN_CHECKS = (
    "SELECT count(*), count(DISTINCT customer_id), min(status), max(status) FROM customers_churncase",
    "SELECT count(*), count(DISTINCT object_id) FROM audit_auditentry WHERE verb = '流失预警'",
    "SELECT count(*), count(DISTINCT url) FROM customers_timelineentry WHERE kind = 'churn'",
    "SELECT count(*) FROM accounts_notification",
)


def scan_drill(folder: Path) -> bool:
    calm, rough = folder / "calm-scan", folder / "rough-scan"
    for var in (calm, rough):
        prepare(var, SCANNED)
        with sqlite3.connect(var / "crm.sqlite3", timeout=20) as database:
            database.execute("UPDATE customers_customer SET created_at = '2024-01-01 00:00:00'")
    started = time.monotonic()
    run_command(calm, "scan_churn")
    took = time.monotonic() - started
    for _ in range(KILLS):
        kill(rough, took, "scan_churn")
        print(f"cases so far: {query(rough, SCAN_CHECKS[0])[0][0]}")
    run_command(rough, "scan_churn")
    return same(calm, rough, SCAN_CHECKS)


def kill(var: Path, took: float, *words: str) -> None:
    running = manage(var, *words)
    wait = random.uniform(0.2, 0.95) * took
    time.sleep(wait)
    running.kill()
    running.wait()
    print(f"{words[0]} killed after {wait:.2f} s of {took:.2f}, ", end="")


def same(calm: Path, rough: Path, checks: tuple[str, ...]) -> bool:
    expected, actual = query(calm, *checks), query(rough, *checks)
    print(f"undisturbed {expected}\nkilled      {actual}")
    return expected == actual


DRILLS = {"sync": sync_drill, "scan": scan_drill, "outages": outages.run, "load": load.run, "backup": backup_drill}


def main() -> None:
    selected = sys.argv[1:] or list(DRILLS)
    if unknown := set(selected) - set(DRILLS):
        sys.exit(f"no such drill: {', '.join(unknown)}; there are {', '.join(DRILLS)}")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # the database server of outages.py runs as another user
        failed = [name for name in selected if not DRILLS[name](Path(folder))]
    sys.exit(f"not as it should be: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
