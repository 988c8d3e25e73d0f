"""预警回测: were the alerts worth it, month by month, with the customers behind each figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.html import format_html

from accounts.models import User
from customers.churn.rule import usual_period
from customers.models import BacktestRow
from customers.records.filters import owners_in_view
from kit.domain.days import format_day
from kit.domain.urls import page_url
from kit.lists.columns import Column

from ..figure_cells import DASH
from ..forms import ScopeForm
from ..queries.backtest import (
    BacktestFigures,
    Counts,
    Miss,
    RuleResult,
    backtest_figures,
    largest_misses,
)
from ..queries.people import ChosenPeople
from ..report_page import ReportPage
from ..report_parts import Chart, Figure, Kpi, PageLink, Report, ReportTable, Series

LIGHT_TONES = {"": "sq", "amber": "amber", "red": "red"}
NOTES = [
    "每个月末只用当时已有的订单判断，再看其后 90 天有没有下单；不考虑后来知道的事。",
    "提醒少于 5 次的命中率和找到率显示 —。最近 90 天的月末还不能判断，没有列入。",
]


class BacktestForm(ScopeForm):
    year = None  # type: ignore[assignment]  # left out: always the last twelve month-ends that can be judged

    def default_values(self) -> dict[str, str]:
        return {}

    def managers(self, people: frozenset[int] | None) -> QuerySet[User]:
        """Return also people who owned customers once: the figures follow the 客户经理 of that day."""
        return owners_in_view(self.user)

    def years(self) -> list[int]:
        return []


class BacktestReport(ReportPage[BacktestForm]):
    title, help = "预警回测", "report-backtest"
    crumbs = (("统计报表", ""), ("客户流失分析", "reports:churn"))
    form_class = BacktestForm
    template_name, part = "reports/churn_page.html", "backtest"
    mirrored = ("orders", "order_lines")
    empty_text = "还没有可以判断的月末：客户至少有 4 个下单日，并且月末之后已过 90 天。每月计算一次。"

    @staticmethod
    def report(form: BacktestForm, link: PageLink) -> Report:
        people = form.people()
        figures = backtest_figures(form.user, people)
        if figures is None:
            return Report(empty=True)
        links = BacktestLinks(people, figures.since)
        return Report(
            facts=facts(figures),
            kpis=tiles(figures, links),
            charts=[rates_chart(figures)],
            tables=[
                rules_table(figures, links),
                months_table(figures, links),
                misses_table(largest_misses(form.user, people, figures.since)),
            ],
            notes=NOTES,
        )


def facts(figures: BacktestFigures) -> list[str]:
    return [
        f"{format_day(figures.since)} 至 {format_day(figures.until)}，{len(figures.months)} 个月末",
        "可判断：至少有 4 个下单日的客户",
        "部门和客户经理按当时的归属",
    ]


@dataclass(frozen=True)
class BacktestLinks:
    """The customers behind the figures."""

    people: ChosenPeople
    since: date

    def rows(self, month: Counts | None = None, **conditions: Any) -> str:
        """Return the URL of the rows of one month's end, or of all of them."""
        when = {"month": month.month_end} if month and month.month_end else {"since": self.since}
        query = urlencode({**when, **self.people.chosen(), **conditions})
        return f"{page_url('reports:churn_backtest_rows')}?{query}"

    def column(self, name: str, **conditions: Any) -> Callable[[Counts], str]:
        return lambda month: self.rows(month, **conditions) if getattr(month, name) else ""

    def alerted(self, rule: RuleResult) -> str:
        return self.rows(alert=rule.name) if rule.alerted else ""

    def hit(self, rule: RuleResult) -> str:
        return self.rows(alert=rule.name, gone="yes") if rule.hit else ""

    def missed(self, rule: RuleResult) -> str:
        return self.rows(missed=rule.name) if rule.missed else ""


