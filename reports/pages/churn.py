"""客户流失分析."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import User
from customers.filters.churn import UNFILLED
from customers.filters.customers import OWNER_AT_THAT_TIME, name_condition, owners_in_view
from customers.filters.orders import REVENUE_STATUS
from customers.models import ChurnCase, Customer
from customers.models.rows import CustomerQuerySet
from kit.domain.days import format_day
from kit.domain.urls import page_url, record_url
from kit.pages.lists import Column
from reports.figure_cells import DASH, in_readable_unit, percent
from reports.report_parts import Chart, Figure, Kpi, Report, ReportTable, Series

from ..filters import ScopeForm, chosen_people, chosen_period, filter_by_person
from ..periods import Period, month_period
from ..queries import churn
from ..queries.churn import ChurnCriteria, Funnel, Loss, MeasureKind, Reason
from ..queries.churn_rates import Month
from ..report_page import ReportPage

SMALL_SAMPLE = 5


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
        return churn.cached_years(self.user)


SORTED_BY_TEXT = {"customer": "customer__name", "manager": "customer__manager__name", "then": "manager_then__name"}


class Details:
    """Names and texts of the visible losses' cases, which are not cached."""

    def __init__(self, losses: list[Loss]) -> None:
        self.losses, self.cases = losses, dict[int, ChurnCase]()

    def load(self, rows: list[Loss]) -> None:
        self.cases = churn.load_cases(rows)

    def of(self, path: str) -> Callable[[Loss], Any]:
        column = Column("", path)
        return lambda loss: column.get(self.cases.get(loss.case))

    def customer(self, loss: Loss | Total) -> str | None:
        return loss.label if loss.case is None else self.of("customer.name")(loss)

    def customer_cell(self, loss: Loss | Total) -> str:
        case = self.cases.get(loss.case)
        if case is None:
            return loss.label if loss.case is None else ""
        return format_html('<a href="{}">{}</a>', case.get_absolute_url(), case.customer.name)

    def reason(self, loss: Loss | Total) -> str | None:
        case = self.cases.get(loss.case)
        return None if case is None else f"{case.lost_kind or '未填写'}：{case.lost_reason}"

    def sort(self, sort: str) -> list[Loss]:
        """Return all losses in this order; equal ones newest first."""
        name = sort.removeprefix("-")
        value: Callable[[Loss], Any] = attrgetter({"confirmed": "day"}.get(name, name))
        if name in SORTED_BY_TEXT:
            texts = churn.load_texts(self.losses, SORTED_BY_TEXT[name])
            value = lambda loss: texts.get(loss.case, "")  # noqa: E731
        return sorted(self.losses, key=value, reverse=sort.startswith("-"))


