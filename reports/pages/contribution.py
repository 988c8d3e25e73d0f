"""客户贡献分析."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cached_property
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html

from accounts.models import User
from customers.filters.customers import owners_in_view
from kit.domain.days import format_day
from kit.domain.urls import page_url, record_url
from kit.pages.lists import Column
from reports.figure_cells import change, in_readable_unit, percent, signed
from reports.report_parts import Chart, Figure, Kpi, Report, ReportTable, Series

from ..filters import ScopeForm, chosen_people
from ..forms import ALL
from ..periods import Period, year_period
from ..queries import contribution as query
from ..queries.contribution import ContributionCriteria, OwnerBasis
from ..ranking import RankedCustomer, Ranking
from ..report_page import ReportPage

Row = RankedCustomer | SimpleNamespace  # a customer, or the total row
CHART_CUSTOMERS = 10  # customers of the chart
COMPANY_SUFFIX = re.compile(r"(股份|集团|责任)?有限(责任)?公司$")


class ContributionForm(ScopeForm):
    name = forms.CharField(label="客户名称", max_length=100)
    follow = forms.ChoiceField(label="归属", choices=OwnerBasis.choices)
    silent = forms.BooleanField(label="含没有订单的客户", widget=forms.CheckboxInput(attrs={"class": "ck"}))
    first = forms.IntegerField(label="只列最前（家）", min_value=1, widget=forms.HiddenInput)  # set by links only
    field_order = ["name", "year", "department", "manager", "follow", "silent"]

    @cached_property
    def known_years(self) -> list[int]:
        return query.years(self.user)

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
            people=chosen_people(values),
            follow=values["follow"],
            with_silent=values["silent"],
        )


class ContributionReport(ReportPage):
    title, help = "客户贡献分析", "report-contribution"
    form_class = ContributionForm
    mirrored = ("orders", "order_lines")
    empty_text = "还没有订单。订单来自销售系统，同步后在这里分析。"

    def report(self, values: dict[str, Any]) -> Report:
        self.criteria = self.form.criteria()
        ranked = query.ranking(self.request.user, self.criteria)
        if not len(ranked):
            return Report(empty=True)
        self.before = query.total_in(self.year_before, self.request.user, self.criteria) if self.year_before else None
        unranked = len(ranked) - ranked.positive
        note = f"{unranked:,} 家客户的金额为零或负数（退货多于购买），列在最后，不计占比，归入 C 类。"
        return Report(
            facts=self.facts(),
            kpis=self.kpis(ranked),
            charts=[pareto(ranked, self.names(ranked[:CHART_CUSTOMERS]))] if ranked.positive else [],
            tables=[self.table(ranked)],
            notes=[note] if unranked else [],
        )

    # Period and basis

    @cached_property
    def period(self) -> Period | None:
        """Return the days of the figures; None: all years."""
        return None if self.criteria.year is None else query.part_of_year(self.criteria.year)

    @cached_property
    def year_before(self) -> Period | None:
        return query.year_before(self.period) if self.period else None

    @property
    def earlier(self) -> str:
        """Return the name of the period before."""
        year = self.year_before.first.year
        return f"{year} 年" if self.year_before == year_period(year) else f"{year} 年同期"

    def facts(self) -> list[str]:
        days = "至".join(format_day(one, "long") for one in self.period) if self.period else "全部年份"
        facts = [days, "订单金额按下单日期计入，退货从当期减去，已取消的不计"]
        if self.criteria.people is not None:
            facts.append("按下单时的客户经理" if self.criteria.by_date else "按今天的客户经理")
        return facts

    def kpis(self, ranked: Ranking) -> list[Kpi]:
        total, growth = in_readable_unit(ranked.total), change(ranked.total, self.before)
        average = in_readable_unit(ranked.base / ranked.positive if ranked.positive else None)
        middle = in_readable_unit(ranked.median)
        share = percent(ranked.a_rows, ranked.positive)
        growth_note = f"共 {ranked.total_orders:,} 张订单"
        if growth is not None:
            growth_note = f"比 {self.earlier} {signed(growth, '%')}"
        return [
            Kpi("订单金额合计", *total, growth_note, self.orders_url()),
            Kpi("下单客户", f"{ranked.buyers:,}", "家", f"其中 {ranked.positive:,} 家金额为正", self.first(None)),
            Kpi(
                "户均订单金额",
                *average,
                f"中位数 {middle.value} {middle.unit}，按金额为正的客户",
                self.first(ranked.positive) if ranked.positive else "",
                of="金额为正的客户",
            ),
            Kpi(
                "贡献 80% 的客户",
                f"{ranked.a_rows:,}",
                f"家 · 占 {share}%" if share is not None else "家",
                f"最大的 1 家占 {ranked.largest_share}%" if ranked.positive else "",
                self.first(ranked.a_rows) if ranked.a_rows else "",
            ),
        ]

    # Rows

    def table(self, ranked: Ranking) -> ReportTable:
        columns = [
            Column("序号", "place", css="num m-h"),
            Column("客户名称", "name", sort="name", html=name_cell, css="m-t"),
            Column("ABC", "grade", html=grade_cell, css="m-r"),
            Figure("订单金额（元）", "amount", kind="money", sort="amount", url=self.customer_orders),
            Figure("占比", "share", kind="percent", url=self.share_of(ranked), of="订单金额（元）"),
            Figure("累计占比", "cumulative", kind="percent", url=self.down_to, of="到这一名为止的客户"),
            Figure("订单数", "orders", url=self.customer_orders),
        ]
        if self.year_before:
            before = f"{self.earlier}（元）"
            columns += [
                Figure(before, "before", kind="money", url=self.customer_orders_before),
                Figure("增减", "change", kind="change", of=before),
            ]
        first = self.form.cleaned_data["first"]
        rows = ranked[:first] if first else ranked
        note = "点客户名看客户，点金额或订单数看构成它的订单"
        return ReportTable(
            "明细",
            tuple(columns),
            rows,
            self.first_rows_total(ranked, first) if first else self.total_row(ranked),
            note,
            True,
            load_details=self.load_details,
            sort_rows=self.sorter(rows),
            default_sort="-amount",
        )

    def total_row(self, ranked: Ranking) -> SimpleNamespace:
        return SimpleNamespace(
            name=f"合计 {len(ranked):,} 家",
            customer=None,
            amount=ranked.total,
            share=Decimal("100.0") if ranked.positive else None,
            orders=ranked.total_orders,
            before=self.before,
            change=change(ranked.total, self.before),
        )

    def first_rows_total(self, ranked: Ranking, first: int) -> SimpleNamespace:
        """Return the total row of the first so many customers."""
        amount = sum(ranked.amounts[:first], Decimal(0))
        return SimpleNamespace(
            name=f"前 {min(first, len(ranked)):,} 家",
            customer=None,
            amount=amount,
            share=percent(amount, ranked.base) if ranked.positive else None,
            orders=sum(ranked.orders[:first]),
        )

    def sorter(self, ranked: Sequence[RankedCustomer]) -> Callable[[str], Sequence[RankedCustomer]]:
        def sort(order: str) -> Sequence[RankedCustomer]:
            if order.removeprefix("-") == "name":
                return query.by_name(ranked, order.startswith("-"))
            return ranked[::-1] if order == "amount" else ranked

        return sort

    def names(self, rows: list[RankedCustomer]) -> list[str]:
        """Return short names, as a chart has room for."""
        query.name_rows(rows)
        return [COMPANY_SUFFIX.sub("", row.name) or row.name for row in rows]

    def load_details(self, rows: list[RankedCustomer]) -> None:
        """Set names and the year before on the visible rows."""
        query.name_rows(rows)
        if self.year_before is None:
            return
        before = query.amounts_in(self.year_before, self.request.user, self.criteria, [row.customer for row in rows])
        for row in rows:
            row.before = before.get(row.customer)
            row.change = change(row.amount, row.before)

    # The rows behind a figure

    def first(self, number: int | None) -> str:
        """Return the URL of the table with the first so many customers only; None: with all who ordered."""
        silent = None if number is None else self.request.GET.get("silent")
        return self.query.link(first=number, silent=silent) + "#table-0"

    def down_to(self, row: RankedCustomer) -> str:
        return self.first(row.place)

    def conditions_of_orders(self, period: Period | None) -> dict[str, str]:
        """Return the order list's filters for exactly the orders of a figure."""
        conditions = {"status": "revenue"}
        if period:
            conditions |= {"ordered_from": period.first.isoformat(), "ordered_to": period.last.isoformat()}
        if self.criteria.people is not None:
            values = self.form.cleaned_data
            conditions |= {name: values[name] for name in ("department", "manager") if values[name]}
            if self.criteria.by_date:
                conditions["follow"] = OwnerBasis.AT_ORDER.value
        return conditions

    def orders_url(self, period: Period | None = None) -> str:
        conditions = self.conditions_of_orders(period or self.whole_period)
        if self.criteria.name:
            conditions["customer"] = self.criteria.name
        return f"{page_url('customers:order_list')}?{urlencode(conditions)}"

    @property
    def whole_period(self) -> Period | None:
        """Return the whole year, as the rollup counts: orders dated tomorrow are in the figure too."""
        return None if self.criteria.year is None else year_period(self.criteria.year)

    def customer_orders(self, row: Row) -> str:
        return self.orders_of(row, self.whole_period)

    def customer_orders_before(self, row: Row) -> str:
        return self.orders_of(row, self.year_before)

    def share_of(self, ranked: Ranking) -> Callable[[Row], str]:
        """Return the URL behind a share: a customer's orders; for the total all customers above zero."""
        is_shortened = self.form.cleaned_data["first"]
        all_with_share = self.first(ranked.positive) if ranked.positive and not is_shortened else ""
        return lambda row: self.customer_orders(row) if row.customer else all_with_share

    def orders_of(self, row: Row, period: Period | None) -> str:
        if row.customer is None:
            return "" if self.form.cleaned_data["first"] else self.orders_url(period)
        url = record_url("customers:customer_orders", row.customer)
        return f"{url}?{urlencode(self.conditions_of_orders(period))}"


def name_cell(row: Row) -> str:
    if row.customer is None:
        return row.name
    return format_html('<a href="{}">{}</a>', record_url("customers:customer_detail", row.customer), row.name)


def grade_cell(row: Row) -> str:
    return format_html('<span class="tag">{}</span>', row.grade)


def pareto(ranked: Ranking, names: list[str]) -> Chart:
    largest = ranked[:CHART_CUSTOMERS]
    return Chart(
        title=f"前 {len(largest)} 名客户与累计占比",
        categories=names,
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
