"""客户服务分析."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms

from accounts.models import User
from kit.domain.urls import page_url
from kit.lists.columns import Column
from services.requests.filters import NO_CAUSE

from ..figure_cells import DASH, format_figure
from ..forms import ScopeForm
from ..periods import describe_days, month_period
from ..queries.service import (
    BASES,
    CONTENT,
    Basis,
    Complainer,
    Group,
    ServiceFigures,
    ServiceFilters,
    cached_years,
    service_figures,
    visible_numbers,
)
from ..report_page import ReportPage
from ..report_parts import Chart, Figure, Kpi, PageLink, Report, ReportTable, Series

HANDLED = "处理完的请求"


class ServicesForm(ScopeForm):
    scope = "services.view_servicerequest"
    manager = None  # type: ignore[assignment]  # so a form drops a field of its base
    by = forms.ChoiceField(label="报表方式", choices=[(key, basis.label) for key, basis in BASES.items()])
    field_order = ["by", "year", "department"]

    def default_values(self) -> dict[str, str]:
        return {**super().default_values(), "by": "kind"}

    def years(self) -> list[int]:
        return cached_years(self.user)

    def filters(self) -> ServiceFilters:
        values = self.cleaned_data
        return ServiceFilters(self.period(), values["by"] or "kind", values["department"])


class ServicesReport(ReportPage[ServicesForm]):
    title, help = "客户服务分析", "report-services"
    form_class = ServicesForm
    tab_field = "by"
    empty_text = "这段时间没有服务请求。"

    @staticmethod
    def report(form: ServicesForm, link: PageLink) -> Report:
        filters = form.filters()
        figures = service_figures(form.user, filters)
        if figures is None:
            return Report(empty=True)
        only_complaints = BASES[filters.by].only_complaints
        links = ServiceLinks(filters, figures.complaint_kind if only_complaints else None)
        return Report(
            facts=[
                describe_days(filters.period),
                "按创建日期计入，部门按今天的归属",
                "时长为工作时间，不含等待客户回复",
                *(["只含投诉"] if only_complaints else []),
            ],
            kpis=tiles(figures, links),
            charts=[chart(BASES[filters.by], figures.groups)],
            tables=[groups_table(figures, links), repeated_table(form.user, figures, links)],
        )


@dataclass(frozen=True)
class ServiceLinks:
    filters: ServiceFilters
    kind: int | None  # of all requests, where the report counts those of one type

    def requests(self, **conditions: Any) -> str:
        """Return the URL of the archive with the report's filters and these."""
        period, department = self.filters.period, self.filters.department
        list_filters = {"department": department} if department else {}
        days = {"created_from": period.first, "created_to": period.last}
        list_filters |= {"kind": str(self.kind)} if self.kind else {}
        query = urlencode({"status": "all", **days, **list_filters, **conditions})
        return f"{page_url('services:archive')}?{query}"

    def conditions_of(self, group: Group) -> dict[str, Any]:
        """Return the archive's filters for this group's rows."""
        if self.filters.by == "month":
            month = month_period(group.key)
            return {"created_from": month.first, "created_to": month.last}
        if self.filters.by == "person":
            return {"assignee": group.key} if group.key else {"unassigned": 1}
        if self.filters.by == "cause":
            return {"cause": group.key or NO_CAUSE}
        return {"kind": group.key}

    def rows_of(self, total: Group, **conditions: Any) -> Callable[[Group], str]:
        """Return the function from a group to the URL of its rows that match; for the total those of all."""
        return lambda group: self.requests(**({} if group is total else self.conditions_of(group)), **conditions)


