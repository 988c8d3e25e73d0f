"""客户流失分析."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html

from accounts.models import User
from customers.churn.filters import UNFILLED
from customers.models import ChurnCase
from customers.orders.filters import REVENUE_STATUS
from customers.records.filters import OWNER_AT_THAT_TIME, owners_in_view
from kit.domain.days import format_day, show_day
from kit.domain.money import shorten_amount
from kit.domain.urls import page_url, record_url
from kit.lists.columns import Column

from ..figure_cells import DASH
from ..forms import ScopeForm
from ..periods import describe_days, month_period, name_months
from ..queries.churn import SMALL_SAMPLE, Loss, MeasureKind, Reason, cached_years, load_cases
from ..queries.churn_rates import Month
from ..queries.churn_report import ChurnFigures, ChurnFilters, FunnelStep, churn_figures, sort_losses
from ..queries.risk import RiskFigures, risk_figures
from ..report_page import ReportPage
from ..report_parts import Chart, Figure, Kpi, PageLink, Report, ReportTable, Series
from ..risk_tiles import describe_risk, risk_tiles


class ChurnForm(ScopeForm):
    name = forms.CharField(label="客户名称", max_length=100)
    follow = forms.ChoiceField(
        label="归属", choices=[("", "今天的客户经理"), (OWNER_AT_THAT_TIME, "确认流失时的客户经理")]
    )
    field_order = ["name", "year", "department", "manager", "follow"]

    def managers(self, people: frozenset[int] | None) -> QuerySet[User]:
        """Return also people who owned customers once: losses may follow the 客户经理 of the confirmation."""
        return owners_in_view(self.user)

    def years(self) -> list[int]:
        return cached_years(self.user)

    def filters(self) -> ChurnFilters:
        values = self.cleaned_data
        return ChurnFilters(self.period(), values["name"], self.people(), values["follow"] == OWNER_AT_THAT_TIME)


class ChurnReport(ReportPage[ChurnForm]):
    title, help = "客户流失分析", "report-churn"
    form_class = ChurnForm
    template_name, part = "reports/churn_page.html", "churn"
    mirrored = ("orders", "order_lines")
    empty_text = "还没有流失预警，也没有确认流失的客户。"

    @staticmethod
    def report(form: ChurnForm, link: PageLink) -> Report:
        filters = form.filters()
        risk = risk_figures(form.user, filters.people, filters.name)
        first: dict[str, Any] = risk_part(risk, filters) if risk else {}
        figures = churn_figures(form.user, filters)
        if figures is None:
            return Report(**first, empty=not risk or not risk.now.total, notes=[ChurnReport.empty_text])
        links = ChurnLinks(filters)
        return Report(
            **first,
            facts=facts(filters),
            kpis=tiles(figures, links),
            charts=[reason_chart(figures.reasons), rate_chart(figures.months), funnel_chart(figures.steps)],
            tables=[
                losses_table(figures, filters.by_owner_then),
                reasons_table(figures.reasons, "流失原因", partial(links.reasons, "lost_kind")),
                reasons_table(figures.competitors, "流向的竞争对手", partial(links.reasons, "competitor")),
                months_table(figures.months, links),
                funnel_table(figures.steps, links),
                measures_table(figures.measures, links),
            ],
        )


def risk_part(risk: RiskFigures, filters: ChurnFilters) -> dict[str, Any]:
    """Return the first tiles of the report: of today, by today's 客户经理, whatever the period."""
    return {"first": risk_tiles(risk, filters.people.chosen(), filters.name), "first_note": describe_risk(risk)}


def facts(filters: ChurnFilters) -> list[str]:
    owner_then = "部门和客户经理按确认流失时的归属（没有确认的按今天的）"
    owner_today = "部门和客户经理按今天的归属"
    basis = owner_then if filters.by_owner_then else owner_today
    return [describe_days(filters.period), "按确认流失的时间计入", basis]


