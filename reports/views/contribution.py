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
from reports.figure_cells import change, in_unit, percent, signed
from reports.report_parts import Chart, Figure, Kpi, Report, ReportTable, Series

from ..filters import ScopeForm, chosen_people
from ..forms import ALL
from ..pages import ReportPage
from ..periods import Period, year_period
from ..queries import contribution as query
from ..queries.contribution import THEN, TODAY, Wanted
from ..ranking import Ranking, Standing

DRAWN = 10  # customers of the chart
FORM_OF_COMPANY = re.compile(r"(股份|集团|责任)?有限(责任)?公司$")


class ContributionForm(ScopeForm):
    name = forms.CharField(label="客户名称", max_length=100)
    follow = forms.ChoiceField(label="归属", choices=[(TODAY, "今天的客户经理"), (THEN, "下单时的客户经理")])
    silent = forms.BooleanField(label="含没有订单的客户", widget=forms.CheckboxInput(attrs={"class": "ck"}))
    first = forms.IntegerField(label="只列最前（家）", min_value=1, widget=forms.HiddenInput)  # set by links only
    field_order = ["name", "year", "department", "manager", "follow", "silent"]

    @cached_property
    def known_years(self) -> list[int]:
        return query.years(self.user)

    def years(self) -> list[int]:
        return self.known_years

    def standing(self) -> dict[str, str]:
        """Opens on the newest year of the data."""
        return {"year": str(self.known_years[0]) if self.known_years else ALL}

    def managers(self, people: frozenset[int] | None) -> QuerySet[User]:
        """Also people who kept customers once: figures may follow the 客户经理 of the order's date."""
        return owners_in_view(self.user)

    def wanted(self) -> Wanted:
        values = self.cleaned_data
        year = values["year"] or ALL
        return Wanted(
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
        self.wanted = self.form.wanted()
        found = query.ranking(self.request.user, self.wanted)
        if not len(found):
            return Report(empty=True)
        self.before = query.total_in(self.year_before, self.request.user, self.wanted) if self.year_before else None
        rest = len(found) - found.positive
        notes = [f"{rest:,} 家客户的金额为零或负数（退货多于购买），列在最后，不计占比，归入 C 类。"] if rest else []
        return Report(
            facts=self.facts(),
            kpis=self.kpis(found),
            charts=[pareto(found, self.names(found[:DRAWN]))] if found.positive else [],
            tables=[self.table(found)],
            notes=notes,
        )

    # What the figures mean

    @cached_property
    def period(self) -> Period | None:
        """The days of the figures; None: all years."""
        return None if self.wanted.year is None else query.part_of_year(self.wanted.year)

    @cached_property
    def year_before(self) -> Period | None:
        return query.year_before(self.period) if self.period else None

    @property
    def earlier(self) -> str:
        """What the period before is called."""
        year = self.year_before.first.year
        return f"{year} 年" if self.year_before == year_period(year) else f"{year} 年同期"

    def facts(self) -> list[str]:
        shown = "至".join(format_day(one, "long") for one in self.period) if self.period else "全部年份"
        said = [shown, "订单金额按下单日期计入，退货从当期减去，已取消的不计"]
        if self.wanted.people is not None:
            said.append("按下单时的客户经理" if self.wanted.by_date else "按今天的客户经理")
        return said

    def kpis(self, found: Ranking) -> list[Kpi]:
        total, growth = in_unit(found.total), change(found.total, self.before)
        average = in_unit(found.base / found.positive if found.positive else None)
        middle = in_unit(found.median)
        share = percent(found.a_rows, found.positive)
        grown = f"共 {found.total_orders:,} 张订单"
        if growth is not None:
            grown = f"比 {self.earlier} {signed(growth, '%')}"
        return [
            Kpi("订单金额合计", *total, grown, self.orders_url()),
            Kpi("下单客户", f"{found.buyers:,}", "家", f"其中 {found.positive:,} 家金额为正", self.first(None)),
            Kpi(
                "户均订单金额",
                *average,
                f"中位数 {middle.value} {middle.unit}，按金额为正的客户",
                self.first(found.positive) if found.positive else "",
                of="金额为正的客户",
            ),
            Kpi(
                "贡献 80% 的客户",
                f"{found.a_rows:,}",
                f"家 · 占 {share}%" if share is not None else "家",
                f"最大的 1 家占 {found.largest_share}%" if found.positive else "",
                self.first(found.a_rows) if found.a_rows else "",
            ),
        ]

    # Rows

    def table(self, found: Ranking) -> ReportTable:
        columns = [
            Column("序号", "place", css="num m-h"),
            Column("客户名称", "name", sort="name", html=name_cell, css="m-t"),
            Column("ABC", "grade", html=grade_cell, css="m-r"),
            Figure("订单金额（元）", "amount", kind="money", sort="amount", url=self.customer_orders),
            Figure("占比", "share", kind="percent", url=self.share_of(found), of="订单金额（元）"),
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
        rows, total = (found[:first], self.part(found, first)) if first else (found, self.whole(found))
        note = "点客户名看客户，点金额或订单数看构成它的订单"
        arrange = self.arrange(rows)
        return ReportTable(
            "明细", tuple(columns), rows, total, note, True, fill=self.fill, arrange=arrange, default_sort="-amount"
        )

    def whole(self, found: Ranking) -> Any:
        return SimpleNamespace(
            name=f"合计 {len(found):,} 家",
            customer=None,
            amount=found.total,
            share=Decimal("100.0") if found.positive else None,
            orders=found.total_orders,
            before=self.before,
            change=change(found.total, self.before),
        )

    def part(self, found: Ranking, first: int) -> Any:
        """The total of the first so many customers, who are listed above it."""
        amount = sum(found.amounts[:first], Decimal(0))
        return SimpleNamespace(
            name=f"前 {min(first, len(found)):,} 家",
            customer=None,
            amount=amount,
            share=percent(amount, found.base) if found.positive else None,
            orders=sum(found.orders[:first]),
        )

    def arrange(self, found: Sequence[Standing]) -> Any:
        def arranged(asked: str) -> Sequence[Standing]:
            if asked.removeprefix("-") == "name":
                return query.by_name(found, asked.startswith("-"))
            return found[::-1] if asked == "amount" else found

        return arranged

    def names(self, rows: list[Standing]) -> list[str]:
        """Short ones, as a chart has room for."""
        query.name_rows(rows)
        return [FORM_OF_COMPANY.sub("", row.name) or row.name for row in rows]

    def fill(self, rows: list[Standing]) -> None:
        """Names and the year before, for the rows that are shown."""
        query.name_rows(rows)
        if self.year_before is None:
            return
        before = query.amounts_in(self.year_before, self.request.user, self.wanted, [row.customer for row in rows])
        for row in rows:
            row.before = before.get(row.customer)
            row.change = change(row.amount, row.before)

    # The rows behind a figure

    def first(self, number: int | None) -> str:
        """The table with the first so many customers only; None: with all who ordered."""
        return self.link(first=number, silent=None if number is None else self.request.GET.get("silent")) + "#table-0"

    def down_to(self, row: Any) -> str:
        return self.first(row.place)

    def conditions_of_orders(self, period: Period | None) -> dict[str, str]:
        """The order list's filters that leave exactly the orders of a figure."""
        found = {"status": "revenue"}
        if period:
            found |= {"ordered_from": period.first.isoformat(), "ordered_to": period.last.isoformat()}
        if self.wanted.people is not None:
            values = self.form.cleaned_data
            found |= {name: values[name] for name in ("department", "manager") if values[name]}
            if self.wanted.by_date:
                found["follow"] = THEN
        return found

    def orders_url(self, period: Period | None = None) -> str:
        found = self.conditions_of_orders(period or self.whole_period)
        if self.wanted.name:
            found["customer"] = self.wanted.name
        return f"{page_url('customers:order_list')}?{urlencode(found)}"

    @property
    def whole_period(self) -> Period | None:
        """Through the year's last day, as the rollup counts: orders dated tomorrow are in the figure too."""
        return None if self.wanted.year is None else year_period(self.wanted.year)

    def customer_orders(self, row: Any) -> str:
        return self.orders_of(row, self.whole_period)

    def customer_orders_before(self, row: Any) -> str:
        return self.orders_of(row, self.year_before)

    def share_of(self, found: Ranking) -> Callable[[Any], str]:
        """A customer's orders; all customers above zero make up the total's 100 %."""
        narrowed = self.form.cleaned_data["first"]
        whole = self.first(found.positive) if found.positive and not narrowed else ""
        return lambda row: self.customer_orders(row) if row.customer else whole

    def orders_of(self, row: Any, period: Period | None) -> str:
        if row.customer is None:
            return "" if self.form.cleaned_data["first"] else self.orders_url(period)
        where = record_url("customers:customer_orders", row.customer)
        return f"{where}?{urlencode(self.conditions_of_orders(period))}"


def name_cell(row: Any) -> str:
    if row.customer is None:
        return row.name
    return format_html('<a href="{}">{}</a>', record_url("customers:customer_detail", row.customer), row.name)


def grade_cell(row: Any) -> str:
    return format_html('<span class="tag">{}</span>', row.grade)


def pareto(found: Ranking, names: list[str]) -> Chart:
    shown = found[:DRAWN]
    return Chart(
        title=f"前 {len(shown)} 名客户与累计占比",
        categories=names,
        series=[
            Series("订单金额", [row.amount for row in shown]),
            Series("累计占比", [row.cumulative for row in shown], line=True, percent=True),
        ],
        unit="万元",
        caption=f"柱：订单金额（万元）。线：累计占全部 {found.positive:,} 家客户的比例，虚线为 80%，灰柱为其后的客户。",
        mark=80,
        grey_from=found.a_rows,
    )