def tiles(figures: ServiceFigures, links: ServiceLinks) -> list[Kpi]:
    total, repeated = figures.total, figures.repeated
    rating_note = f"{total.answers} 条评价：客户 {total.by_customer}，客户经理代录 {total.by_manager}"
    most = f"最多 {repeated[0].name} {repeated[0].times} 次" if repeated else "没有投诉两次以上的客户"
    return [
        Kpi("服务数量", f"{total.requests:,}", "件", f"退回重新处理 {total.returns} 次", links.requests()),
        Kpi(
            "平均满意度",
            format_figure("decimal", total.mean),
            "星" * (total.mean is not None),
            rating_note,
            links.requests(rated=1),
            of="有评价的请求",
        ),
        Kpi(
            "满意度 4–5 星",
            DASH if total.content_share is None else str(total.content_share),
            "%" * (total.content_share is not None),
            f"{total.content} / {total.answers} 条评价",
            links.requests(stars_from=CONTENT),
            of="4–5 星的请求",
        ),
        handling_tile(total, links),
        Kpi("重复投诉", f"{len(repeated)}", "家", most, "#table-1"),
    ]


def handling_tile(total: Group, links: ServiceLinks) -> Kpi:
    name = "处理时长中位数"
    if not total.minutes:
        return Kpi(name, DASH, note="还没有处理完的")
    slow = f"90% 的请求在 {format_figure('decimal', total.slow_hours)} 小时内完成"
    return Kpi(name, format_figure("decimal", total.median_hours), "小时", slow, links.requests(handled=1), of=HANDLED)


def chart(basis: Basis, groups: list[Group]) -> Chart:
    is_by_month = basis is BASES["month"]
    return Chart(
        title=f"服务数量{basis.label}",
        categories=[group.label for group in groups],
        series=[
            Series("服务数量", [group.requests for group in groups]),
            Series("4–5 星占比", [group.content_share for group in groups], line=True, percent=True),
        ],
        unit="件",
        caption=f"柱：服务请求的数量。{'线' if is_by_month else '点'}：满意度 4–5 星占评价的比例。",
        joined=is_by_month,
    )


def groups_table(figures: ServiceFigures, links: ServiceLinks) -> ReportTable:
    basis, rows_of = BASES[links.filters.by], partial(links.rows_of, figures.total)
    content, handled = rows_of(stars_from=CONTENT), rows_of(handled=1)
    columns = (
        Column("序号", "place", css="num m-h"),
        Column(basis.head, "label", css="m-t"),
        Figure("服务数量", "requests", url=rows_of()),
        Figure("占比", "share", kind="percent", of="服务数量"),
        Figure("平均满意度", "mean", kind="decimal", of="评价数"),
        Figure("4–5 星占比", "content_share", kind="percent", url=content, of="4–5 星的请求"),
        Figure("评价数", "answers", url=rows_of(rated=1)),
        Figure("其中客户评价", "by_customer", url=rows_of(rated_by="customer")),
        Figure("处理时长中位数（小时）", "median_hours", kind="decimal", url=handled, of=HANDLED),
        Figure("90% 的请求在此时长内完成（小时）", "slow_hours", kind="decimal", url=handled, of=HANDLED),
        Figure("退回", "returns", url=rows_of(returns_from=1)),
    )
    note = "满意度为最后一次评价"
    return ReportTable(basis.label, columns, figures.groups, total=figures.total, note=note)


def repeated_table(user: User, figures: ServiceFigures, links: ServiceLinks) -> ReportTable:
    kind, numbers = figures.complaint_kind, dict[int, str]()

    def complaints(complainer: Complainer) -> str:
        if complainer.customer is None:
            return links.requests(kind=kind, organisation=complainer.name) if kind else ""
        number = numbers.get(complainer.customer)
        return links.requests(kind=kind, of_customer_number=number) if kind and number else ""

    columns = (
        Column("客户", "name", sort="name", css="m-t"),
        Figure("投诉次数", "times", sort="times", url=complaints),
        Column("第一次", "first", sort="first", css="nw"),
        Column("最近一次", "last", sort="last", css="nw"),
    )
    return ReportTable(
        "重复投诉",
        columns,
        figures.repeated,
        note="这段时间里投诉两次以上",
        paged=True,
        load_details=lambda rows: numbers.update(visible_numbers(user, rows)),
        default_sort="-times",
        empty_text="没有投诉两次以上的客户。",
    )