@dataclass(frozen=True)
class ChurnLinks:
    """The rows behind the figures."""

    filters: ChurnFilters

    def cases(self, **conditions: Any) -> str:
        """Return the URL of the churn list with the report's filters and these."""
        query = urlencode({"status": "all", "counted": 1, **self.list_filters, **conditions})
        return f"{page_url('customers:churn_list')}?{query}"

    @cached_property
    def list_filters(self) -> dict[str, str]:
        """Return the filters that the churn list has too."""
        return {"customer": self.filters.name, **self.people} if self.filters.name else self.people

    @cached_property
    def people(self) -> dict[str, str]:
        """Return the filters by people, which the lists have too."""
        follow = {"follow": OWNER_AT_THAT_TIME} if self.filters.by_owner_then else {}
        return {**self.filters.people.chosen(), **follow}

    def of_period(self, name: str, **conditions: Any) -> str:
        """Return the URL of the cases with this date in the period. name: confirmed, opened, closed or measure."""
        period = self.filters.period
        return self.cases(**{f"{name}_from": period.first, f"{name}_to": period.last}, **conditions)

    def reasons(self, parameter: str, *selected: Reason) -> str:
        keys = ",".join(str(reason.key or UNFILLED) for reason in selected)
        return self.of_period("confirmed", **{parameter: keys})

    def month(self, month: Month) -> str:
        first, last = month_period(month.first)
        return self.cases(confirmed_from=first, confirmed_to=last) if month.lost else ""

    def normal(self, month: Month) -> str:
        """Return the URL of the customers that were 正常 when the month began."""
        name = {"name": self.filters.name} if self.filters.name else {}
        query = urlencode({"status": "all", **name, **self.people, "normal_on": month.first})
        return f"{page_url('customers:customer_list')}?{query}" if month.normal else ""

    def step(self, step: FunnelStep) -> str:
        conditions: dict[str, dict[str, Any]] = {
            "measured": {"measured": 1},
            "resolved": {"status": "resolved"},
            "lost": {"lost": 1},
            "won_back": {"status": "won_back"},
            "open": {"status": "open"},
        }
        return self.of_period("opened", **conditions.get(step.name, {}))

    def measures(self, kind: MeasureKind, **conditions: Any) -> str:
        return self.of_period("measure", measure_kind=kind.key, **conditions)


def tiles(figures: ChurnFigures, links: ChurnLinks) -> list[Kpi]:
    losses, reasons, mean = figures.losses, figures.reasons, figures.mean_rate
    confirmed = links.of_period("confirmed")
    first = f"主要原因：{reasons[0].label}，占 {reasons[0].share}%" if reasons else ""
    return [
        Kpi("确认流失", f"{len(losses):,}", "次", f"其中 {figures.later_won_back} 次后来已挽回", confirmed),
        Kpi(
            "平均月流失率",
            DASH if mean is None else str(mean),
            "" if mean is None else "%",
            rate_note(figures.months),
            "" if mean is None else confirmed,
            of="各月确认流失",
        ),
        Kpi("流失客户此前 12 个月订单", *shorten_amount(figures.revenue), first, "#table-0" if losses else ""),
        Kpi(
            "挽回",
            f"{figures.back:,}",
            "次",
            "按挽回的时间计入",
            links.of_period("closed", status=ChurnCase.Status.WON_BACK),
        ),
    ]


def rate_note(months: list[Month]) -> str:
    last = months[-1]
    rate = DASH if last.rate is None else f"{last.rate}%"
    return f"{format_day(last.first, 'month')} {rate}（{last.lost} / {last.normal}）"


# Charts


def reason_chart(reasons: list[Reason]) -> Chart:
    return Chart(
        title="流失原因",
        categories=[reason.label for reason in reasons],
        series=[
            Series("次数", [reason.count for reason in reasons]),
            Series("累计占比", [reason.running for reason in reasons], line=True, percent=True),
        ],
        unit="次",
        caption="柱：确认流失的次数。线：累计占比，虚线为 80%。",
        mark=80,
    )


def rate_chart(months: list[Month]) -> Chart:
    return Chart(
        title="月流失率",
        categories=name_months([month.first for month in months]),
        series=[Series("月流失率", [month.rate for month in months], line=True)],
        unit="%",
        caption="当月确认流失 ÷ 月初状态正常的客户。",
    )


def funnel_chart(steps: list[FunnelStep]) -> Chart:
    return Chart(
        title="预警的去向",
        categories=[step.label for step in steps],
        series=[Series("次数", [step.cases for step in steps])],
        unit="次",
        caption="这段时间里列出的预警，到今天的结果。",
        horizontal=True,
    )


# The confirmed losses


@dataclass(frozen=True)
class LossTotal:
    """The total row of the losses."""

    revenue: Decimal
    case: int = 0  # no case's key
    label: str = "合计"


class LossCells:
    """Names and texts of the losses that are shown, from their cases, which are not cached."""

    def __init__(self) -> None:
        self.cases: dict[int, ChurnCase] = {}

    def load(self, rows: list[Loss]) -> None:
        self.cases = load_cases(rows)

    def value(self, path: str) -> Callable[[Loss | LossTotal], Any]:  # of whatever type the path leads to
        column = Column("", path)
        return lambda loss: column.get(self.cases.get(loss.case))

    def customer(self, loss: Loss | LossTotal) -> str | None:
        if isinstance(loss, LossTotal):
            return loss.label
        case = self.cases.get(loss.case)
        return case.customer.name if case else None

    def customer_html(self, loss: Loss | LossTotal) -> str:
        case = self.cases.get(loss.case)
        if case is None:
            return self.customer(loss) or ""
        return format_html('<a href="{}">{}</a>', case.get_absolute_url(), case.customer.name)

    def reason(self, loss: Loss | LossTotal) -> str | None:
        case = self.cases.get(loss.case)
        return None if case is None else f"{case.lost_kind or '未填写'}：{case.lost_reason}"

    def owner_column(self, by_owner_then: bool) -> Column:
        if by_owner_then:
            return Column("确认时的客户经理", self.value("manager_then.name"), sort="then", css="nw")
        return Column("客户经理", self.value("customer.manager.name"), sort="manager", css="nw")


