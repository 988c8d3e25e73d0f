"""准不准: what the list of 提前预警 says about past alerts, for who may open 预警回测."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from accounts.models import User
from customers.hooks import TrackRecord
from kit.domain.urls import page_url

from .pages.backtest import BacktestReport
from .queries.backtest import backtest_figures
from .queries.people import EVERYBODY


def describe_past_alerts(user: User) -> TrackRecord | None:
    """Return how often past alerts were right; None without the permission, and under five alerts."""
    figures = backtest_figures(user, EVERYBODY) if user.has_perm(BacktestReport.permission) else None
    if figures is None or (precision := figures.rules["red"].precision) is None:
        return None
    red, six = figures.rules["red"], figures.rules["six"]
    of_ten = (precision / 10).quantize(Decimal(1), ROUND_HALF_UP)
    sentences = (
        f"过去 {len(figures.months)} 个月末，红灯亮 {red.alerted:,} 次，其后 90 天真没有下单的 {red.hit:,} 次："
        f"灯每亮 10 次，约 {of_ten} 次说中。",
        f"{six.label}同期提醒 {six.alerted:,} 次，说中 {six.hit:,} 次；90 天没有下单的共 {red.gone:,} 家次。",
    )
    return TrackRecord(sentences, page_url("reports:churn_backtest"))
