"""What the sales system sends: whole feeds in folders, and one order as it is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from basedata.models import SyncRun

HEADS = {
    "products": "产品编号,名称,型号,批次,单位,单价,备注,changed_at",
    "storage": "产品编号,仓库,货位,件数,备注,changed_at",
    "orders": "订单编号,客户编号,日期,送货地址,状态,changed_at",
    "order_lines": "订单编号,行号,产品编号,数量,单位,单价",
}
FEED = {
    "products": ["P1,阀门,A,1,件,2.5,,2026-01-01 08:00:00", "P2,水泵,,,台,,,2026-01-01 08:00:00"],
    "storage": ["P1,北京,1-1,5.125,,2026-01-01 08:00:00"],
    "orders": [
        "D1,C1,2026-01-02 07:30:00,北京,已回款,2026-01-02 08:00:00",
        "D2,C9,2026-01-03,,unpaid,2026-01-03 08:00:00",
    ],
    "order_lines": ["D1,1,P1,1.125,件,2.3333", "D2,1,P2,1,台,100", "D1,2,PX,２,件,10"],
}


def put(folder: Path, **tables: list[str]) -> str:
    """Write a feed of these tables and return its folder."""
    folder.mkdir(exist_ok=True)
    for table, lines in tables.items():
        (folder / f"{table}.csv").write_text("\n".join([HEADS[table], *lines]), encoding="utf-8")
    return str(folder)


def reasons(run: SyncRun) -> str:
    """Return what a run refused, line by line."""
    return "\n".join(f"{row.table} {row.line} {row.key} {row.reason}" for row in run.refusals.all())


ORDER = {
    "number": "S1", "customer_number": "X-9", "ordered_at": datetime(2026, 1, 5, 2, tzinfo=UTC), "address": "",
    "status": "paid", "changed_at": None, "lines": [],
}  # fmt: skip
