"""Pages of 客户流失管理: list, record page with measures, the three actions, and the manual scan."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.html import format_html
from django.views import View

from accounts.models import User
from basedata.models import mirror_notice
from customers.orders.models import Order
from customers.records.models import Customer
from kit.audit.models import AuditEntry
from kit.domain.days import format_day
from kit.pages.buttons import Button, Control, controls
from kit.pages.columns import Column
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage
from kit.pages.list_page import ListPage
from kit.pages.list_tabs import Tabs
from kit.pages.page import render_page
from kit.pages.record_page import RecordPage
from kit.pages.templatetags.ui import chip

from .evidence import bought_lately, evidence_of, monthly_trend
from .filters import ChurnFilter
from .forms import ConfirmLossForm, DeferForm, WinBackForm
from .models import ChurnCase, ChurnCaseQuerySet, ChurnMeasure
from .tasks import last_scan, scan_jobs, start_scan

CRUMBS = (("客户管理", ""), ("客户流失管理", "customers:churn_list"))
RELATED = ("customer", "customer__manager", "manager_then", "opened_by", "lost_kind", "competitor")
DEFER = Button(ChurnCase.defer, "clock", "customers:churn_defer")
CONFIRM = Button(ChurnCase.confirm, "trending-down", "customers:churn_confirm", "btn-warn")
WIN_BACK = Button(ChurnCase.win_back, "refresh", "customers:churn_win_back", "btn-primary")
OPEN_TAB = "open"


def customer_cell(case: ChurnCase) -> str:
    return format_html('<a href="{}">{}</a>', case.get_absolute_url(), case.customer.name)


def manager_cell(case: ChurnCase) -> str:
    """Draw today's owner, and the one at the confirmation if it was another."""
    if case.manager_then_id in (None, case.customer.manager_id):
        return case.customer.manager.name
    return format_html('{}<small class="sm">确认时 {}</small>', case.customer.manager, case.manager_then)


def last_purchase_cell(case: ChurnCase) -> str:
    if case.last_purchase_on is None:
        return format_html('—<small class="sm">{}</small>', "从未下单")
    days = f"已 {case.silent_days} 天" if case.closed_at is None else ""
    return format_html('{}<small class="sm nw">{}</small>', format_day(case.last_purchase_on), days)


def review_cell(case: ChurnCase) -> str:
    if not case.review_is_due:
        return format_day(case.review_on)
    return format_html('{}<small class="sm nw t-red">{}</small>', format_day(case.review_on), "应复核")


def describe_measure_or_reason(case: Any) -> str:
    """Return the reason of a lost case, else the latest measure. case: a row of ChurnList."""
    if case.lost_reason:
        return f"原因：{case.lost_reason}"
    if not case.measures_n:
        return "尚无措施"
    return f"{case.measures_n} 条，最近 {format_day(case.measured_at, 'short')}：{case.measure}"


def narrow_to_tab(cases: QuerySet[ChurnCase], tab: str) -> QuerySet[ChurnCase]:
    return cases.filter(status__in=ChurnCase.OPEN) if tab == OPEN_TAB else cases.filter(status=tab)


class ChurnList(ListPage):
    model = ChurnCase
    title, crumbs, help = "客户流失管理", (("客户管理", ""),), "churn"
    template_name = "customers/churn_list.html"
    select_related = ("customer", "customer__manager", "manager_then")
    filterset_class = ChurnFilter
    default_sort = "-opened_at"
    columns = (
        Column("编号", "pk", sort="id", css="m-h mute"),
        Column("客户", "customer.name", sort="customer__name_pinyin", html=customer_cell, css="m-t"),
        Column("状态", "get_status_display", sort="status", html=chip, css="m-r"),
        Column("客户经理", "customer.manager", html=manager_cell, css="nw"),
        Column("确认时的客户经理", "manager_then", export_only=True),
        Column("上次下单时间", "last_purchase_on", sort="last_purchase_on", html=last_purchase_cell, css="nw"),
        Column("暂缓措施 / 流失原因", describe_measure_or_reason, css="m-full"),
        Column("确认流失时间", "confirmed_at", sort="confirmed_at", css="nw m-h"),
        Column("下次复核", "review_on", sort="review_on", html=review_cell, css="nw"),
        Column("预警时间", "opened_at", sort="opened_at", export_only=True),
    )
    row_buttons = (DEFER, CONFIRM, WIN_BACK)
    tabs = Tabs("status", [(OPEN_TAB, "待处理"), *ChurnCase.Status.choices], OPEN_TAB, narrow_to_tab)
    export_permission = "customers.export_churncase"
    empty_text = "没有流失预警。六个月没有下单的客户每周六自动列入这里。"

    def ordered(self, rows: ChurnCaseQuerySet) -> ChurnCaseQuerySet:
        return super().ordered(rows.with_latest_measure())

    def row_controls(self, row: ChurnCase) -> list[Control]:
        return super().row_controls(row) if row.closed_at is None else []  # closed cases are read-only

    def context(self) -> dict[str, Any]:
        return {"last_scan": last_scan(), "mirror": mirror_notice("orders", "order_lines")}


