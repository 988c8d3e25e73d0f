"""Tiles of an executive's home page: a figure of every report, its last 18 months, and links."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from customers.models import ChurnCase
from customers.orders.filters import REVENUE_STATUS
from customers.orders.trend import SPARKLINE_MONTHS, Bar, build_bars, height_of, month_start_before
from kit.domain.days import add_months, show_day
from kit.domain.money import shorten_amount
from marketing.models import Opportunity

from .figure_cells import DASH, format_figure, percent
from .forms import ALL
from .periods import Period, month_period
from .queries.executive import (
    OpportunityCounts,
    churn_by_month,
    customer_counts,
    losses_up_to_day,
    opportunity_counts,
    requests_by_month,
    requests_up_to_day,
    revenue_by_month,
    revenue_up_to_day,
)
from .queries.risk import risk_figures
from .queries.service import Group
from .report_parts import Kpi, describe_rows_behind
from .risk_tiles import risk_tiles

FEWEST_MONTHS = 6  # with a figure: fewer say nothing about a course
OPPORTUNITIES = "marketing:opportunity_list"


@dataclass
class Trend:
    """A tile. url: the rows behind the figure, report: the page that says more; totals: {first of the month: figure};
    kind: how its months are written (figure_cells.KINDS); same_day: last month's figure up to the same day."""

    label: str
    value: str
    unit: str
    note: str
    url: str
    report: str
    totals: dict[date, Decimal] = field(default_factory=dict)
    kind: str = "count"
    trend_label: str = ""  # how the months are taken, when they are not the figure of each month
    same_day: Decimal | None = None
    of: str = ""  # which rows these are, when the figure is not their count or sum

    @property
    def title(self) -> str:
        return describe_rows_behind("percent", self.of)

    @property
    def has_months(self) -> bool:
        """Say whether enough months have a figure to be drawn."""
        return sum(total > 0 for total in self.totals.values()) >= FEWEST_MONTHS

    @cached_property
    def bars(self) -> list[Bar]:
        """Return the months as bars, each with its formatted figure."""
        mark = self.same_day or Decimal(0)
        return build_bars(self.totals, timezone.localdate(), mark, lambda total: format_figure(self.kind, total))

    @property
    def mark_y(self) -> float | None:
        """Return where the same day of last month stands among the bars."""
        if self.same_day is None:
            return None
        highest = max([*(bar.total for bar in self.bars), self.same_day, Decimal(1)])
        return round(72 - height_of(self.same_day, highest), 1)

    @property
    def caption(self) -> str:
        """Say what is drawn, or why nothing is."""
        if not self.totals:
            return "各机会的预计金额与机率"
        if not self.has_months:
            return f"有数据的月份不足 {FEWEST_MONTHS} 个，先不画"
        if self.trend_label:
            return f"{self.trend_label}，近 {SPARKLINE_MONTHS} 个月；空心 = 今天"
        line = "，短线 = 上月同日" if self.same_day is not None else ""
        return f"近 {SPARKLINE_MONTHS} 个月；空心 = 本月未满{line}"


def executive_tiles(user: User) -> list[Trend]:
    """Return the reports' figures in the user's view, this month against the last."""
    today = timezone.localdate()
    this, last = today.replace(day=1), month_start_before(today, 1)
    span = Period(month_start_before(today, SPARKLINE_MONTHS - 1), month_period(this).last)
    makers: tuple[Callable[..., list[Trend]], ...] = (_orders, _customers, _losses, _requests, _opportunities)
    return [tile for make in makers for tile in make(user, span, this, last)]


def _orders(user: User, span: Period, this: date, last: date) -> list[Trend]:
    totals = revenue_by_month(user, this)
    now, same_day = totals.get(this, Decimal(0)), revenue_up_to_day(user, last, _same_day(last))
    note = _beside(_amount_text(same_day), f"全月 {_amount_text(totals.get(last, Decimal(0)))}", last)
    url = _list_url("customers:order_list", status=REVENUE_STATUS, **_date_range("ordered", this))
    report = f"{reverse('reports:contribution')}?year={this.year}"
    return [Trend("本月订单金额", *shorten_amount(now), note, url, report, totals, "money", same_day=same_day)]


def _same_day(last: date) -> date:
    """Return the day of last month that is called as today; its last day where it is too short."""
    return last.replace(day=min(timezone.localdate().day, monthrange(last.year, last.month)[1]))


def _beside(figure: str, whole: str, last: date) -> str:
    """Say last month's figure up to the same day, which is named, and that of all of it."""
    return f"上月同期（到 {show_day(_same_day(last))}）{figure}，{whole}"


def _list_url(name: str, **conditions: Any) -> str:
    return f"{reverse(name)}?{urlencode(conditions)}"


