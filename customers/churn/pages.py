"""Pages of 客户流失管理: record page with measures, the three actions, and the manual scan."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views import View

from accounts.models import User
from basedata.models import mirror_notice
from customers.orders.models import Order
from customers.records.models import Customer
from kit.audit.models import AuditEntry
from kit.pages.buttons import Button, controls
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage
from kit.pages.page import render_page
from kit.pages.record_page import RecordPage
from kit.sql.readers import NO_KEY, FixedRows

from .evidence import bought_lately, evidence_of, monthly_trend
from .forms import ConfirmLossForm, DeferForm, WinBackForm
from .models import ChurnCase, ChurnMeasure
from .tasks import scan_jobs, start_scan

CRUMBS = (("客户管理", ""), ("客户流失管理", "customers:churn_list"))
RELATED = (
    "customer", "customer__manager", "customer__level", "manager_then", "opened_by", "lost_kind", "competitor",
)  # fmt: skip
DEFER = Button(ChurnCase.defer, "clock", "customers:churn_defer")
CONFIRM = Button(ChurnCase.confirm, "trending-down", "customers:churn_confirm", "btn-warn")
WIN_BACK = Button(ChurnCase.win_back, "refresh", "customers:churn_win_back", "btn-primary")


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


@cache
def _current_case() -> FixedRows[ChurnCase]:
    current = (*ChurnCase.OPEN, ChurnCase.Status.CONFIRMED)
    return FixedRows(ChurnCase.objects.filter(customer=NO_KEY, status__in=current).order_by("-pk")[:1])


def churn_card(customer: Customer, user: User) -> dict[str, Any] | None:
    """Return the context of the customer's open case or confirmed loss; None without one. customer: in view."""
    cases = _current_case().of(customer.pk) if user.has_perm(ChurnCase.objects.all().view_permission) else []
    if not cases:
        return None
    case, case.customer = cases[0], customer
    orders = Order.objects.visible_to(user).filter(customer=customer).purchases()
    allowed = [control for control in controls((DEFER, CONFIRM, WIN_BACK), case, user) if control.allowed]
    return {"case": case, "evidence": evidence_of(case, orders).sentence, "controls": allowed}