def tiles(figures: BacktestFigures, links: BacktestLinks) -> list[Kpi]:
    red, six, total = figures.rules["red"], figures.rules["six"], figures.total
    of_ten = DASH if red.precision is None else str((red.precision / 10).quantize(Decimal(1), ROUND_HALF_UP))
    false = red.alerted - red.hit
    each = (Decimal(false) / figures.person_months).quantize(Decimal("0.1"), ROUND_HALF_UP)
    rate = "提醒少于 5 次" if red.precision is None else f"{red.hit} / {red.alerted}，{red.precision}%"
    return [
        Kpi("红灯每亮 10 次，约", of_ten, "次说中", rate, links.hit(red), of="说中"),
        Kpi(
            f"比{six.label}多找到",
            f"{red.hit - six.hit:,}".replace("-", "−"),
            "家次",
            f"{red.hit} 对 {six.hit}，90 天没下单的共 {red.gone}",
            links.hit(red),
            of="红灯说中",
        ),
        Kpi("误报", f"{false:,}", "次", f"后来又下单；每人每月约 {each} 次", links.rows(alert="red", gone="no")),
        Kpi(
            "不看灯也有",
            str(total.base_rate),
            "%",
            f"{total.gone} / {total.eligible:,}，可判断的客户 90 天没下单",
            links.rows(gone="yes"),
            of="其后 90 天没下单",
        ),
    ]


def rates_chart(figures: BacktestFigures) -> Chart:
    rules = list(figures.rules.values())
    return Chart(
        title="命中率和找到率",
        categories=[rule.label for rule in rules],
        series=[
            Series("命中率", [rule.precision for rule in rules]),
            Series("找到率", [rule.recall for rule in rules]),
        ],
        unit="%",
        caption="命中率 = 说中 ÷ 提醒；找到率 = 说中 ÷ 其后 90 天没下单的客户。",
    )


def rules_table(figures: BacktestFigures, links: BacktestLinks) -> ReportTable:
    columns = (
        Column("规则", "label", css="m-t"),
        Figure("提醒", "alerted", url=links.alerted),
        Figure("说中", "hit", url=links.hit),
        Figure("命中率", "precision", kind="percent", of="说中"),
        Figure("漏掉", "missed", url=links.missed),
        Figure("找到率", "recall", kind="percent", of="说中"),
    )
    note = f"命中率 = 说中 ÷ 提醒；找到率 = 说中 ÷ 90 天没下单的 {figures.total.gone:,} 家次"
    return ReportTable(f"和{figures.rules['six'].label}比", columns, list(figures.rules.values()), note=note)


def months_table(figures: BacktestFigures, links: BacktestLinks) -> ReportTable:
    columns = (
        Column("截至", lambda month: format_day(month.month_end) if month.month_end else "合计", css="m-t nw"),
        Figure("可判断", "eligible"),
        Figure("其后 90 天没下单", "gone", url=links.column("gone", gone="yes")),
        Figure("红灯", "red", url=links.column("red", alert="red")),
        Figure("红灯说中", "red_gone", url=links.column("red_gone", alert="red", gone="yes")),
        Figure("红 + 黄", "lit", url=links.column("lit", alert="lit")),
        Figure("红 + 黄说中", "lit_gone", url=links.column("lit_gone", alert="lit", gone="yes")),
        Figure(usual_period(), "six", url=links.column("six", alert="six")),
        Figure(f"{usual_period()}说中", "six_gone", url=links.column("six_gone", alert="six", gone="yes")),
    )
    note = "可判断的客户只记下数量，其余的数字都可以点开"
    return ReportTable("逐月", columns, figures.months, total=figures.total, note=note)


def misses_table(misses: list[Miss]) -> ReportTable:
    columns = (
        Column("客户", "row.customer.name", html=miss_cell, css="m-t"),
        Column("当时的客户经理", "row.manager", css="nw"),
        Column("截至", "row.month_end", css="nw"),
        Column("灯", "row.get_light_display", html=lambda miss: light_cell(miss.row)),
        Column("上次下单", "last", css="nw"),
        Column("为什么没亮红灯", "reason", css="m-full"),
    )
    note = "按累计净额从大到小，每家取最近的一个月末；全部见「漏掉」"
    return ReportTable("红灯漏掉的大客户", columns, misses, note=note, empty_text="没有漏掉的客户。")


def miss_cell(miss: Miss) -> str:
    return format_html('<a href="{}">{}</a>', miss.row.get_absolute_url(), miss.row.customer.name)


def light_cell(row: BacktestRow) -> str:
    return format_html('<span class="st {}">{}</span>', LIGHT_TONES[row.light], row.get_light_display())
