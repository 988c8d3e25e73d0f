"""Background work on what is kept of orders and customers: rebuilt by command, checked every night."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts.models import User, notify
from kit.audit.log import log_event
from kit.sql.turns import in_turn

from .churn.version import ChurnChange
from .insight.nightly import describe_metric_differences, refresh_all
from .orders.rollups import (
    RevenueYear,
    delete_old_changes,
    describe_differences,
    in_batches,
    refresh_revenue,
    settle_dates,
)
from .search_tasks import describe_search_differences, rebuild_search_texts

logger = logging.getLogger("crm.rollups")


def rebuild() -> str:
    """Rebuild in one transaction per batch of customers: reports go on meanwhile, and a killed run can be repeated."""
    changed = 0
    for keys in in_batches(None):
        with in_turn():
            changed += refresh_revenue(keys)
    return f"已按订单重建，更正 {changed} 行。"


def rebuild_metrics() -> str:
    return f"已重新计算客户指标，更正 {refresh_all()} 个客户。"


def check_nightly() -> str:
    """Correct differences, log them and notify the administrators. Called by the schedule."""
    delete_old_changes()
    ChurnChange.forget()
    results = []
    if texts := describe_search_differences():
        _report("搜索文本与客户资料不一致", f"有 {len(texts)} 个客户的搜索文本与资料不一致，已重建", texts)
        results.append(f"发现 {len(texts)} 个客户的搜索文本不一致；{rebuild_search_texts()}")
    if not RevenueYear.objects.exists():
        return "".join([*results, rebuild()])  # the first night after the migration
    settle_dates()
    if texts := describe_differences():
        _report("年度汇总与订单不一致", f"统计报表的年度汇总与订单有 {len(texts)} 处不一致，已按订单更正", texts)
        results.append(f"发现 {len(texts)} 处不一致；{rebuild()}")
    if texts := describe_metric_differences():
        _report("客户指标与订单不一致", f"客户指标与订单有 {len(texts)} 处不一致，已重新计算", texts)
        results.append(f"发现 {len(texts)} 个客户的指标不一致；{rebuild_metrics()}")
    return "".join(results) or "汇总与订单一致"


def _report(title: str, text: str, differences: list[str]) -> None:
    logger.error("%s: %s", title, "; ".join(differences))
    with transaction.atomic():
        log_event(None, "自检", text=title, 差异="；".join(differences)[:1000])
        for person in User.objects.administrators():
            notify(person, f"{text}，请查看审计记录。")
