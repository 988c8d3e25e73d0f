"""准不准: what the list of 提前预警 says about past alerts, for who may open 预警回测."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from accounts.models import User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from customers.hooks import TrackRecord
from customers.insight.list_figures import alert_version
from customers.orders.versioned_cache import cached
from customers.querysets import CustomerQuerySet
from kit.domain.urls import page_url

from .pages.backtest import BacktestReport
from .queries.backtest import BacktestFigures, backtest_figures
from .queries.contribution import visible_customers_key
from .queries.people import EVERYBODY


def past_alerts(user: User) -> BacktestFigures | None:
    """Return the figures of 预警回测 in view, cached until they, the customers or the orders change."""
    key = ("past alerts", visible_customers_key(user), user_ids_in_scope(user, CustomerQuerySet.view_permission, VIEW))
    return cached(user, key, lambda: backtest_figures(user, EVERYBODY), alert_version)


def describe_past_alerts(user: User) -> TrackRecord | None:
    """Return how often past alerts were right; None without the permission, and under five alerts."""
    figures = past_alerts(user) if user.has_perm(BacktestReport.permission) else None
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
