"""销售漏斗."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import F
from django.db.models.expressions import Combinable
from django.utils import timezone

from accounts.departments import exact_department_choice
from accounts.models import Department, User
from customers.models import Customer
from kit.domain.days import format_day
from kit.domain.urls import page_url
from kit.pages.lists import Column
from marketing.filters import UNFILLED
from marketing.models import Opportunity
from marketing.models.rows import OpportunityQuerySet
from reports.figure_cells import DASH, in_readable_unit
from reports.report_parts import Chart, Figure, Kpi, Report, ReportTable, Series

from ..filters import ScopeForm, chosen_period, filter_by_person
from ..periods import Period, month_period
from ..queries import pipeline
from ..queries.pipeline import OWNER, SMALL_SAMPLE, Figures, Forecast, Group, MonthLine, PipelineCriteria
from ..report_page import ReportPage

STATUS = Opportunity.Status
BARS = 12


@dataclass(frozen=True)
class Basis:
    """One way of grouping. parameter: of the opportunity list's filter."""

    label: str
    expression: Combinable
    parameter: str


BASES = {
    "month": Basis("按状态和月份", F("status"), "status"),
    "source": Basis("按来源", F("source"), "source"),
    "introducer": Basis("按介绍客户", F("introduced_by"), "introducer"),
    "person": Basis("按人员", OWNER, "keeper"),
    "department": Basis("按部门", OWNER, "department"),
}


class PipelineForm(ScopeForm):
    scope = "marketing.view_opportunity"
    by = forms.ChoiceField(label="报表方式", choices=[(key, basis.label) for key, basis in BASES.items()])
    field_order = ["by", "year", "department", "manager"]

    def default_values(self) -> dict[str, str]:
        return {**super().default_values(), "by": "month"}

    def prepare(self) -> None:
        if not self.user.has_perm("reports.view_reports"):  # only their own opportunities: nobody to choose
            for name in ("department", "manager"):
                del self.fields[name]
        super().prepare()

    def years(self) -> list[int]:
        return pipeline.cached_years(self.user)


