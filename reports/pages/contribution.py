"""客户贡献分析."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html

from accounts.models import User
from customers.records.filters import owners_in_view
from kit.domain.days import format_day
from kit.domain.money import shorten_amount
from kit.domain.urls import page_url, record_url
from kit.lists.columns import Column

from ..figure_cells import signed
from ..forms import ALL, ScopeForm
from ..periods import Period, year_period
from ..queries.contribution import (
    ContributionCriteria,
    ContributionFigures,
    ContributionTotal,
    OwnerBasis,
    contribution_figures,
    load_details,
    sort_rows,
    years,
)
from ..queries.people import ChosenPeople
from ..ranking import RankedCustomer
from ..report_page import ReportPage
from ..report_parts import Chart, Figure, Kpi, PageLink, Report, ReportTable, Series

Row = RankedCustomer | ContributionTotal
COMPANY_SUFFIX = re.compile(r"(股份|集团|责任)?有限(责任)?公司$")


class ContributionForm(ScopeForm):
    name = forms.CharField(label="客户名称", max_length=100)
    follow = forms.ChoiceField(label="归属", choices=OwnerBasis.choices)
    silent = forms.BooleanField(label="含没有订单的客户", widget=forms.CheckboxInput(attrs={"class": "ck"}))
    first = forms.IntegerField(label="只列最前（家）", min_value=1, widget=forms.HiddenInput)  # set by links only
    field_order = ["name", "year", "department", "manager", "follow", "silent"]

    @cached_property
    def known_years(self) -> list[int]:
        return years(self.user)

    def years(self) -> list[int]:
        return self.known_years

    def default_values(self) -> dict[str, str]:
        """Open on the newest year of the data."""
        return {"year": str(self.known_years[0]) if self.known_years else ALL}

    def managers(self, people: frozenset[int] | None) -> QuerySet[User]:
        """Return also people who owned customers once: figures may follow the 客户经理 of the order's date."""
        return owners_in_view(self.user)

    def criteria(self) -> ContributionCriteria:
        values = self.cleaned_data
        year = values["year"] or ALL
        return ContributionCriteria(
            year=None if year == ALL else int(year),
            name=values["name"],
            people=self.people().ids(),
            follow=values["follow"],
            with_silent=values["silent"],
        )


class ContributionReport(ReportPage[ContributionForm]):
    title, help = "客户贡献分析", "report-contribution"
    form_class = ContributionForm
    mirrored = ("orders", "order_lines")
    empty_text = "还没有订单。订单来自销售系统，同步后在这里分析。"

    @staticmethod
    def report(form: ContributionForm, link: PageLink) -> Report:
        figures = contribution_figures(form.user, form.criteria(), form.cleaned_data["first"])
        if figures is None:
            return Report(empty=True)
        links = ContributionLinks(figures.criteria, form.people(), bool(form.cleaned_data["first"]), link)
        note = f"{figures.unranked:,} 家客户的金额为零或负数（退货多于购买），列在最后，不计占比，归入 C 类。"
        return Report(
            facts=facts(figures),
            kpis=tiles(figures, links),
            charts=[pareto(figures)] if figures.largest else [],
            tables=[table(form.user, figures, links)],
            notes=[note] if figures.unranked else [],
        )


@dataclass(frozen=True)
class ContributionLinks:
    """The rows behind the figures. people: as chosen; is_shortened: whether only the first so many are listed."""

    criteria: ContributionCriteria
    people: ChosenPeople
    is_shortened: bool
    link: PageLink

    def first(self, number: int | None) -> str:
        """Return the URL of the table with the first so many customers only; None: with all who ordered."""
        changes = {"silent": None} if number is None else {}
        return self.link(first=number, **changes) + "#table-0"

    def down_to(self, row: Row) -> str:
        return self.first(row.place) if isinstance(row, RankedCustomer) else ""

    def conditions_of_orders(self, period: Period | None) -> dict[str, str]:
        """Return the order list's filters for exactly the orders of a figure."""
        conditions = {"status": "revenue"}
        if period:
            conditions |= {"ordered_from": period.first.isoformat(), "ordered_to": period.last.isoformat()}
        if self.criteria.people is not None:
            conditions |= self.people.chosen()
            if self.criteria.by_date:
                conditions["follow"] = OwnerBasis.AT_ORDER.value
        return conditions

    def orders(self, period: Period | None = None) -> str:
        conditions = self.conditions_of_orders(period or self.whole_period)
        if self.criteria.name:
            conditions["customer"] = self.criteria.name
        return f"{page_url('customers:order_list')}?{urlencode(conditions)}"

    @property
    def whole_period(self) -> Period | None:
        """Return the whole year, as the rollup counts: orders dated tomorrow are in the figure too."""
        return None if self.criteria.year is None else year_period(self.criteria.year)

    def customer_orders(self, row: Row, period: Period | None = None) -> str:
        """Return the URL of a customer's orders in the period, for the total that of all; by default of the year."""
        period = period or self.whole_period
        if row.customer is None:
            return "" if self.is_shortened else self.orders(period)
        url = record_url("customers:customer_orders", row.customer)
        return f"{url}?{urlencode(self.conditions_of_orders(period))}"

    def share(self, positive: int, row: Row) -> str:
        """Return the URL behind a share: a customer's orders; for the total all customers above zero."""
        if row.customer is not None:
            return self.customer_orders(row)
        return self.first(positive) if positive and not self.is_shortened else ""


