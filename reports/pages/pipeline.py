"""销售漏斗."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms

from kit.domain.days import format_day, show_day
from kit.domain.money import shorten_amount
from kit.domain.urls import page_url
from kit.lists.columns import Column
from marketing.models import Opportunity
from marketing.opportunities.filters import UNFILLED

from ..figure_cells import DASH
from ..forms import ScopeForm
from ..periods import Period, describe_days, month_period, name_months
from ..queries.pipeline import SMALL_SAMPLE, STATUS, Forecast, Group, MonthLine, cached_years
from ..queries.pipeline_report import (
    BARS,
    BASES,
    Basis,
    PipelineFigures,
    PipelineFilters,
    StateLine,
    pipeline_figures,
    sees_only_own,
)
from ..report_page import ReportPage
from ..report_parts import Chart, Figure, Kpi, PageLink, Report, ReportTable, Series

LIST_PARAMETERS = {"source": "source", "introducer": "introducer", "person": "keeper", "department": "department"}


class PipelineForm(ScopeForm):
    scope = "marketing.view_opportunity"
    by = forms.ChoiceField(label="报表方式", choices=[(key, basis.label) for key, basis in BASES.items()])
    field_order = ["by", "year", "department", "manager"]

    def default_values(self) -> dict[str, str]:
        return {**super().default_values(), "by": "month"}

    def prepare(self) -> None:
        if sees_only_own(self.user):  # nobody to choose
            for name in ("department", "manager"):
                del self.fields[name]
        super().prepare()

    def years(self) -> list[int]:
        return cached_years(self.user)

    def filters(self) -> PipelineFilters:
        return PipelineFilters(self.period(), self.cleaned_data["by"] or "month", self.people())


class PipelineReport(ReportPage[PipelineForm]):
    title, help = "销售漏斗", "report-pipeline"
    permission = "reports.view_pipeline"
    form_class = PipelineForm
    tab_field = "by"
    empty_text = "还没有销售机会。"

    @staticmethod
    def report(form: PipelineForm, link: PageLink) -> Report:
        filters = form.filters()
        figures = pipeline_figures(form.user, filters)
        if figures is None:
            return Report(empty=True)
        links, basis = PipelineLinks(filters, figures.only_own), BASES[filters.by]
        is_by_month = filters.by == "month"
        return Report(
            facts=[
                describe_days(filters.period),
                "进行中的机会按今天的情况，金额为预计金额",
                "只含您自己的机会" if figures.only_own else "归属按今天的负责人，未指派的按创建人",
            ],
            kpis=tiles(figures, links),
            charts=charts_by_month(figures) if is_by_month else [weighted_chart(basis, figures)],
            tables=tables_by_month(figures, links) if is_by_month else [groups_table(basis, figures, links)],
        )


@dataclass(frozen=True)
class PipelineLinks:
    """The rows behind the figures."""

    filters: PipelineFilters
    only_own: bool

    def opportunities(self, **conditions: Any) -> str:
        """Return the URL of the list with the report's filters and these."""
        people, own = self.filters.people, {"own": 1} if self.only_own else {}
        owner = {"keeper": people.manager} if people.manager else {}
        department = {"department": people.department} if people.department else {}
        query = urlencode({"status": "all", **owner, **department, **own, **conditions, "total": 1})
        return f"{page_url('marketing:opportunity_list')}?{query}"

    def ended(self, status: str, period: Period, **conditions: Any) -> str:
        return self.opportunities(status=status, closed_from=period.first, closed_to=period.last, **conditions)

    def state(self, line: StateLine) -> str:
        is_open = line.status in Opportunity.OPEN
        return self.opportunities(status=line.status) if is_open else self.ended(line.status, self.filters.period)

    def created_in_month(self, status: str) -> Callable[[MonthLine], str]:
        return lambda line: self.opportunities(
            status=status, created_from=line.first, created_to=month_period(line.first).last
        )

    def ended_in_month(self, status: str) -> Callable[[MonthLine | Forecast], str]:
        return lambda line: self.ended(status, month_period(line.first))

    def forecast(self, line: Forecast) -> str:
        return self.opportunities(forecast=line.first)

    def open_of(self, total: Group) -> Callable[[Group], str]:
        """Return the function from a group to the URL of its open rows; for the total those of all."""
        return lambda group: self.of_group(total, group, lambda **of: self.opportunities(open=1, **of))

    def ended_of(self, total: Group, status: str) -> Callable[[Group], str]:
        period = self.filters.period
        return lambda group: self.of_group(total, group, lambda **of: self.ended(status, period, **of))

    def of_group(self, total: Group, group: Group, url: Callable[..., str]) -> str:
        """Return url() with the list's filter of this group; "" where it cannot be listed."""
        if group is total:
            return url()
        parameter = LIST_PARAMETERS[self.filters.by]
        return "" if group.key is None else url(**{parameter: UNFILLED if group.key == "" else group.key})


