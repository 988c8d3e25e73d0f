"""Work in the background, timed once: a sync and a scan, rolled back, and the night run, which may be repeated."""

from __future__ import annotations

import tempfile
import time
from datetime import timedelta
from pathlib import Path

ORDERS, LINES = 2000, 20


def measure() -> list[str]:
    """Return lines for the report. Needs Django set up on the database and customers in it."""
    from django.db import transaction

    with tempfile.TemporaryDirectory() as folder, transaction.atomic():
        lines = [*_sync(Path(folder)), _scan()]
        transaction.set_rollback(True)
    return [*lines, _night()]


def _sync(folder: Path) -> list[str]:
    from customers.models import Customer
    from customers.sync.engine import sync

    numbers = list(Customer.objects.order_by("pk").values_list("number", flat=True)[:500])
    past_datetime, mark = "2026-01-02 08:00:00", "BENCH"
    products = [
        "产品编号,名称,单位,单价,changed_at",
        *(f"{mark}{n},产品{n},件,{n}.25,{past_datetime}" for n in range(500)),
    ]
    orders, lines = ["订单编号,客户编号,日期,状态,changed_at"], ["订单编号,行号,产品编号,数量,单价"]
    for n in range(ORDERS):
        orders.append(f"{mark}{n},{numbers[n % len(numbers)]},{past_datetime},已回款,{past_datetime}")
        lines += [f"{mark}{n},{k},{mark}{(n + k) % 500},{k}.125,{n % 90}.3333" for k in range(1, LINES + 1)]
    for name, rows in (("products", products), ("orders", orders), ("order_lines", lines)):
        (folder / f"{name}.csv").write_text("\n".join(rows), encoding="utf-8")
    output = []
    for label in ("首次同步", "没有变化的同步"):
        started = time.perf_counter()
        sync(str(folder))
        took = time.perf_counter() - started
        output.append(f"{took:>8.1f} 秒  {label}：{ORDERS:,} 张订单，{ORDERS * LINES / took:,.0f} 行/秒")
    return output


def _scan() -> str:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from customers.churn.scan import scan_churn
    from customers.models import Customer

    Customer.objects.update(created_at=timezone.now() - timedelta(days=400))
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        result = scan_churn()
    took = time.perf_counter() - started
    customers = Customer.objects.count()
    return f"{took:>8.1f} 秒  流失扫描：{customers:,} 个客户，新增预警 {result.opened:,}，{len(captured)} 条语句"


def _night() -> str:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from customers.insight.nightly import refresh_all
    from customers.models import Customer
    from customers.orders.as_of import orders_as_of
    from customers.orders.rhythm_base import BATCH

    started = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        changed = refresh_all(orders_as_of())
    took = time.perf_counter() - started
    customers = Customer.objects.count()
    each = len(captured) / max(1, -(-customers // BATCH))
    return f"{took:>8.1f} 秒  夜间指标：{customers:,} 个客户，更新 {changed:,}，每 {BATCH:,} 个 {each:.0f} 条语句"