class ChurnReport(ReportPage):
    title, help = "客户流失分析", "report-churn"
    form_class = ChurnForm
    mirrored = ("orders", "order_lines")
    empty_text = "还没有流失预警，也没有确认流失的客户。"

    # Rows

    def customers(self, values: dict[str, Any]) -> CustomerQuerySet:
        """Return the customers in view that match the filters."""
        customers = Customer.objects.visible_to(self.request.user)
        if values["name"]:
            customers = customers.filter(name_condition(values["name"]))
        return customers if self.by_owner_then else filter_by_person(customers, "manager", values)

    @property
    def by_owner_then(self) -> bool:
        """Tell whether the person filters mean the 客户经理 of the confirmation."""
        return self.form.cleaned_data["follow"] == OWNER_AT_THAT_TIME

    @cached_property
    def list_filters(self) -> dict[str, str]:
        """Return the filters that the churn list has too."""
        values = self.form.cleaned_data
        filters = {"customer": values["name"], "manager": values["manager"], "department": values["department"]}
        filters["follow"] = values["follow"]
        return {name: value for name, value in filters.items() if value}

    def cases_behind(self, **conditions: Any) -> str:
        query = urlencode({"status": "all", "counted": 1, **self.list_filters, **conditions})
        return f"{page_url('customers:churn_list')}?{query}"

    # The report

    def report(self, values: dict[str, Any]) -> Report:
        period = chosen_period(values, [int(key) for key, _ in self.form.fields["year"].choices[1:]])
        today = timezone.localdate()
        figures = churn.cached_figures(self.request.user, self.customers(values), self.criteria(period, today))
        losses, months, steps = figures.losses, figures.months, figures.steps
        if not losses and not steps.warned:
            return Report(empty=True)
        entry_names = churn.entry_names(figures.entries())
        reasons = churn.reasons(losses, entry_names)
        return Report(
            facts=[
                f"{format_day(period.first, 'long')}至{format_day(min(period.last, today), 'long')}",
                "按确认流失的时间计入",
                "部门和客户经理按确认流失时的归属（没有确认的按今天的）"
                if self.by_owner_then
                else "部门和客户经理按今天的归属",
            ],
            kpis=self.tiles(period, losses, months, figures.back, reasons),
            charts=[reason_chart(reasons), rate_chart(months), funnel_chart(steps)],
            tables=[
                self.losses_table(losses),
                self.reasons_table(period, reasons, "流失原因", "lost_kind"),
                self.reasons_table(period, churn.competitors(losses, entry_names), "流向的竞争对手", "competitor"),
                self.months_table(months),
                self.funnel_table(period, steps),
                self.measures_table(period, churn.rank_measures(figures.measures, entry_names)),
            ],
        )

    def criteria(self, period: Period, today: date) -> ChurnCriteria:
        return ChurnCriteria(period, today, chosen_people(self.form.cleaned_data) if self.by_owner_then else None)

    def tiles(
        self, period: Period, losses: list[Loss], months: list[Month], back: int, reasons: list[Reason]
    ) -> list[Kpi]:
        days = {"confirmed_from": period.first, "confirmed_to": period.last}
        later_won_back = sum(loss.status == ChurnCase.Status.WON_BACK for loss in losses)
        revenue = in_readable_unit(sum((loss.revenue for loss in losses), Decimal(0)))
        total_normal, total_lost = sum(month.normal for month in months), sum(month.lost for month in months)
        mean = percent(total_lost, total_normal)
        has_rate = mean is not None
        closed = {"closed_from": period.first, "closed_to": period.last, "status": ChurnCase.Status.WON_BACK}
        first = f"主要原因：{reasons[0].label}，占 {reasons[0].share}%" if reasons else ""
        return [
            Kpi("确认流失", f"{len(losses):,}", "次", f"其中 {later_won_back} 次后来已挽回", self.cases_behind(**days)),
            Kpi(
                "平均月流失率",
                str(mean) if has_rate else DASH,
                "%" if has_rate else "",
                rate_note(months),
                self.cases_behind(**days) if has_rate else "",
                of="各月确认流失",
            ),
            Kpi("流失客户此前 12 个月订单", *revenue, first, "#table-0" if losses else ""),
            Kpi("挽回", f"{back:,}", "次", "按挽回的时间计入", self.cases_behind(**closed)),
        ]

    # Tables

    def losses_table(self, losses: list[Loss]) -> ReportTable:
        details = Details(losses)
        columns = (
            Column("序号", "place", css="num m-h"),
            Column("确认时间", "day", sort="confirmed", css="nw"),
            Column("客户", details.customer, sort="customer", html=details.customer_cell, css="m-t"),
            self.manager_column(details),
            Column("流失原因", details.reason, css="m-full"),
            Column("竞争对手", details.of("competitor")),
            Column("状态", details.of("get_status_display"), css="nw"),
            Figure("此前 12 个月订单（元）", "revenue", kind="money", sort="revenue", url=self.orders_behind),
        )
        total = Total(label="合计", revenue=sum((loss.revenue for loss in losses), Decimal(0)))
        return ReportTable(
            "确认流失的客户",
            columns,
            losses,
            total=total if losses else None,
            note="此前 12 个月订单：到确认之日止，扣除退货",
            paged=True,
            load_details=details.load,
            sort_rows=details.sort,
            empty_text="这个范围里没有确认流失的客户。",
        )

    def manager_column(self, details: Details) -> Column:
        if self.by_owner_then:
            return Column("确认时的客户经理", details.of("manager_then.name"), sort="then", css="nw")
        return Column("客户经理", details.of("customer.manager.name"), sort="manager", css="nw")

    def orders_behind(self, loss: Loss | Total) -> str:
        if loss.case is None or not loss.revenue:
            return ""
        query = urlencode({"ordered_from": loss.since, "ordered_to": loss.day, "status": REVENUE_STATUS})
        return f"{record_url('customers:customer_orders', loss.customer)}?{query}"

    def reasons_table(self, period: Period, reasons: list[Reason], title: str, name: str) -> ReportTable:
        def behind(*selected: Reason) -> str:
            days = {"confirmed_from": period.first, "confirmed_to": period.last}
            keys = ",".join(str(reason.key or UNFILLED) for reason in selected)
            return self.cases_behind(**days, **{name: keys})

        def down_to(reason: Reason) -> str:
            return behind(*reasons[: reasons.index(reason) + 1])

        columns = (
            Column(title, "label", css="m-t"),
            Figure("次数", "count", url=behind),
            Figure("占比", "share", kind="percent", of="次数"),
            Figure("累计占比", "running", kind="percent", url=down_to, of="到这一项为止的各项"),
        )
        return ReportTable(title, columns, reasons, empty_text="没有记录。")

    def months_table(self, months: list[Month]) -> ReportTable:
        def behind(month: Month) -> str:
            first, last = month_period(month.first)
            return self.cases_behind(confirmed_from=first, confirmed_to=last) if month.lost else ""

        columns = (
            Column("月份", lambda month: format_day(month.first, "month"), css="m-t nw"),
            Figure("月初正常客户", "normal", url=self.normal_behind),
            Figure("当月流失", "lost", url=behind),
            Figure("月流失率", "rate", kind="percent", of="当月流失"),
        )
        note = "月流失率 = 当月确认流失 ÷ 月初状态正常的客户"
        return ReportTable("月流失率", columns, months, note=note)

    def normal_behind(self, month: Month) -> str:
        values = self.form.cleaned_data
        filters = {name: values[name] for name in ("name", "manager", "department", "follow") if values[name]}
        query = urlencode({"status": "all", **filters, "normal_on": month.first})
        return f"{page_url('customers:customer_list')}?{query}" if month.normal else ""

    def funnel_table(self, period: Period, steps: Funnel) -> ReportTable:
        opened_days = {"opened_from": period.first, "opened_to": period.last}
        links = {
            "measured": {"measured": 1},
            "resolved": {"status": "resolved"},
            "lost": {"lost": 1},
            "won_back": {"status": "won_back"},
            "open": {"status": "open"},
        }
        rows = [
            SimpleNamespace(
                label=label,
                cases=getattr(steps, name),
                share=percent(getattr(steps, name), steps.warned),
                url=self.cases_behind(**{**opened_days, **links.get(name, {})}),
            )
            for name, label in STEPS.items()
        ]
        columns = (
            Column("去向", "label", css="m-t"),
            Figure("次数", "cases", url=lambda row: row.url),
            Figure("占预警", "share", kind="percent", of="次数"),
        )
        return ReportTable("预警的去向", columns, rows, note="这段时间里列出的预警，到今天的结果")

    def measures_table(self, period: Period, kinds: list[MeasureKind]) -> ReportTable:
        def behind(kind: MeasureKind, **more: Any) -> str:
            days = {"measure_from": period.first, "measure_to": period.last}
            return self.cases_behind(measure_kind=kind.key, **days, **more)

        columns = (
            Column("措施类别", "label", css="m-t"),
            Figure("采取过的预警", "cases", url=behind),
            Figure("90 天内又下单", "bought", url=lambda kind: behind(kind, bought=1) if kind.bought else ""),
            Figure("还在 90 天内", "waiting", url=lambda kind: behind(kind, waiting=1) if kind.waiting else ""),
            Figure("见效比例", "rate", kind="percent", of="90 天内又下单"),
            Column("", small_sample_note, html=small_sample_note, css="mute nw"),
        )
        note = "见效比例 = 又下单 ÷ 已可判断的预警（已下单或满 90 天）"
        return ReportTable("哪类暂缓措施带来订单", columns, kinds, note=note, empty_text="这段时间没有采取暂缓措施。")