def losses_table(figures: ChurnFigures, by_owner_then: bool) -> ReportTable:
    cells = LossCells()
    columns = (
        Column("序号", "place", css="num m-h"),
        Column("确认时间", "day", sort="confirmed", css="nw"),
        Column("客户", cells.customer, sort="customer", html=cells.customer_html, css="m-t"),
        cells.owner_column(by_owner_then),
        Column("流失原因", cells.reason, css="m-full"),
        Column("竞争对手", cells.value("competitor")),
        Column("状态", cells.value("get_status_display"), css="nw"),
        Figure("此前 12 个月订单（元）", "revenue", kind="money", sort="revenue", url=orders_before),
    )
    return ReportTable(
        "确认流失的客户",
        columns,
        figures.losses,
        total=LossTotal(figures.revenue) if figures.losses else None,
        note="此前 12 个月订单：到确认之日止，扣除退货",
        paged=True,
        load_details=cells.load,
        sort_rows=partial(sort_losses, figures.losses),
        empty_text="这个范围里没有确认流失的客户。",
    )


def orders_before(loss: Loss | LossTotal) -> str:
    """Return the URL of the orders that count as lost."""
    if isinstance(loss, LossTotal) or not loss.revenue:
        return ""
    query = urlencode({"ordered_from": loss.since, "ordered_to": loss.day, "status": REVENUE_STATUS})
    return f"{record_url('customers:customer_orders', loss.customer)}?{query}"


# The other tables


def reasons_table(reasons: list[Reason], title: str, url: Callable[..., str]) -> ReportTable:
    """Return the table of causes. url: of the losses with these causes."""

    def down_to(reason: Reason) -> str:
        return url(*reasons[: reasons.index(reason) + 1])

    columns = (
        Column(title, "label", css="m-t"),
        Figure("次数", "count", url=url),
        Figure("占比", "share", kind="percent", of="次数"),
        Figure("累计占比", "running", kind="percent", url=down_to, of="到这一项为止的各项"),
    )
    return ReportTable(title, columns, reasons, empty_text="没有记录。")


def months_table(months: list[Month], links: ChurnLinks) -> ReportTable:
    columns = (
        Column(
            "月份",
            lambda month: format_day(month.first, "month"),
            html=lambda month: show_day(month.first, "month"),
            css="m-t nw",
        ),
        Figure("月初正常客户", "normal", url=links.normal),
        Figure("当月流失", "lost", url=links.month),
        Figure("月流失率", "rate", kind="percent", of="当月流失"),
    )
    note = "月流失率 = 当月确认流失 ÷ 月初状态正常的客户"
    return ReportTable("月流失率", columns, months, note=note)


def funnel_table(steps: list[FunnelStep], links: ChurnLinks) -> ReportTable:
    columns = (
        Column("去向", "label", css="m-t"),
        Figure("次数", "cases", url=links.step),
        Figure("占预警", "share", kind="percent", of="次数"),
    )
    return ReportTable("预警的去向", columns, steps, note="这段时间里列出的预警，到今天的结果")


def measures_table(kinds: list[MeasureKind], links: ChurnLinks) -> ReportTable:
    columns = (
        Column("措施类别", "label", css="m-t"),
        Figure("采取过的预警", "cases", url=links.measures),
        Figure("90 天内又下单", "bought", url=lambda kind: links.measures(kind, bought=1) if kind.bought else ""),
        Figure("还在 90 天内", "waiting", url=lambda kind: links.measures(kind, waiting=1) if kind.waiting else ""),
        Figure("见效比例", "rate", kind="percent", of="90 天内又下单"),
        Column("", small_sample_note, html=small_sample_note, css="mute nw"),
    )
    note = "见效比例 = 又下单 ÷ 已可判断的预警（已下单或满 90 天）"
    return ReportTable("哪类暂缓措施带来订单", columns, kinds, note=note, empty_text="这段时间没有采取暂缓措施。")


def small_sample_note(kind: MeasureKind) -> str:
    return f"样本少于 {SMALL_SAMPLE}" if kind.is_small_sample else ""
