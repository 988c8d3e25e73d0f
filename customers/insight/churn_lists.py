"""The lists of 客户流失管理: 提前预警, and the cases by state. They are tabs of one strip and keep common filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.html import format_html, format_html_join

from basedata.models import mirror_notice
from customers.churn.filters import ChurnFilter
from customers.churn.models import ChurnCase, ChurnCaseQuerySet
from customers.churn.pages import CONFIRM, DEFER, WIN_BACK
from customers.churn.rule import describe_period
from customers.churn.tasks import last_scan
from customers.hooks import AlertRecord
from customers.orders.as_of import orders_as_of
from customers.records.metrics import CustomerMetrics
from kit.domain.days import format_day
from kit.domain.modules import lent
from kit.domain.money import format_yuan
from kit.domain.urls import page_url
from kit.pages.buttons import Control
from kit.pages.columns import Column
from kit.pages.list_page import ListPage
from kit.pages.list_tabs import ALL, MAX_TAB_COUNT, Tabs
from kit.pages.paging import count_capped
from kit.pages.query_string import QueryString
from kit.pages.templatetags.ui import chip
from kit.sql.exact_sum import ExactSum

from .alert_pages import LOG, PAUSE, WARN
from .alerts import AlertLevel
from .columns import NetColumn
from .filters import AlertFilter
from .models import Alert, AlertQuerySet

SHARED_FILTERS = ("customer", "manager", "department")
OPEN_TAB = "open"
# Columns that say something in these tabs only; all others are shown in each.
TABS_OF_COLUMNS = {
    "状态": (ALL, OPEN_TAB),
    "确认流失时间": (ALL, "confirmed", "won_back"),
    "下次复核": (OPEN_TAB, "deferred"),
    "预警时间": ("warning", "resolved"),
    "来源": ("warning",),
    "暂缓措施 / 流失原因": (ALL, OPEN_TAB, "deferred", "confirmed", "resolved", "won_back", "merged"),
}


# The strip of tabs


def shared_filters(request: HttpRequest) -> QueryDict:
    """Return the conditions of the URL that both lists know."""
    shared = QueryDict(mutable=True)
    for name in SHARED_FILTERS:
        if values := [value for value in request.GET.getlist(name) if value]:
            shared.setlist(name, values)
    return shared


def list_url(url_name: str, request: HttpRequest, **conditions: str) -> str:
    query = shared_filters(request)
    query.update(conditions)
    return f"{page_url(url_name)}?{query.urlencode()}" if query else page_url(url_name)


def alert_tab(url: str, count: int, *, current: bool) -> dict[str, Any]:
    return {"label": "提前预警", "url": url, "current": current, "count": count}


class CaseTabs(Tabs):
    """The states of cases, with 提前预警 before them."""

    def links(self, query: QueryString, chosen: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
        url, count = list_url("customers:alert_list", query.request), count_alerts(query.request)
        return [alert_tab(url, count, current=False), *super().links(query, chosen, counts)]


class AlertTabs(Tabs):
    """提前预警, with the states of cases behind it."""

    def links(self, query: QueryString, chosen: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
        return [alert_tab(query.link(), counts[ALL], current=True), *case_links(query.request)]


def count_alerts(request: Any) -> int:
    """Count what the tab 提前预警 leads to. request: of the list of cases."""
    rows = Alert.objects.visible_to(request.user).alerted(orders_as_of())
    filtered = AlertFilter(shared_filters(request), queryset=rows, request=request)
    return count_capped([(filtered.qs, MAX_TAB_COUNT + 1)])[0] if filtered.is_valid() else 0


def case_links(request: Any) -> list[dict[str, Any]]:
    """Return the states of cases, each with the number of rows it leads to. request: of the list of alerts."""
    rows = ChurnCase.objects.visible_to(request.user)
    filtered = ChurnFilter(shared_filters(request), queryset=rows, request=request)
    cases = filtered.qs if filtered.is_valid() else rows.none()
    labels = CASE_TABS.labels
    counts = count_capped([(CASE_TABS.rows(cases, key), MAX_TAB_COUNT + 1) for key in labels])
    return [
        {"label": label, "url": list_url("customers:churn_list", request, status=key), "current": False, "count": count}
        for (key, label), count in zip(labels.items(), counts, strict=True)
    ]


def narrow_to_tab(cases: QuerySet[ChurnCase], tab: str) -> QuerySet[ChurnCase]:
    return cases.filter(status__in=ChurnCase.OPEN) if tab == OPEN_TAB else cases.filter(status=tab)


CASE_TABS = CaseTabs("status", [(OPEN_TAB, "待处理"), *ChurnCase.Status.choices], OPEN_TAB, narrow_to_tab)


# Alerts


def level_cell(alert: Any) -> str:
    """Draw the level, and the pause in force. alert: a row of AlertList."""
    tone, label = Alert.TONES[alert.alert_level], AlertLevel(alert.alert_level).label
    lamp = format_html('<span class="st {}">{}</span>', tone, label)
    if alert.paused_until is None:
        return lamp
    pause = '{}<small class="sm nw keep" title="{}">暂不提醒至 {}</small>'
    return format_html(pause, lamp, alert.pause_reason, format_day(alert.paused_until, "short"))


def customer_cell(alert: Alert) -> str:
    return format_html('<a href="{}">{}</a>', alert.get_absolute_url(), alert.customer.name)


def usual_cell(alert: Alert) -> str:
    text = '{} 天 <span class="sm mute nw">（{}–{}）</span>'
    return format_html(text, alert.usual_days, alert.low_days, alert.high_days)


ALERT_COLUMNS = (
    Column("灯", "level.label", sort="alert_level", html=level_cell, css="m-r"),
    Column("客户", "customer.name", sort="customer__name_pinyin", html=customer_cell, css="m-t nw"),
    Column("客户经理", "customer.manager", css="nw"),
    Column("惯常间隔", "usual_days", sort="usual_days", html=usual_cell, css="num nw"),
    Column("上次下单", "last_order_on", sort="last_order_on", css="nw lo"),
    Column("已（天）", "silent_days", css="num"),
    Column("倍数", "times_usual", html=lambda alert: format_html("<b>{}</b>", alert.times_usual), css="num"),
    NetColumn("12 个月净额（元）", "net_12m", sort="net_12m", css="num"),
    Column("上次交往", "last_interaction_on", sort="last_interaction_on", css="nw"),
    Column("暂停至", "paused_until", export_only=True),
    Column("暂停原因", "pause_reason", export_only=True),
)


class AlertList(ListPage):
    model = Alert
    title, help = "提前预警", "early"
    crumbs = (("客户管理", ""), ("客户流失管理", "customers:churn_list"))
    template_name = "customers/alert_list.html"
    select_related = ("customer", "customer__manager")
    filterset_class = AlertFilter
    default_sort = "-alert_level"
    columns = ALERT_COLUMNS
    row_buttons = (PAUSE, WARN)
    tabs = AlertTabs("", ())
    export_permission = "customers.export_churncase"
    empty_text = (
        "现在没有比自己的惯常更晚的客户。客户至少有 4 个下单日才能判断；暂不提醒的不列，勾选「含已暂停」可以看到。"
    )

    @cached_property
    def as_of(self) -> date:
        return orders_as_of()

    def rows(self) -> AlertQuerySet:
        return super().rows().alerted(self.as_of)

    def ordered(self, rows: AlertQuerySet) -> AlertQuerySet:
        then = [] if self.sort.endswith("net_12m") else ["-net_12m"]
        return rows.with_rest_days().order_by(self.sort, *then, "pk")

    def row_controls(self, row: Alert) -> list[Control]:
        log = [Control(LOG, LOG.url(row), True, "")] if row.customer.can_contribute(self.request.user) else []
        return [*log, *super().row_controls(row)]

    def totals(self, count: int, total: Decimal | None) -> str:
        return describe_sums(self.shown_rows())

    def context(self) -> dict[str, Any]:
        records = [record for hook in lent(AlertRecord) if (record := hook.describe(self.request.user))]
        return {"as_of": self.as_of, "records": records, "mirror": mirror_notice("orders", "order_lines")}


def describe_sums(rows: Any) -> str:
    """Say how many alerts there are and what their customers bought, in all and by level. rows: of alerted()."""
    lines = rows.order_by().values_list("alert_level").annotate(Count("pk"), ExactSum("net_12m"))
    by_level = {level: (count, net or Decimal(0)) for level, count, net in lines}
    if not by_level:
        return ""
    count, net = (sum(values) for values in zip(*by_level.values(), strict=True))
    parts = [f"共 {count:,} 家，12 个月净额合计 {format_yuan(Decimal(net))} 元"]
    for level in AlertLevel:
        if len(by_level) > 1:
            count, net = by_level[level]
            parts.append(f"{level.label} {count:,} 家 {format_yuan(net)} 元")
    return format_html_join("　", '<span class="nw">{}</span>', ((part,) for part in parts))


# Cases


def case_cell(case: ChurnCase) -> str:
    return format_html('<a href="{}">{}</a>', case.get_absolute_url(), case.customer.name)


def manager_cell(case: ChurnCase) -> str:
    """Draw today's owner, and the one at the confirmation if it was another."""
    if case.manager_then_id in (None, case.customer.manager_id):
        return case.customer.manager.name
    return format_html('{}<small class="sm in">确认时 {}</small>', case.customer.manager, case.manager_then)


