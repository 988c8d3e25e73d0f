"""The tiles of 风险金额: the total and its four parts, each leading to its rows, with those of last month's end."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlencode

from customers.insight.alerts import AlertLevel
from customers.models import ChurnCase
from kit.domain.days import format_day
from kit.domain.money import shorten_amount
from kit.domain.urls import page_url

from .queries.risk import PARTS, RiskFigures
from .report_parts import Kpi

LABELS = {
    "red": AlertLevel.RED.label,
    "amber": AlertLevel.AMBER.label,
    "warning": ChurnCase.Status.WARNING.label,
    "deferred": ChurnCase.Status.DEFERRED.label,
}


def risk_tiles(figures: RiskFigures, people: Mapping[str, str] | None = None, name: str = "") -> list[Kpi]:
    """Return the tiles. people, name: the filters of the lists behind them, as the report was asked for."""
    total_before = figures.before.total if figures.before else None
    tiles = [_tile("风险金额", figures.now.total, total_before, rows_behind_total(people or {}, name))]
    for part in PARTS:
        before = getattr(figures.before, part) if figures.before else None
        tiles.append(_tile(LABELS[part], getattr(figures.now, part), before, rows_behind(part, people or {}, name)))
    return tiles


def _tile(label: str, now: Decimal, before: Decimal | None, url: str) -> Kpi:
    return Kpi(label, *shorten_amount(now), f"上月末 {shorten_amount(before)}", url)


def rows_behind_total(people: Mapping[str, str], name: str) -> str:
    """Return the URL of the customers whose 12 个月净额 add up to the total."""
    query = {"at_risk": 1, "sort": "-net_12m", **people, **({"name": name} if name else {})}
    return f"{page_url('customers:customer_list')}?{urlencode(query)}"


def rows_behind(part: str, people: Mapping[str, str], name: str) -> str:
    """Return the URL of the rows whose 12 个月净额 add up to a part."""
    filters = {"at_risk": 1, **people, **({"customer": name} if name else {})}
    if part in AlertLevel.values:
        return f"{page_url('customers:alert_list')}?{urlencode({'level': part, 'paused': 'on', **filters})}"
    return f"{page_url('customers:churn_list')}?{urlencode({'status': part, **filters})}"


def describe_risk(figures: RiskFigures) -> str:
    """Say what the tiles count."""
    return (
        f"风险金额：有提前预警（暂不提醒的也算）、流失预警或暂缓流失的客户，最近 12 个月净额为正的合计，每家只算一次；"
        f"截至 {format_day(figures.as_of, 'long')}；上月末是 {format_day(figures.month_end, 'long')}，"
        "按当时的客户经理。"
    )