def tiles(figures: PipelineFigures, links: PipelineLinks) -> list[Kpi]:
    total, days_to_win, days_to_lose = figures.total, figures.took[STATUS.WON], figures.took[STATUS.LOST]
    note = f"成功 {total.won}，失败 {total.lost}" + ("，样本少于 5，仅供参考" if total.is_small_sample else "")
    without = f"，{total.without_amount} 个没有填写金额" if total.without_amount else ""
    amount, is_open = shorten_amount(total.amount), links.opportunities(open=1)
    won = links.ended(STATUS.WON, links.filters.period)
    return [
        Kpi("进行中", f"{total.open:,}", "个", f"预计 {amount.value} {amount.unit}{without}", is_open),
        Kpi("加权金额", *shorten_amount(total.weighted), "各机会 预计金额 × 成功机率 之和", is_open),
        Kpi(
            "成功率",
            DASH if total.rate is None else str(total.rate),
            "" if total.rate is None else "%",
            note,
            won if total.closed else "",
            of="开发成功",
        ),
        Kpi(
            "开发成功用时",
            DASH if days_to_win is None else str(days_to_win),
            "" if days_to_win is None else "天",
            f"从创建到结束的中位数；失败 {DASH if days_to_lose is None else days_to_lose} 天",
            won if total.won else "",
            of="开发成功",
        ),
    ]


# By state and month


def charts_by_month(figures: PipelineFigures) -> list[Chart]:
    charts = [funnel_chart(figures.states), months_chart(figures.months)]
    return [*charts, forecast_chart(figures.forecasts)] if figures.forecasts else charts


def tables_by_month(figures: PipelineFigures, links: PipelineLinks) -> list[ReportTable]:
    return [
        states_table(figures.states, links),
        months_table(figures.months, links),
        forecast_table(figures.forecasts, links),
    ]


def states_table(lines: list[StateLine], links: PipelineLinks) -> ReportTable:
    columns = (
        Column("状态", "label", css="m-t"),
        Figure("机会", "opportunities", url=links.state),
        Figure("预计金额（元）", "amount", kind="money", url=links.state),
        Figure("加权金额（元）", "weighted", kind="money", url=links.state),
    )
    note = "未分配和已指派是现在的数量，开发成功和开发失败是这段时间结束的"
    return ReportTable("按状态", columns, lines, note=note)


def months_table(lines: list[MonthLine], links: PipelineLinks) -> ReportTable:
    created, ended = links.created_in_month, links.ended_in_month
    columns = (
        Column(
            "月份",
            lambda line: format_day(line.first, "month"),
            html=lambda line: show_day(line.first, "month"),
            css="m-t nw",
        ),
        Figure("当月新建", "created", url=created("all")),
        Figure("现未分配", "unassigned", url=created(STATUS.UNASSIGNED)),
        Figure("现已指派", "assigned", url=created(STATUS.ASSIGNED)),
        Figure("现开发成功", "became_won", url=created(STATUS.WON)),
        Figure("现开发失败", "became_lost", url=created(STATUS.LOST)),
        Figure("当月成功", "won", url=ended(STATUS.WON)),
        Figure("当月失败", "lost", url=ended(STATUS.LOST)),
        Figure("成功率", "rate", kind="percent", of="当月成功"),
        Column("样本", small_sample_note, html=small_sample_note, css="mute nw"),
    )
    note = "前五列按创建月份，看它们今天的状态；后三列按结束月份"
    return ReportTable("按月份", columns, lines, note=note)


