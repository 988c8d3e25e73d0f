"""客户构成分析."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils import timezone

from customers.models import Customer
from kit.domain.days import format_day
from kit.domain.urls import page_url
from kit.pages.lists import Column
from reports.figure_cells import DASH, shares, signed
from reports.report_parts import Chart, Figure, Kpi, Report, ReportTable, Series

from ..forms import ReportForm
from ..queries.composition import BASES, Group, composition, last_month_end
from ..report_page import ReportPage


class CompositionForm(ReportForm):
    defaults = {"basis": "level"}
    basis = forms.ChoiceField(label="报表方式", choices=[(key, basis.label) for key, basis in BASES.items()])
    status = forms.ChoiceField(label="客户状态", choices=[("", "全部"), *Customer.Status.choices])


class CompositionReport(ReportPage):
    title, help = "客户构成分析", "report-composition"
    form_class = CompositionForm
    tab_field = "basis"
    template_name = "reports/beside.html"
    empty_text = "您的范围里还没有客户。"

    def report(self, values: dict[str, Any]) -> Report:
        key, status = values["basis"] or "level", values["status"]
        groups = composition(self.request.user, key, status)
        percentages = shares([group.customers for group in groups])
        for place, (group, share) in enumerate(zip(groups, percentages, strict=True), start=1):
            group.place, group.share = place, share
        total = total_of(groups)
        if not total.customers and not any(group.last_month for group in groups):
            return Report(empty=True)
        return Report(
            facts=[f"共 {total.customers:,} 家客户", "不含已删除的客户"],
            kpis=self.tiles(groups, total),
            charts=[self.chart(key, groups)],
            tables=[self.table(key, groups, total)],
        )

    def behind(self, group: Group) -> str:
        """Return the URL of a group's customers, for the total that of all."""
        values = self.form.cleaned_data
        query = {"status": values["status"] or "all"}
        if group.value:
            query[values["basis"] or "level"] = group.value
        return f"{page_url('customers:customer_list')}?{urlencode(query)}"

    def tiles(self, groups: list[Group], total: Group) -> list[Kpi]:
        largest = max(groups, key=lambda group: group.customers)
        missing = next((group for group in groups if group.label == "未填写"), None)
        change_note = "上月末没有记录" if total.change is None else f"比上月末 {signed(total.change)} 家"
        share = f"{largest.customers:,} 家，占 {largest.share}%"
        tiles = [
            Kpi("客户", f"{total.customers:,}", "家", change_note, self.behind(total)),
            Kpi("最多的一组", largest.label, "", share, self.behind(largest)),
        ]
        if missing is not None:
            share_note = f"占 {missing.share}%" if total.customers else DASH
            tiles.append(Kpi("未填写", f"{missing.customers:,}", "家", share_note, self.behind(missing)))
        return tiles

    def chart(self, key: str, groups: list[Group]) -> Chart:
        return Chart(
            title=f"客户数量（{BASES[key].label}）",
            categories=[group.label for group in groups],
            series=[Series("客户数量", [group.customers for group in groups])],
            unit="家",
            horizontal=True,
        )

    def table(self, key: str, groups: list[Group], total: Group) -> ReportTable:
        end = last_month_end(timezone.localdate())
        columns = (
            Column("序号", "place", css="num m-h"),
            Column(BASES[key].head, "label", css="m-t"),
            Figure("客户数量", "customers", url=self.behind),
            Figure("占比", "share", kind="percent", of="客户数量"),
            Figure("比上月末", "change", kind="delta"),
        )
        has_snapshot = total.last_month is not None
        note = (
            f"比上月末：与 {format_day(end)} 的记录比较"
            if has_snapshot
            else f"{format_day(end)} 还没有月末记录，下月起可以比较"
        )
        return ReportTable("明细", columns, groups, total=total, note=note)


def total_of(groups: list[Group]) -> Group:
    total = Group("", "合计", sum(group.customers for group in groups))
    total.share = sum(group.share for group in groups)
    if groups and groups[0].last_month is not None:
        total.last_month, total.now = sum(group.last_month or 0 for group in groups), sum(group.now for group in groups)
    return total