def _date_range(name: str, first: date, months: int = 1) -> dict[str, date]:
    """Return a list's filters for so many months from this day on."""
    return {f"{name}_from": first, f"{name}_to": add_months(first, months) - timedelta(days=1)}


def _amount_text(amount: Decimal) -> str:
    return str(shorten_amount(amount))


def _customers(user: User, span: Period, this: date, last: date) -> list[Trend]:
    counts = customer_counts(user, span)
    note = f"本月新增 {counts.new.get(this, 0)}，上月 {counts.new.get(last, 0)}"
    url, report = _list_url("customers:customer_list", status=ALL), reverse("reports:composition")
    months = [month_start_before(this, back) for back in range(SPARKLINE_MONTHS)]
    newer = accumulate((counts.new.get(month, Decimal(0)) for month in months), initial=Decimal(0))
    totals = {month: counts.total - since for month, since in zip(months, newer, strict=False)}
    return [Trend("客户", f"{counts.total:,}", "家", note, url, report, totals, "count", "现有客户在每月末有几家")]


def _losses(user: User, span: Period, this: date, last: date) -> list[Trend]:
    months = churn_by_month(user, span)
    now, before = months[-1], months[-2]
    rates = {month.first: month.rate or Decimal(0) for month in months}
    value = DASH if now.rate is None else str(now.rate)
    lost = losses_up_to_day(user, last, _same_day(last))
    same_day = percent(lost, before.normal) or Decimal(0)
    whole = f"全月 {before.lost}（{format_figure('percent', before.rate)}）"
    note = f"本月确认流失 {now.lost}；{_beside(str(lost), whole, last)}"
    url = _list_url("customers:churn_list", status=ALL, counted=1, **_date_range("confirmed", this))
    report = f"{reverse('reports:churn')}?year={this.year}"
    unit = "" if now.rate is None else "%"
    return [Trend("本月流失率", value, unit, note, url, report, rates, "percent", same_day=same_day, of="本月确认流失")]


def _requests(user: User, span: Period, this: date, last: date) -> list[Trend]:
    months = requests_by_month(user, span)
    if months is None:
        return []
    now, before = months.get(this, Group()), months.get(last, Group())
    same_day = requests_up_to_day(user, last, _same_day(last))
    rating = f"满意度 {format_figure('decimal', now.mean)} 星（{now.answers} 条评价）"
    note = f"{_beside(f'{same_day} 件', f'全月 {before.requests} 件', last)}；{rating}"
    totals = {month: Decimal(group.requests) for month, group in months.items()}
    url = _list_url("services:archive", status=ALL, **_date_range("created", this))
    report = f"{reverse('reports:services')}?year={this.year}"
    return [Trend("本月服务请求", f"{now.requests:,}", "件", note, url, report, totals, same_day=Decimal(same_day))]


def _opportunities(user: User, span: Period, this: date, last: date) -> list[Trend]:
    counts = opportunity_counts(user, span)
    total = counts.total
    weighted = Trend(
        "加权销售漏斗",
        *shorten_amount(total.weighted),
        f"进行中 {total.open} 个，预计 {_amount_text(total.amount)}",
        _list_url(OPPORTUNITIES, status=ALL, open=1, total=1),
        reverse("reports:pipeline"),  # no months: what the amounts and rates were then, nobody wrote down
    )
    return [weighted, _wins(counts)]


def _wins(counts: OpportunityCounts) -> Trend:
    lines, rate = counts.months, counts.win_rate
    closed = _date_range("closed", counts.last_months[0].first, len(counts.last_months))
    return Trend(
        "近 12 个月成功率",
        DASH if rate is None else str(rate),
        "" if rate is None else "%",
        f"成功 {counts.won}，结束 {counts.closed}；本月成功 {lines[-1].won}，上月 {lines[-2].won}",
        _list_url(OPPORTUNITIES, status=Opportunity.Status.WON, **closed, total=1),
        reverse("reports:pipeline"),
        {month: rate or Decimal(0) for month, rate in counts.win_rates.items()},
        "percent",
        "每月末往前 12 个月",
        of="开发成功",
    )


def risk_at_a_glance(user: User) -> list[Kpi]:
    """Return 风险金额 with its parts for an executive's home; nothing for users who may not see cases."""
    figures = risk_figures(user)
    return risk_tiles(figures) if figures else []


def executive_tasks(user: User) -> dict[str, Any]:
    """Return for an executive the reports to review and the newest losses in view."""
    from .models import MonthlyReport

    losses = ChurnCase.objects.visible_to(user).filter(status=ChurnCase.Status.CONFIRMED)
    return {
        "to_review": list(MonthlyReport.objects.waiting_for(user).defer("figures").select_related("author")[:10]),
        "newest_losses": list(losses.select_related("customer__manager").order_by("-confirmed_at", "-pk")[:5]),
    }