def last_purchase_cell(case: ChurnCase) -> str:
    if case.last_purchase_on is None:
        return format_html('—<small class="sm in">{}</small>', "从未下单")
    days = f"已 {case.silent_days} 天" if case.closed_at is None else ""
    return format_html('{}<small class="sm nw">{}</small>', format_day(case.last_purchase_on), days)


def review_cell(case: ChurnCase) -> str:
    if not case.review_is_due:
        return format_day(case.review_on)
    return format_html('{}<small class="sm nw t-red in">{}</small>', format_day(case.review_on), "应复核")


def describe_measure_or_reason(case: Any) -> str:
    """Return the reason of a lost case, else the latest measure. case: a row of ChurnList."""
    if case.lost_reason:
        return f"原因：{case.lost_reason}"
    if not case.measures_n:
        return "尚无措施"
    return f"{case.measures_n} 条，最近 {format_day(case.measured_at, 'short')}：{case.measure}"


def metrics_of_case(case: ChurnCase) -> CustomerMetrics | None:
    return getattr(case.customer, "metrics", None)


def net_of_case(case: ChurnCase) -> Decimal | None:
    metrics = metrics_of_case(case)
    return metrics.net_12m if metrics else None


CASE_COLUMNS = (
    Column("编号", "pk", sort="id", css="m-h mute lo"),
    Column("客户", "customer.name", sort="customer__name_pinyin", html=case_cell, css="m-t"),
    Column("状态", "get_status_display", sort="status", html=chip, css="m-r"),
    Column("客户经理", "customer.manager", html=manager_cell, css="nw"),
    Column("确认时的客户经理", "manager_then", export_only=True),
    Column("上次下单时间", "last_purchase_on", sort="last_purchase_on", html=last_purchase_cell, css="nw"),
    NetColumn("12 个月净额（元）", net_of_case, sort="customer__metrics__net_12m", css="num", metrics=metrics_of_case),
    Column("暂缓措施 / 流失原因", describe_measure_or_reason, css="m-full"),
    Column("确认流失时间", "confirmed_at", sort="confirmed_at", css="nw m-h"),
    Column("下次复核", "review_on", sort="review_on", html=review_cell, css="nw"),
    Column("来源", "get_origin_display", css="nw m-h"),
    Column("预警时间", "opened_at", sort="opened_at", css="nw m-h"),
)


