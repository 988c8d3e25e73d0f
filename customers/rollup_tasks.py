"""Background work on the revenue rollup: rebuilt by command, checked every night."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts.models import User, notify
from kit.audit.log import log_event
from kit.sql.turns import in_turn

from .churn.version import ChurnChange
from .orders.rollups import (
    RevenueYear,
    delete_old_changes,
    describe_differences,
    in_batches,
    refresh_revenue,
    settle_dates,
)

logger = logging.getLogger("crm.rollups")


def rebuild() -> str:
    """Rebuild in one transaction per batch of customers: reports go on meanwhile, and a killed run can be repeated."""
    changed = 0
    for keys in in_batches(None):
        with in_turn():
            changed += refresh_revenue(keys)
    return f"已按订单重建，更正 {changed} 行。"


def check_nightly() -> str:
    """Correct differences, log them and notify the administrators. Called by the schedule."""
    delete_old_changes()
    ChurnChange.forget()
    if not RevenueYear.objects.exists():
        return rebuild()  # the first night after the migration
    settle_dates()
    texts = describe_differences()
    if not texts:
        return "汇总与订单一致"
    logger.error("rollup and orders differ: %s", "; ".join(texts))
    with transaction.atomic():
        log_event(None, "自检", text="年度汇总与订单不一致", 差异="；".join(texts)[:1000])
        for person in User.objects.administrators():
            notify(person, f"统计报表的年度汇总与订单有 {len(texts)} 处不一致，已按订单更正，请查看审计记录。")
    return f"发现 {len(texts)} 处不一致；{rebuild()}"