def name_earlier(figures: ContributionFigures) -> str:
    """Return the name of the period before."""
    if figures.year_before is None:
        return ""
    year = figures.year_before.first.year
    return f"{year} 年" if figures.year_before == year_period(year) else f"{year} 年同期"


def facts(figures: ContributionFigures) -> list[str]:
    days = "至".join(format_day(one, "long") for one in figures.period) if figures.period else "全部年份"
    lines = [days, "订单金额按下单日期计入，退货从当期减去，已取消的不计"]
    if figures.criteria.people is not None:
        lines.append("按下单时的客户经理" if figures.criteria.by_date else "按今天的客户经理")
    return lines


def tiles(figures: ContributionFigures, links: ContributionLinks) -> list[Kpi]:
    ranked, share = figures.ranked, figures.share_of_a
    mean, middle = shorten_amount(figures.mean), shorten_amount(ranked.median)
    growth_note = f"共 {ranked.total_orders:,} 张订单"
    if figures.growth is not None:
        growth_note = f"比 {name_earlier(figures)} {signed(figures.growth, '%')}"
    return [
        Kpi("订单金额合计", *shorten_amount(ranked.total), growth_note, links.orders()),
        Kpi("下单客户", f"{ranked.buyers:,}", "家", f"其中 {ranked.positive:,} 家金额为正", links.first(None)),
        Kpi(
            "户均订单金额",
            *mean,
            f"中位数 {middle.value} {middle.unit}，按金额为正的客户",
            links.first(ranked.positive) if ranked.positive else "",
            of="金额为正的客户",
        ),
        Kpi(
            "贡献 80% 的客户",
            f"{ranked.a_rows:,}",
            f"家 · 占 {share}%" if share is not None else "家",
            f"最大的 1 家占 {ranked.largest_share}%" if ranked.positive else "",
            links.first(ranked.a_rows) if ranked.a_rows else "",
        ),
    ]


def pareto(figures: ContributionFigures) -> Chart:
    ranked, largest = figures.ranked, figures.largest
    return Chart(
        title=f"前 {len(largest)} 名客户与累计占比",
        categories=[shorten_company(row.name) for row in largest],
        series=[
            Series("订单金额", [row.amount for row in largest]),
            Series("累计占比", [row.cumulative for row in largest], line=True, percent=True),
        ],
        unit="万元",
        caption="柱：订单金额（万元）。线：累计占"
        f"全部 {ranked.positive:,} 家客户的比例，虚线为 80%，灰柱为其后的客户。",
        mark=80,
        grey_from=ranked.a_rows,
    )


def shorten_company(name: str) -> str:
    """Return the name as short as a chart has room for."""
    return COMPANY_SUFFIX.sub("", name) or name


def table(user: User, figures: ContributionFigures, links: ContributionLinks) -> ReportTable:
    columns = [
        Column("序号", "place", css="num m-h"),
        Column("客户名称", "name", sort="name", html=name_cell, css="m-t"),
        Column("ABC", "grade", html=grade_cell, css="m-r"),
        Figure("订单金额（元）", "amount", kind="money", sort="amount", url=links.customer_orders),
        Figure("占比", "share", kind="percent", url=partial(links.share, figures.ranked.positive), of="订单金额（元）"),
        Figure("累计占比", "cumulative", kind="percent", url=links.down_to, of="到这一名为止的客户"),
        Figure("订单数", "orders", url=links.customer_orders),
    ]
    if figures.year_before:
        before = f"{name_earlier(figures)}（元）"
        of_year_before = partial(links.customer_orders, period=figures.year_before)
        columns += [
            Figure(before, "before", kind="money", url=of_year_before),
            Figure("增减", "change", kind="change", of=before),
        ]
    return ReportTable(
        "明细",
        tuple(columns),
        figures.rows,
        figures.total,
        note="点客户名看客户，点金额或订单数看构成它的订单",
        paged=True,
        load_details=partial(load_details, user, figures),
        sort_rows=partial(sort_rows, user, figures),
        default_sort="-amount",
    )


def name_cell(row: Row) -> str:
    if row.customer is None:
        return row.name
    return format_html('<a href="{}">{}</a>', record_url("customers:customer_detail", row.customer), row.name)


def grade_cell(row: RankedCustomer) -> str:
    return format_html('<span class="tag">{}</span>', row.grade)
