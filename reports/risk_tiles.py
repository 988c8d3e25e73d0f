"""The tiles of 风险金额: the total and its four parts, each leading to its rows, with those of last month's end."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlencode

from customers.insight.alerts import AlertLevel
from customers.models import ChurnCase
from kit.domain.days import format_day
from kit.domain.urls import page_url

from .figure_cells import DASH, in_readable_unit
from .queries.risk import PARTS, RiskFigures
from .report_parts import Kpi

LABELS = {
    "red": AlertLevel.RED.label,
    "amber": AlertLevel.AMBER.label,
    "warning": ChurnCase.Status.WARNING.label,
    "deferred": ChurnCase.Status.DEFERRED.label,
}


def risk_tiles(figures: RiskFigures, filters: Mapping[str, str] | None = None, total_url: str = "") -> list[Kpi]:
    """Return the tiles. filters: of the lists behind them, as the report was asked for."""
    total_before = figures.before.total if figures.before else None
    tiles = [_tile("风险金额", figures.now.total, total_before, total_url)]
    for name in PARTS:
        before = getattr(figures.before, name) if figures.before else None
        tiles.append(_tile(LABELS[name], getattr(figures.now, name), before, rows_behind(name, filters or {})))
    return tiles


def _tile(label: str, now: Decimal, before: Decimal | None, url: str) -> Kpi:
    note = DASH if before is None else " ".join(in_readable_unit(before))
    return Kpi(label, *in_readable_unit(now), f"上月末 {note}", url)


def rows_behind(part: str, filters: Mapping[str, str]) -> str:
    """Return the URL of the rows whose 12 个月净额 add up to a part."""
    if part in AlertLevel.values:
        query = urlencode({"level": part, "paused": "on", "at_risk": 1, **filters})
        return f"{page_url('customers:alert_list')}?{query}"
    return f"{page_url('customers:churn_list')}?{urlencode({'status': part, 'at_risk': 1, **filters})}"


def describe_risk(figures: RiskFigures) -> str:
    """Say what the tiles count."""
    return (
        f"风险金额：有提前预警（暂不提醒的也算）、流失预警或暂缓流失的客户，最近 12 个月净额为正的合计，每家只算一次；"
        f"截至 {format_day(figures.as_of, 'long')}；上月末是 {format_day(figures.month_end, 'long')}，"
        "按当时的客户经理。"
    )