class PipelineReport(ReportPage):
    title, help = "销售漏斗", "report-pipeline"
    permission = "reports.view_pipeline"
    form_class = PipelineForm
    tab_field = "by"
    empty_text = "还没有销售机会。"

    # Rows

    @property
    def only_own(self) -> bool:
        return not self.request.user.has_perm("reports.view_reports")

    def rows(self, values: dict[str, Any]) -> OpportunityQuerySet:
        rows = Opportunity.objects.visible_to(self.request.user)
        if self.only_own:
            return rows.filter(rows.belonging_to(self.request.user))
        if values["manager"] or values["department"]:
            people = filter_by_person(User.objects.all(), "pk", values)
            rows = rows.filter(rows.of_people(frozenset(people.values_list("pk", flat=True))))
        return rows

    @cached_property
    def list_filters(self) -> dict[str, Any]:
        """Return the filters that the opportunity list has too."""
        values = self.form.cleaned_data
        filters = {"keeper": values.get("manager"), "department": values.get("department"), "own": int(self.only_own)}
        return {name: value for name, value in filters.items() if value}

    def behind(self, **conditions: Any) -> str:
        query = urlencode({"status": "all", **self.list_filters, **conditions, "total": 1})
        return f"{page_url('marketing:opportunity_list')}?{query}"

    def ended(self, status: str, period: Period, **conditions: Any) -> str:
        return self.behind(status=status, closed_from=period.first, closed_to=period.last, **conditions)

    # The report

    def report(self, values: dict[str, Any]) -> Report:
        rows = self.rows(values)
        period = chosen_period(values, [int(key) for key, _ in self.form.fields["year"].choices[1:]])
        by = values["by"] or "month"
        basis, today = BASES[by], timezone.localdate()
        criteria = PipelineCriteria(period, basis.expression, today, monthly=by == "month")
        figures = pipeline.cached_figures(self.request.user, rows, criteria)
        group_by_value = {key: replace(group) for key, group in figures.groups.items()}
        total = pipeline.total(group_by_value.values())
        if not group_by_value and not rows.exists():
            return Report(empty=True)
        report = Report(
            facts=[
                f"{format_day(period.first, 'long')}至{format_day(min(period.last, today), 'long')}",
                "进行中的机会按今天的情况，金额为预计金额",
                "只含您自己的机会" if self.only_own else "归属按今天的负责人，未指派的按创建人",
            ],
            kpis=self.tiles(figures, period, total),
        )
        if by == "month":
            self.add_months(report, figures, period, group_by_value, total)
        else:
            ordered = self.label_groups(by, group_by_value)
            report.charts = [weighted_chart(basis, ordered)]
            report.tables = [self.groups_table(basis, ordered, total, period)]
        return report

    def tiles(self, figures: Figures, period: Period, total: Group) -> list[Kpi]:
        days_to_win, days_to_lose = figures.took[STATUS.WON], figures.took[STATUS.LOST]
        rate = DASH if total.rate is None else str(total.rate)
        note = f"成功 {total.won}，失败 {total.lost}" + ("，样本少于 5，仅供参考" if total.is_small_sample else "")
        without = f"，{total.without_amount} 个没有填写金额" if total.without_amount else ""
        amount = in_readable_unit(total.amount)
        won = self.ended(STATUS.WON, period)
        return [
            Kpi("进行中", f"{total.open:,}", "个", f"预计 {amount.value} {amount.unit}{without}", self.behind(open=1)),
            Kpi("加权金额", *in_readable_unit(total.weighted), "Σ 预计金额 × 成功机率", self.behind(open=1)),
            Kpi("成功率", rate, "" if total.rate is None else "%", note, won if total.closed else "", of="开发成功"),
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

    def add_months(
        self, report: Report, figures: Figures, period: Period, group_by_value: dict[Any, Group], total: Group
    ) -> None:
        lines, forecasts = figures.months, figures.forecasts
        report.charts = [months_chart(lines), forecast_chart(forecasts)] if forecasts else [months_chart(lines)]
        report.tables = [
            self.states_table(group_by_value, period),
            self.months_table(lines, total),
            self.forecast_table(forecasts),
        ]

    def states_table(self, group_by_value: dict[Any, Group], period: Period) -> ReportTable:
        rows = []
        for status in STATUS:
            group = group_by_value.get(status.value, Group(status.value))
            group.label = status.label
            rows.append(group)

        def count_behind(group: Group) -> str:
            return self.behind(status=group.key) if group.key in Opportunity.OPEN else self.ended(group.key, period)

        columns = (
            Column("状态", "label", css="m-t"),
            Figure("机会", lambda group: group.open or group.closed, url=count_behind),
            Figure("预计金额（元）", open_sum("amount"), kind="money", url=count_behind),
            Figure("加权金额（元）", open_sum("weighted"), kind="money", url=count_behind),
        )
        note = "未分配和已指派是现在的数量，开发成功和开发失败是这段时间结束的"
        return ReportTable("按状态", columns, rows, note=note)

    def months_table(self, lines: list[MonthLine], total: Group) -> ReportTable:
        def created(status: str) -> Callable[[MonthLine], str]:
            return lambda line: self.behind(
                status=status, created_from=line.first, created_to=month_period(line.first).last
            )

        def closed(status: str) -> Callable[[MonthLine], str]:
            return lambda line: self.ended(status, month_period(line.first))

        columns = (
            Column("月份", lambda line: format_day(line.first, "month"), css="m-t nw"),
            Figure("当月新建", "created", url=created("all")),
            Figure("现未分配", "unassigned", url=created(STATUS.UNASSIGNED)),
            Figure("现已指派", "assigned", url=created(STATUS.ASSIGNED)),
            Figure("现开发成功", "became_won", url=created(STATUS.WON)),
            Figure("现开发失败", "became_lost", url=created(STATUS.LOST)),
            Figure("当月成功", "won", url=closed(STATUS.WON)),
            Figure("当月失败", "lost", url=closed(STATUS.LOST)),
            Figure("成功率", "rate", kind="percent", of="当月成功"),
            Column("", small_sample_note, html=small_sample_note, css="mute nw"),
        )
        note = "前五列按创建月份，看它们今天的状态；后三列按结束月份"
        return ReportTable("按月份", columns, lines, note=note)

    def forecast_table(self, forecasts: list[Forecast]) -> ReportTable:
        def promised(line: Forecast) -> str:
            return self.behind(forecast=line.first)

        def came(line: Forecast) -> str:
            return self.ended(STATUS.WON, month_period(line.first))

        columns = (
            Column("月份", lambda line: format_day(line.first, "month"), css="m-t nw"),
            Figure("预计成交的机会", "count", url=promised),
            Figure("预计金额（元）", "amount", kind="money", url=promised),
            Figure("加权预测（元）", "weighted", kind="money", url=promised),
            Figure("当月成功", "won", url=came),
            Figure("实际（元）", "came", kind="money", url=came),
            Figure("实际 ÷ 加权预测", "hit", kind="percent", of="实际（元）"),
        )
        note = "预测按月初时的金额、机率和成交日期（含后来更改过的）；实际为当月开发成功的机会的预计金额"
        return ReportTable("过去的预测与实际", columns, forecasts, note=note, empty_text="还没有已经过去的月份。")

    # By source, introducing customer, person, department

    def label_groups(self, by: str, group_by_value: dict[Any, Group]) -> list[Group]:
        if by == "department":
            return merged_by_department(group_by_value)
        names = {
            "source": lambda keys: {key: key for key in keys},
            "introducer": self.introducer_names,
            "person": lambda keys: {person.pk: person.name for person in User.objects.filter(pk__in=keys)},
        }
        ordered = pipeline.label_groups(group_by_value, names[by], UNFILLED if by == "source" else "没有介绍人")
        for group in ordered:
            group.key = self.filter_value(by, group)
        return ordered

    def introducer_names(self, keys: Iterable[int]) -> dict[int, str]:
        """Return names by key, hiding customers the viewer may not see."""
        visible = Customer.objects.visible_to(self.request.user).filter(pk__in=keys)
        self.numbers = dict(visible.values_list("pk", "number"))
        return dict.fromkeys(keys, "您查看范围以外的客户") | dict(visible.values_list("pk", "name"))

    def filter_value(self, by: str, group: Group) -> str | int | None:
        """Return the value of the opportunity list's filter; None when the group cannot be listed."""
        if group.key in (None, ""):
            return UNFILLED
        return self.numbers.get(group.key) if by == "introducer" else group.key

    numbers: dict[int, str] = {}

    def groups_table(self, basis: Basis, ordered: list[Group], total: Group, period: Period) -> ReportTable:
        def behind(list_url: Callable[..., str]) -> Callable[[Group], str]:
            """Return a function from a group to the URL of its rows; for the total that of all, or ""."""

            def url(group: Group) -> str:
                if group is not total and group.key is None:
                    return ""
                return list_url(**({} if group is total else {basis.parameter: group.key}))

            return url

        is_open = behind(lambda **group: self.behind(open=1, **group))

        def ended(status: str) -> Callable[[Group], str]:
            return behind(lambda **group: self.ended(status, period, **group))

        columns = (
            Column(basis.label.removeprefix("按"), "label", sort="label", css="m-t"),
            Figure("进行中", "open", sort="open", url=is_open),
            Figure("预计金额（元）", "amount", kind="money", sort="amount", url=is_open),
            Figure("加权金额（元）", "weighted", kind="money", sort="weighted", url=is_open),
            Figure("开发成功", "won", sort="won", url=ended(STATUS.WON)),
            Figure("开发失败", "lost", sort="lost", url=ended(STATUS.LOST)),
            Figure("成功率", "rate", kind="percent", sort="rate", of="开发成功"),
            Column("", small_sample_note, html=small_sample_note, css="mute nw"),
        )
        note = "成功率 = 成功 ÷（成功 + 失败），只计这段时间结束的"
        return ReportTable(basis.label, columns, ordered, total=total, note=note, paged=True)


def open_sum(name: str) -> Callable[[Group], Decimal | None]:
    """Return a getter of a sum that only open opportunities have."""
    return lambda group: getattr(group, name) if group.key in Opportunity.OPEN else None


def small_sample_note(row: Group | MonthLine) -> str:
    """Return a note shown when fewer than SMALL_SAMPLE opportunities were closed."""
    closed = row.won + row.lost
    return f"样本少于 {SMALL_SAMPLE}" if 0 < closed < SMALL_SAMPLE else ""


def merged_by_department(group_by_user: dict[Any, Group]) -> list[Group]:
    """Return the groups of people added up by their present department."""
    departments_by_user = dict(User.objects.filter(pk__in=group_by_user).values_list("pk", "department"))
    departments = {department.pk: department for department in Department.objects.all()}
    parents = {department.parent_id for department in departments.values()}
    groups_by_department: dict[int | None, list[Group]] = {}
    for person, group in group_by_user.items():
        groups_by_department.setdefault(departments_by_user.get(person), []).append(group)
    result = []
    for pk, groups in groups_by_department.items():
        total = pipeline.total(groups)
        total.key, total.label = exact_department_choice(pk, parents), departments[pk].name if pk else "没有部门"
        result.append(total)
    return sorted(result, key=lambda group: (-group.won, -group.closed, -group.open, group.label))


def months_chart(lines: list[MonthLine]) -> Chart:
    return Chart(
        title="每月结束的机会",
        categories=[f"{line.first:%Y-%m}" for line in lines],
        series=[
            Series("开发成功", [line.won for line in lines]),
            Series("开发失败", [line.lost for line in lines]),
        ],
        unit="个",
        stacked=True,
    )


def forecast_chart(forecasts: list[Forecast]) -> Chart:
    return Chart(
        title="过去的预测与实际",
        categories=[f"{line.first:%Y-%m}" for line in forecasts],
        series=[
            Series("月初加权预测", [line.weighted for line in forecasts]),
            Series("实际", [line.came for line in forecasts]),
        ],
        unit="万元",
        caption="预测：月初时预计当月成交的机会，预计金额 × 成功机率。实际：当月开发成功的机会的预计金额。",
    )


def weighted_chart(basis: Basis, ordered: list[Group]) -> Chart:
    largest = sorted(ordered, key=lambda group: -group.weighted)[:BARS]
    return Chart(
        title=f"加权金额{basis.label}",
        categories=[group.label for group in largest],
        series=[Series("加权金额", [group.weighted for group in largest])],
        unit="万元",
        caption=f"进行中的机会，预计金额 × 成功机率{f'；前 {BARS} 名' if len(ordered) > BARS else ''}。",
        horizontal=True,
    )