class ChurnList(ListPage):
    model = ChurnCase
    title, crumbs, help = "客户流失管理", (("客户管理", ""),), "churn"
    template_name = "customers/churn_list.html"
    select_related = ("customer", "customer__manager", "customer__metrics", "manager_then")
    filterset_class = ChurnFilter
    default_sort = "-opened_at"
    columns = CASE_COLUMNS
    row_buttons = (DEFER, CONFIRM, WIN_BACK)
    tabs = CASE_TABS
    export_permission = "customers.export_churncase"
    empty_text = f"没有流失预警。{describe_period()}没有下单的客户每周六自动列入这里。"

    @property
    def shown_columns(self) -> list[Column]:
        return [
            column for column in super().shown_columns if self.tab in TABS_OF_COLUMNS.get(column.label, (self.tab,))
        ]

    def ordered(self, rows: ChurnCaseQuerySet) -> ChurnCaseQuerySet:
        return super().ordered(rows.with_latest_measure())

    def row_controls(self, row: ChurnCase) -> list[Control]:
        return super().row_controls(row) if row.closed_at is None else []  # closed cases are read-only

    def totals(self, count: int, total: Decimal | None) -> str:
        """Return the sum over the customers of the tab, each once though it may have had several cases."""
        if self.tab == ALL:
            return ""
        customers = CustomerMetrics.objects.filter(customer__in=self.shown_rows().order_by().values("customer"))
        net = customers.aggregate(net=ExactSum("net_12m"))["net"]
        return "" if net is None else f"12 个月净额合计 {format_yuan(net)} 元"

    def context(self) -> dict[str, Any]:
        return {"last_scan": last_scan(), "mirror": mirror_notice("orders", "order_lines")}
