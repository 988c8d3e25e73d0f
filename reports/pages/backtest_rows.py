"""The customers behind 预警回测: those with an alert, and those who stayed away without one."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncDate
from django.utils.html import format_html

from customers.models import BacktestRow, Order
from customers.orders.filters import order_owner_choices
from customers.records.filters import DepartmentFilter
from kit.domain.days import show_day
from kit.domain.money import format_yuan
from kit.lists.columns import Column
from kit.lists.filter_choices import OneOf, OneOfRecords
from kit.lists.filters import ListFilter
from kit.lists.list_page import ListPage
from kit.sql.alternatives import any_of

from ..queries.backtest import GONE, RULES
from .backtest import light_cell

RULE_CHOICES = [(name, label) for name, (label, _) in RULES.items()]
NET = "customer__metrics__net_total"


class BacktestFilter(ListFilter):
    favourites = ("month", "alert", "gone", "manager")

    month = django_filters.DateFilter(field_name="month_end", label="截至")
    since = django_filters.DateFilter(
        field_name="month_end", lookup_expr="gte", label="月末从", widget=forms.HiddenInput
    )
    alert = OneOf(label="提醒", choices=RULE_CHOICES, method="with_alert")
    gone = django_filters.ChoiceFilter(
        label="其后 90 天", empty_label="全部", choices=[("yes", "没下单"), ("no", "又下单")], method="with_end"
    )
    missed = OneOf(label="漏掉它的", choices=RULE_CHOICES, method="missed_by")
    department = DepartmentFilter(field_name="manager")
    manager = OneOfRecords(label="当时的客户经理", queryset=order_owner_choices)

    class Meta:
        model = BacktestRow
        fields: list[str] = []

    def with_alert(self, rows: QuerySet[BacktestRow], name: str, values: tuple[str, ...]) -> QuerySet[BacktestRow]:
        return rows.filter(any_of(RULES[value][1] for value in values))

    def with_end(self, rows: QuerySet[BacktestRow], name: str, value: str) -> QuerySet[BacktestRow]:
        return rows.filter(gone=value == "yes")

    def missed_by(self, rows: QuerySet[BacktestRow], name: str, values: tuple[str, ...]) -> QuerySet[BacktestRow]:
        return rows.filter(any_of(GONE & ~RULES[value][1] for value in values))


def customer_cell(row: BacktestRow) -> str:
    return format_html('<a href="{}">{}</a>', row.get_absolute_url(), row.customer.name)


def net_cell(row: BacktestRow) -> str:
    metrics = getattr(row.customer, "metrics", None)
    return format_yuan(metrics.net_total) if metrics else "—"


def silent_days(row: Any) -> int | None:  # a row of the list, with its last order day
    return None if row.last_on is None else (row.month_end - row.last_on).days


class BacktestRows(ListPage):
    model, filterset_class = BacktestRow, BacktestFilter
    title, help = "回测的客户", "report-backtest"
    crumbs = (("统计报表", ""), ("客户流失分析", "reports:churn"), ("预警回测", "reports:churn_backtest"))
    select_related = ("customer", "customer__metrics", "manager")
    open_permission = "reports.view_reports"
    default_sort = f"-{NET}"
    columns = (
        Column("客户", "customer.name", sort="customer__name_pinyin", html=customer_cell, css="m-t"),
        Column("截至", "month_end", sort="month_end", css="nw"),
        Column("当时的客户经理", "manager", css="nw"),
        Column("灯", "get_light_display", html=light_cell, css="m-r"),
        Column(RULES["six"][0], lambda row: "提醒" if row.six else "", css="nw"),
        Column("其后 90 天", lambda row: "没下单" if row.gone else "又下单", sort="gone", css="nw"),
        Column("当时上次下单", "last_on", html=lambda row: show_day(row.last_on), css="nw"),
        Column("到月末（天）", silent_days, css="num"),
        Column("累计净额（元）", "customer.metrics.net_total", sort=NET, html=net_cell, css="num"),
    )
    empty_text = "没有符合条件的客户。"

    def ordered(self, rows: QuerySet[BacktestRow]) -> QuerySet[BacktestRow]:
        """Add the last order day as it was known at the month's end; customers without figures come last."""
        known = Order.objects.purchases().annotate(day=TruncDate("ordered_at"))
        known = known.filter(customer=OuterRef("customer"), day__lte=OuterRef("month_end")).order_by("-ordered_at")
        column = F(self.sort.removeprefix("-"))
        order = column.desc(nulls_last=True) if self.sort.startswith("-") else column.asc(nulls_last=True)
        return rows.annotate(last_on=Subquery(known.values("day")[:1])).order_by(order, "-month_end", "pk")