class ChurnDetail(RecordPage):
    model, select_related = ChurnCase, RELATED
    crumbs, help = CRUMBS, "churn"
    template_name = "customers/churn_detail.html"

    def context(self, record: ChurnCase) -> dict[str, Any]:
        user = self.request.user
        return {**case_context(record, user), "form": DeferForm() if record.can_defer(user) else None}


def case_context(case: ChurnCase, user: User) -> dict[str, Any]:
    """Return the context of churn_detail.html, but for the form of 暂缓流失."""
    may_defer = case.can_defer(user)
    orders = Order.objects.visible_to(user).filter(customer=case.customer_id).purchases()
    evidence = evidence_of(case, orders)
    return {
        "mirror": mirror_notice("orders", "order_lines"),
        "measures": list(case.measures.select_related("kind", "by").order_by("-at", "-pk")),
        "why_not": "" if may_defer or may_defer.hidden or not case.is_open else may_defer.reason,
        "habit": evidence.habit,
        "evidence": evidence.sentence,
        "trend": monthly_trend(case, orders),
        "bought": bought_lately(case, orders),
        "history": AuditEntry.objects.about(case)[:8],
        "head": [control for control in controls((CONFIRM, WIN_BACK), case, user) if control.allowed],
    }


class ChurnHistory(HistoryPage):
    model, select_related = ChurnCase, ("customer",)
    crumbs, help = CRUMBS, "churn"


class DeferLoss(FormPage):
    """The form is part of the record page, below the measures."""

    do, title, form, message = ChurnCase.defer, "暂缓流失", DeferForm, "暂缓措施已保存"
    select_related, crumbs, help = RELATED, CRUMBS, "churn"
    template_name = "customers/churn_detail.html"

    def context(self, record: ChurnCase, form: DeferForm) -> dict[str, Any]:
        return case_context(record, self.request.user)

    def success_url(self, record: ChurnCase, result: ChurnMeasure) -> str:
        return record.get_absolute_url()


class ConfirmLoss(FormPage):
    do, title, form = ChurnCase.confirm, "确认流失", ConfirmLossForm
    select_related, crumbs, help = RELATED, CRUMBS, "churn"
    template_name = "customers/churn_confirm.html"
    submit_label, danger, message = "确认流失", True, "客户已确认流失"


class WinBack(FormPage):
    do, title, form = ChurnCase.win_back, "挽回", WinBackForm
    select_related, crumbs, help = RELATED, CRUMBS, "churn"
    submit_label, message = "挽回", "客户已挽回，状态恢复为正常"


class ChurnScan(View):
    """The last runs of the scan, and a button that starts one as a job."""

    title, crumbs, help = "流失扫描", (("客户管理", ""),), "churn"
    template_name = "customers/churn_scan.html"
    request: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.request.user.has_perm("customers.scan_churncase"):
            raise PermissionDenied("您的角色不能运行流失扫描。")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return render_page(self, jobs=scan_jobs())

    def post(self, request: HttpRequest) -> HttpResponse:
        start_scan(self.request.user)
        messages.success(request, "流失扫描已开始，完成后结果显示在下面。")
        return redirect("customers:churn_scan")


def churn_card(customer: Customer, user: User) -> dict[str, Any] | None:
    """Return the context of the customer's open case or confirmed loss; None without one."""
    current = (*ChurnCase.OPEN, ChurnCase.Status.CONFIRMED)
    case = ChurnCase.objects.visible_to(user).filter(customer=customer, status__in=current).order_by("-pk").first()
    if case is None:
        return None
    case.customer = customer
    orders = Order.objects.visible_to(user).filter(customer=customer).purchases()
    allowed = [control for control in controls((DEFER, CONFIRM, WIN_BACK), case, user) if control.allowed]
    return {"case": case, "evidence": evidence_of(case, orders).sentence, "controls": allowed}