def forecast_table(forecasts: list[Forecast], links: PipelineLinks) -> ReportTable:
    won = links.ended_in_month(STATUS.WON)
    columns = (
        Column(
            "月份",
            lambda line: format_day(line.first, "month"),
            html=lambda line: show_day(line.first, "month"),
            css="m-t nw",
        ),
        Figure("预计成交的机会", "count", url=links.forecast),
        Figure("预计金额（元）", "amount", kind="money", url=links.forecast),
        Figure("加权预测（元）", "weighted", kind="money", url=links.forecast),
        Figure("当月成功", "won", url=won),
        Figure("实际（元）", "came", kind="money", url=won),
        Figure("实际 ÷ 加权预测", "hit", kind="percent", of="实际（元）"),
    )
    note = "预测按月初时的金额、机率和成交日期（含后来更改过的）；实际为当月开发成功的机会的预计金额"
    return ReportTable("过去的预测与实际", columns, forecasts, note=note, empty_text="还没有已经过去的月份。")


def small_sample_note(row: Group | MonthLine) -> str:
    return f"样本少于 {SMALL_SAMPLE}" if row.is_small_sample else ""


def funnel_chart(lines: list[StateLine]) -> Chart:
    open_lines = [line for line in lines if line.status in Opportunity.OPEN]
    return Chart(
        title="进行中的机会",
        categories=[f"{line.label} {line.opportunities:,} 个" for line in open_lines],
        series=[Series("加权金额", [line.weighted for line in open_lines])],
        unit="万元",
        caption="今天的情况：先指派，再开发。加权金额：各机会 预计金额 × 成功机率 之和。",
        horizontal=True,
        empty_text="现在没有填写了金额的进行中的机会。",
    )


def months_chart(lines: list[MonthLine]) -> Chart:
    return Chart(
        title="每月结束的机会",
        categories=name_months([line.first for line in lines]),
        series=[
            Series("开发成功", [line.won for line in lines]),
            Series("开发失败", [line.lost for line in lines]),
        ],
        unit="个",
        stacked=True,
        empty_text="这段时间没有结束的机会。",
    )


def forecast_chart(forecasts: list[Forecast]) -> Chart:
    return Chart(
        title="过去的预测与实际",
        categories=name_months([line.first for line in forecasts]),
        series=[
            Series("月初加权预测", [line.weighted for line in forecasts]),
            Series("实际", [line.came for line in forecasts]),
        ],
        unit="万元",
        caption="预测：月初时预计当月成交的机会，预计金额 × 成功机率。实际：当月开发成功的机会的预计金额。",
        empty_text="已经过去的月份里，没有预计成交的机会，也没有开发成功的机会。",
    )


# By source, introducing customer, person, department


def groups_table(basis: Basis, figures: PipelineFigures, links: PipelineLinks) -> ReportTable:
    total, is_open = figures.total, links.open_of(figures.total)
    columns = (
        Column(basis.label.removeprefix("按"), "label", sort="label", css="m-t"),
        Figure("进行中", "open", sort="open", url=is_open),
        Figure("预计金额（元）", "amount", kind="money", sort="amount", url=is_open),
        Figure("加权金额（元）", "weighted", kind="money", sort="weighted", url=is_open),
        Figure("开发成功", "won", sort="won", url=links.ended_of(total, STATUS.WON)),
        Figure("开发失败", "lost", sort="lost", url=links.ended_of(total, STATUS.LOST)),
        Figure("成功率", "rate", kind="percent", sort="rate", of="开发成功"),
        Column("样本", small_sample_note, html=small_sample_note, css="mute nw"),
    )
    note = "成功率 = 成功 ÷（成功 + 失败），只计这段时间结束的"
    return ReportTable(basis.label, columns, figures.groups, total=total, note=note, paged=True)


def weighted_chart(basis: Basis, figures: PipelineFigures) -> Chart:
    largest, is_cut = figures.heaviest, len(figures.groups) > BARS
    return Chart(
        title=f"加权金额{basis.label}",
        categories=[group.label for group in largest],
        series=[Series("加权金额", [group.weighted for group in largest])],
        unit="万元",
        caption=f"进行中的机会，预计金额 × 成功机率{f'；前 {BARS} 名' if is_cut else ''}。",
        horizontal=True,
    )
