"""The lists of 客户流失管理: 提前预警, and the cases by state. They are tabs of one strip and keep common filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
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
from customers.orders.models import OrderQuerySet
from customers.records.metrics import CustomerMetrics
from kit.domain.days import format_day, show_day
from kit.domain.modules import lent
from kit.domain.money import format_yuan
from kit.domain.own_rows import OwnRows
from kit.domain.urls import page_url
from kit.lists.columns import Column
from kit.lists.list_page import ListPage, RowCounts, count_views
from kit.lists.list_tabs import ALL, Tabs
from kit.lists.list_views.views import View
from kit.pages.buttons import Control
from kit.pages.query_string import QueryString
from kit.pages.templatetags.ui import chip

from .alert_pages import LOG, PAUSE, WARN
from .alerts import AlertLevel
from .columns import NetColumn, columns_for
from .filters import AlertFilter
from .list_figures import AlertRanking, count_cases, rank_alerts, sum_of_cases
from .models import Alert, AlertQuerySet

SHARED_FILTERS = ("customer", "manager", "department", "mine")
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
    rows = narrow_to_own(Alert.objects.visible_to(request.user), request).alerted(orders_as_of())
    filtered = AlertFilter(shared_filters(request), queryset=rows, request=request)
    return rank_alerts(in_default_order(filtered.qs), request.user).number if filtered.is_valid() else 0


def narrow_to_own(rows: Any, request: Any) -> Any:
    """Return the rows that 我的 of the other list leads to. rows: of cases or of alerts."""
    is_mine = request.GET.get("mine") == "1" and rows.own_rows_of(request.user) is not OwnRows.NONE
    return rows.mine(request.user) if is_mine else rows


def case_links(request: Any) -> list[dict[str, Any]]:
    """Return the states of cases, each with the number of rows it leads to. request: of the list of alerts."""
    rows = narrow_to_own(ChurnCase.objects.visible_to(request.user), request)
    counts = numbers_in_tabs(count_cases(with_shared_filters(rows, request), request.user))
    return [
        {
            "label": label,
            "url": list_url("customers:churn_list", request, status=key),
            "current": False,
            "count": counts[key],
        }
        for key, label in CASE_TABS.labels.items()
    ]


def with_shared_filters(cases: ChurnCaseQuerySet, request: Any) -> QuerySet[ChurnCase]:
    conditions = shared_filters(request)
    if not conditions.keys() - {"mine"}:
        return cases  # without the work of a form
    filtered = ChurnFilter(conditions, queryset=cases, request=request)
    return filtered.qs if filtered.is_valid() else cases.none()


def numbers_in_tabs(by_status: Mapping[str, int]) -> dict[str, int]:
    statuses = {ALL: tuple(by_status), OPEN_TAB: ChurnCase.OPEN}
    return {key: sum(by_status.get(one, 0) for one in statuses.get(key, (key,))) for key in CASE_TABS.labels}


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
    return format_html(pause, lamp, alert.pause_reason, show_day(alert.paused_until))


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


# What a row and its buttons read.
ALERT_FIELDS = (
    "late_from", "alarm_from", "usual_days", "low_days", "high_days", "last_order_on", "last_interaction_on", "net_12m",
    "computed_for", "customer__name", "customer__status", "customer__deleted_at", "customer__merged_into",
    "customer__manager__name", "customer__manager__username",
)  # fmt: skip
DEFAULT_SORT = "-alert_level"


def in_default_order(rows: AlertQuerySet) -> AlertQuerySet:
    return rows.order_by(DEFAULT_SORT, "-net_12m", "pk")


class AlertList(ListPage):
    model = Alert
    title, help = "提前预警", "early"
    crumbs = (("客户管理", ""), ("客户流失管理", "customers:churn_list"))
    template_name = "customers/alert_list.html"
    select_related, only = ("customer", "customer__manager"), ALERT_FIELDS
    filterset_class = AlertFilter
    default_sort = DEFAULT_SORT
    columns: tuple[Column, ...] = ALERT_COLUMNS
    row_buttons = (PAUSE, WARN)
    tabs = AlertTabs("", ())
    export_permission = "customers.export_churncase"
    empty_text = (
        "现在没有比自己的惯常更晚的客户。客户至少有 4 个下单日才能判断；暂不提醒的不列，勾选「含已暂停」可以看到。"
    )

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.columns = columns_for(self.request.user, self.columns)

    @cached_property
    def as_of(self) -> date:
        return orders_as_of()

    def rows(self) -> AlertQuerySet:
        return super().rows().alerted(self.as_of)

    @cached_property
    def ranking(self) -> AlertRanking:
        return rank_alerts(self.in_order(self.shown_rows()), self.request.user)

    def in_order(self, rows: Any) -> AlertQuerySet:
        shows_amounts = self.request.user.has_perm(OrderQuerySet.view_permission)
        then = ["-net_12m"] if shows_amounts and not self.sort.endswith("net_12m") else []
        in_order: AlertQuerySet = rows.order_by(self.sort, *then, "pk")
        return in_order

    def ordered(self, rows: AlertQuerySet) -> AlertQuerySet:
        return self.in_order(rows).with_rest_days()

    def count_rows(self) -> RowCounts:
        if self.export.limit is not None:
            return super().count_rows()
        number = self.ranking.number
        count_views(self, number)
        return RowCounts({ALL: number}, number)

    def page_rows(self, start: int, size: int) -> list[Alert]:
        keys = self.ranking.keys[start : start + size]
        rows = self.own.drawn().with_rest_days().filter(pk__in=keys).in_bulk()
        return [rows[key] for key in keys if key in rows]

    def row_controls(self, row: Alert) -> list[Control]:
        log = [Control(LOG, LOG.url(row), True, "")] if row.customer.can_contribute(self.request.user) else []
        return [*log, *super().row_controls(row)]

    def totals(self, count: int, total: Decimal | None) -> str:
        return describe_sums(self.ranking, amounts=self.request.user.has_perm(OrderQuerySet.view_permission))

    def context(self) -> dict[str, Any]:
        records = [record for hook in lent(AlertRecord) if (record := hook.describe(self.request.user))]
        return {"as_of": self.as_of, "records": records, "mirror": mirror_notice("orders", "order_lines")}


def describe_sums(ranking: AlertRanking, *, amounts: bool) -> str:
    """Say how many alerts there are, in all and by level, and for who sees orders what their customers bought."""
    if not ranking.number:
        return ""
    net = f"，12 个月净额合计 {format_yuan(ranking.net)} 元" if amounts else ""
    parts = [f"共 {ranking.number:,} 家{net}"]
    if all(one.number for one in ranking.sums.values()):
        for level in AlertLevel:
            one = ranking.sums[level]
            parts.append(f"{level.label} {one.number:,} 家" + (f" {format_yuan(one.net)} 元" if amounts else ""))
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
    return format_html('{}<small class="sm nw">{}</small>', show_day(case.last_purchase_on), days)


def review_cell(case: ChurnCase) -> str:
    if not case.review_is_due:
        return show_day(case.review_on)
    return format_html('{}<small class="sm nw t-red in">{}</small>', show_day(case.review_on), "应复核")


def describe_measure_or_reason(case: Any, write_day: Callable[[datetime], str] = format_day) -> str:
    """Return the reason of a lost case, else the latest measure. case: a row of ChurnList."""
    if case.lost_reason:
        return f"原因：{case.lost_reason}"
    if not case.measures_n:
        return "尚无措施"
    return f"{case.measures_n} 条，最近 {write_day(case.measured_at)}：{case.measure}"


def measure_cell(case: Any) -> str:
    return describe_measure_or_reason(case, show_day)


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
    Column("暂缓措施 / 流失原因", describe_measure_or_reason, html=measure_cell, css="m-full"),
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
    columns: tuple[Column, ...] = CASE_COLUMNS
    row_buttons = (DEFER, CONFIRM, WIN_BACK)
    tabs = CASE_TABS
    export_permission = "customers.export_churncase"
    shipped_views = (
        View("review", "应复核", "status=deferred&review_due=true&sort=review_on"),
        View(
            "at_risk",
            "有风险金额",
            "status=open&at_risk=true&sort=-customer__metrics__net_12m",
            (OrderQuerySet.view_permission,),
        ),
    )
    empty_text = f"没有流失预警。{describe_period()}没有下单的客户每周六自动列入这里。"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.columns = columns_for(self.request.user, self.columns)

    @property
    def shown_columns(self) -> list[Column]:
        return [
            column for column in super().shown_columns if self.tab in TABS_OF_COLUMNS.get(column.label, (self.tab,))
        ]

    def ordered(self, rows: ChurnCaseQuerySet) -> ChurnCaseQuerySet:
        return super().ordered(rows.with_latest_measure())

    def count_rows(self) -> RowCounts:
        if self.export.limit is not None:
            return super().count_rows()
        counts = numbers_in_tabs(count_cases(self.own.filtered, self.request.user))
        count_views(self, counts[self.tab])
        return RowCounts(counts, counts[self.tab])

    def row_controls(self, row: ChurnCase) -> list[Control]:
        return super().row_controls(row) if row.closed_at is None else []  # closed cases are read-only

    def totals(self, count: int, total: Decimal | None) -> str:
        """Return the sum over the customers of the tab, each once though it may have had several cases."""
        if self.tab == ALL or not self.request.user.has_perm(OrderQuerySet.view_permission):
            return ""
        net = sum_of_cases(self.shown_rows(), self.request.user)
        return "" if net is None else f"12 个月净额合计 {format_yuan(net)} 元"

    def context(self) -> dict[str, Any]:
        return {"last_scan": last_scan(), "mirror": mirror_notice("orders", "order_lines")}