def small_sample_note(kind: MeasureKind) -> str:
    """Return a note shown when fewer than SMALL_SAMPLE cases can be judged."""
    return f"样本少于 {SMALL_SAMPLE}" if kind.cases - kind.waiting < SMALL_SAMPLE else ""


class Total:
    """A total row: blank but for its own values."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> None:
        return None


STEPS = {
    "warned": "列入预警",
    "measured": "采取了暂缓措施",
    "resolved": "恢复下单（已解除）",
    "lost": "确认流失",
    "won_back": "其中已挽回",
    "open": "仍在处理",
}


def rate_note(months: list[Month]) -> str:
    last = months[-1]
    rate = DASH if last.rate is None else f"{last.rate}%"
    return f"{format_day(last.first, 'month')} {rate}（{last.lost} / {last.normal}）"


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
        categories=[f"{month.first:%Y-%m}" for month in months],
        series=[Series("月流失率", [month.rate for month in months], line=True)],
        unit="%",
        caption="当月确认流失 ÷ 月初状态正常的客户。",
    )


def funnel_chart(steps: Funnel) -> Chart:
    return Chart(
        title="预警的去向",
        categories=list(STEPS.values()),
        series=[Series("次数", [getattr(steps, name) for name in STEPS])],
        unit="次",
        caption="这段时间里列出的预警，到今天的结果。",
        horizontal=True,
    )
