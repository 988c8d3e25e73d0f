"""客户构成分析."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms

from customers.models import Customer
from kit.domain.days import format_day
from kit.domain.urls import page_url
from kit.lists.columns import Column

from ..figure_cells import DASH, signed
from ..forms import ReportForm
from ..queries.composition import BASES, CompositionFigures, Group, composition_figures
from ..report_page import ReportPage
from ..report_parts import Chart, Figure, Kpi, PageLink, Report, ReportTable, Series


class CompositionForm(ReportForm):
    defaults = {"basis": "level"}
    basis = forms.ChoiceField(label="报表方式", choices=[(key, basis.label) for key, basis in BASES.items()])
    status = forms.ChoiceField(label="客户状态", choices=[("", "全部"), *Customer.Status.choices])


class CompositionReport(ReportPage[CompositionForm]):
    title, help = "客户构成分析", "report-composition"
    form_class = CompositionForm
    tab_field = "basis"
    template_name = "reports/beside.html"
    empty_text = "您的范围里还没有客户。"

    @staticmethod
    def report(form: CompositionForm, link: PageLink) -> Report:
        basis, status = form.cleaned_data["basis"] or "level", form.cleaned_data["status"]
        figures = composition_figures(form.user, basis, status)
        if figures is None:
            return Report(empty=True)
        links = CompositionLinks(basis, status)
        return Report(
            facts=[f"共 {figures.total.customers:,} 家客户", "不含已删除的客户"],
            kpis=tiles(figures, links),
            charts=[chart(basis, figures)],
            tables=[table(basis, figures, links)],
        )


@dataclass(frozen=True)
class CompositionLinks:
    basis: str
    status: str

    def customers(self, group: Group) -> str:
        """Return the URL of a group's customers, for the total that of all."""
        query = {"status": self.status or "all"}
        if group.value:
            query[self.basis] = group.value
        return f"{page_url('customers:customer_list')}?{urlencode(query)}"


def tiles(figures: CompositionFigures, links: CompositionLinks) -> list[Kpi]:
    total, largest, missing = figures.total, figures.largest, figures.missing
    change_note = "上月末没有记录" if total.change is None else f"比上月末 {signed(total.change)} 家"
    share = f"{largest.customers:,} 家，占 {largest.share}%"
    kpis = [
        Kpi("客户", f"{total.customers:,}", "家", change_note, links.customers(total)),
        Kpi("最多的一组", largest.label, "", share, links.customers(largest)),
    ]
    if missing is not None:
        share_note = f"占 {missing.share}%" if total.customers else DASH
        kpis.append(Kpi("未填写", f"{missing.customers:,}", "家", share_note, links.customers(missing)))
    return kpis


def chart(basis: str, figures: CompositionFigures) -> Chart:
    return Chart(
        title=f"客户数量（{BASES[basis].label}）",
        categories=[group.label for group in figures.groups],
        series=[Series("客户数量", [group.customers for group in figures.groups])],
        unit="家",
        horizontal=True,
    )


def table(basis: str, figures: CompositionFigures, links: CompositionLinks) -> ReportTable:
    columns = (
        Column("序号", "place", css="num m-h"),
        Column(BASES[basis].head, "label", css="m-t"),
        Figure("客户数量", "customers", url=links.customers),
        Figure("占比", "share", kind="percent", of="客户数量"),
        Figure("比上月末", "change", kind="delta"),
    )
    day = format_day(figures.month_end)
    has_snapshot = figures.total.last_month is not None
    note = f"比上月末：与 {day} 的记录比较" if has_snapshot else f"{day} 还没有月末记录，下月起可以比较"
    return ReportTable("明细", columns, figures.groups, total=figures.total, note=note)
