"""Pages of 数据同步: state of the mirror, its runs, and orders without a customer."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views import View

from basedata.models import FeedPosition, SyncRun
from customers.orders.models import ParkedOrder
from kit.jobs.tasks import start_job
from kit.pages.page import render_page

from .engine import LABELS
from .matching import MatchRefused, find_customer, match_customer
from .sources import mask_location

MAX_ROWS = 50
SYNC_CRUMB = ("数据同步", "customers:sync")


class SyncPage(View):
    """A page for users who run the synchronisation."""

    title, help = "数据同步", "sync"
    crumbs: tuple[tuple[str, str], ...] = (("基础数据", ""),)
    template_name: str
    request: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("basedata.sync_sales"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)


class SyncState(SyncPage):
    template_name = "customers/sync.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        synced_at = dict(FeedPosition.objects.values_list("table", "synced_at"))
        return render_page(
            self,
            positions=[(label, synced_at.get(table)) for table, label in LABELS.items()],
            source=mask_location(settings.CRM_SYNC_SOURCE),
            runs=[(run, totals(run)) for run in SyncRun.objects.select_related("by")[:MAX_ROWS]],
            parked=ParkedOrder.objects.count(),
        )


def totals(run: SyncRun) -> dict[str, int]:
    names = ("read", "added", "changed", "unchanged", "refused", "parked")
    return {name: sum(counts.get(name, 0) for counts in run.counts.values()) for name in names}


class StartSync(SyncPage):
    def post(self, request: HttpRequest) -> HttpResponse:
        if not settings.CRM_SYNC_SOURCE:
            messages.error(request, "还没有设置同步来源，不能同步。请负责安装的同事按管理员手册填写。")
            return redirect("customers:sync")
        job = start_job("数据同步", "customers.sync.jobs.run", owner=request.user)
        return redirect("job_detail", job.pk)


class SyncRunPage(SyncPage):
    title, crumbs, template_name = "同步记录", (("基础数据", ""), SYNC_CRUMB), "customers/sync_run.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = get_object_or_404(SyncRun.objects.select_related("by"), pk=pk)
        tables = [(LABELS[table], counts) for table, counts in run.counts.items() if table in LABELS]
        refusals = [(LABELS.get(row.table, row.table), row) for row in run.refusals.all()]
        return render_page(self, run=run, tables=tables, refusals=refusals, refused=totals(run)["refused"])


class ParkedOrders(SyncPage):
    title, crumbs, template_name = "待匹配订单", (("基础数据", ""), SYNC_CRUMB), "customers/sync_parked.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show()

    def show(self, status: int = 200, **context: Any) -> HttpResponse:
        groups = ParkedOrder.objects.order_by("customer_key").values("customer_key").annotate(orders=Count("pk"))
        return render_page(self, status, groups=groups[:MAX_ROWS], total=groups.count(), **context)

    def post(self, request: HttpRequest) -> HttpResponse:
        key, typed = request.POST.get("key", "").strip(), request.POST.get("customer", "").strip()
        if "\0" in key + typed or not ParkedOrder.objects.filter(customer_key=key).exists():
            return self.show(422, error="这个编号没有待匹配的订单，请刷新页面。")
        try:
            customer = find_customer(typed, self.request.user)
            if request.POST.get("confirmed") != customer.number:
                return self.show(key=key, typed=typed, found=customer)
            matched = match_customer(customer, key, by=self.request.user)
        except MatchRefused as refusal:
            return self.show(422, key=key, typed=typed, error=str(refusal))
        messages.success(request, f"{matched} 个订单已归入 {customer.number} {customer.name}。")
        return redirect("customers:sync_parked")
