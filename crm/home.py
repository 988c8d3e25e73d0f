"""工作台: what waits for the user, per role, with links; and their background jobs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from accounts.models import Notification, User
from accounts.notifications import mail
from accounts.scopes.rule import VIEW, widest_scope
from customers.insight.alerts import AlertLevel
from customers.models import Alert, ChurnCase, Customer
from customers.orders.as_of import orders_as_of
from kit.audit.models import AuditEntry
from kit.domain.modules import modules
from kit.exchange.exports import EXPORT_FUNCTION, resolve_export
from kit.jobs.models import Job, JobRefused
from kit.lists.paging import MAX_COUNT, format_count
from kit.sql.counts import count_capped
from kit.undo.models import UndoEntry
from marketing.models import Opportunity, PlanItem
from marketing.waiting import agreed_follow_ups, developed_by, due_items
from reports.models import MonthlyReport
from reports.overview import executive_tasks, executive_tiles, risk_at_a_glance
from reports.reminders import month_owed_by
from services.models import ServiceRequest, assignment_access

AHEAD = timedelta(days=7)
MAX_WAITING = 999


SHOWN_OF_REQUESTS = (
    "summary", "status", "returns", "satisfaction", "created_at", "handled_at", "due_at", "waiting_since",
    "organisation", "customer__name", "kind__item", "kind__value", "assignee__name", "assignee__username",
    "created_by__name", "created_by__username",
)  # fmt: skip


class Home(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        user = cast(User, request.user)
        context: dict[str, Any] = {"today": timezone.localdate(), "title": "工作台", "help_anchor": "home"}
        if user.has_perm("marketing.develop_opportunity"):
            context.update(own_work(user))
        if user.has_perm("marketing.assign_opportunity"):
            context.update(supervised_work(user))
        if user.has_perm("marketing.view_opportunity"):
            context["figures"] = figures(user)
        if user.has_perm("accounts.administer"):
            context.update(administration())
        context.update(churn_work(user))
        context.update(service_work(user))
        context.update(report_work(user))
        context |= waiting_work(user, reports=1 if context.get("report_owed") else 0)
        context["notifications"] = Notification.visible(user, limit=5)
        return render(request, "home.html", context)


def waiting_work(user: User, *, reports: int) -> dict[str, Any]:
    """Count all that the page lists as waiting for the user, and what of it is late; not only the rows on the page."""
    works = [module.waiting for module in modules() if module.waiting]
    rows = [queryset for work in works for queryset in work.todo(user)]
    late = [queryset for work in works for queryset in work.late(user)]
    team = [*team_late_items(user), *team_overdue_requests(user)]
    counts = count_capped((queryset, MAX_WAITING + 1) for queryset in (*rows, *late, *team)) if rows else []
    until = len(rows) + len(late)
    sums = {
        "todo": sum(counts[: len(rows)]) + reports,
        "overdue": sum(counts[len(rows) : until]),
        "team_late_total": sum(counts[until:]),
    }
    return {name: f"{MAX_WAITING}+" if n > MAX_WAITING else n for name, n in sums.items()}


def own_work(user: User) -> dict[str, Any]:
    """Return a 客户经理's plan items due or coming, opportunities without a plan, customers lacking data."""
    today = timezone.localdate()
    items = list(due_items(user, today + AHEAD).select_related("opportunity")[:50])
    talks = follow_ups(user, today)
    counted = developed_by(user).with_progress()
    opportunities = list(counted.order_by("-success_rate", "pk")[:8])
    return {
        **talks,
        "late": [item for item in items if item.on < today],
        "due_today": [item for item in items if item.on == today],
        "coming": [item for item in items if item.on > today],
        "without_plan": list(counted.filter(items_all=0).order_by("assigned_at")[:10]),
        "opportunities": opportunities,
        "incomplete": list(Customer.objects.current().filter(manager=user).incomplete().order_by("-created_at")[:10]),
    }


def follow_ups(user: User, today: date) -> dict[str, Any]:
    """Return what a 客户经理 agreed with customers: 待跟进 up to today, and the coming days."""
    rows = agreed_follow_ups(user, today + AHEAD).select_related("customer", "kind", "contact")
    talks = list(rows.order_by("follow_up_on", "pk")[:50])
    return {
        "to_follow_up": [talk for talk in talks if talk.follow_up_on and talk.follow_up_on <= today],
        "follow_up_soon": [talk for talk in talks if talk.follow_up_on and talk.follow_up_on > today],
    }


def team_late_items(user: User) -> list[QuerySet[PlanItem]]:
    """Return the overdue plan items of a 销售主管's people, in a list; nothing for others."""
    if not user.has_perm("marketing.assign_opportunity"):
        return []
    late = PlanItem.objects.due(timezone.localdate() - timedelta(days=1))
    return [late.filter(opportunity__in=Opportunity.objects.editable_by(user))]


def team_overdue_requests(user: User) -> list[QuerySet[ServiceRequest]]:
    """Return the overdue requests in work of a 销售主管's people, in a list; nothing for others."""
    if not user.has_perm("services.assign_servicerequest"):
        return []
    rows = ServiceRequest.objects.editable_by(user).in_work()
    return [rows.overdue(Now())]  # the database's clock: the statement stays the same from one second to the next


def supervised_work(user: User) -> dict[str, Any]:
    """Return a 销售主管's opportunities to assign and the overdue plan items of their people."""
    rows = Opportunity.objects.editable_by(user).select_related("created_by", "assignee")
    return {
        "to_assign": list(rows.filter(status=Opportunity.Status.UNASSIGNED).order_by("created_at")[:10]),
        "team_late": [
            item
            for late in team_late_items(user)
            for item in late.select_related("opportunity", "opportunity__assignee")[:10]
        ],
    }


def churn_work(user: User) -> dict[str, Any]:
    """Return cases to review and new warnings; for a 销售主管 what their people confirmed in the last 30 days."""
    context: dict[str, Any] = {}
    if user.has_perm("customers.handle_churncase"):
        mine = ChurnCase.objects.of_manager(user).select_related("customer")
        context["churn_due"] = list(mine.to_review(timezone.localdate()).order_by("review_on", "pk")[:10])
        context["alerts"] = own_red_alerts(user)
        context["churn_new"] = list(mine.filter(status=ChurnCase.Status.WARNING).order_by("-opened_at", "-pk")[:5])
    if user.has_perm("marketing.assign_opportunity") and user.has_perm("customers.view_churncase"):
        since = timezone.now() - timedelta(days=30)
        theirs = ChurnCase.objects.filter(customer__in=Customer.objects.editable_by(user))
        lost = theirs.filter(status=ChurnCase.Status.CONFIRMED, confirmed_at__gte=since)
        context["team_lost"] = list(lost.select_related("customer__manager").order_by("-confirmed_at", "-pk")[:10])
    return context


def own_red_alerts(user: User) -> list[Alert]:
    """Return the largest customers of a 客户经理 that are 晚于惯常, without those they paused."""
    alerts = Alert.objects.visible_to(user).alerted(orders_as_of(), AlertLevel.RED).without_paused()
    mine = alerts.filter(customer__manager=user).with_rest_days().select_related("customer")
    return list(mine.order_by("-net_12m", "pk")[:5])


def service_work(user: User) -> dict[str, Any]:
    """Return requests to handle and to feed back; for a 销售主管 those to assign and those that came back twice.

    And for everybody those they help with.
    """
    context: dict[str, Any] = {}
    rows = ServiceRequest.objects.select_related("kind", "customer", "assignee", "created_by").only(*SHOWN_OF_REQUESTS)
    if user.has_perm("services.handle_servicerequest"):
        context["to_handle"] = list(rows.to_handle(user).order_by("due_at", "pk")[:10])
        context["to_feed_back"] = list(rows.to_feed_back(user).order_by("handled_at", "pk")[:10])
    if user.has_perm("services.assign_servicerequest"):
        theirs = rows.editable_by(user)
        context["to_dispatch"] = list(theirs.filter(status=ServiceRequest.Status.NEW).order_by("created_at", "pk")[:10])
        context["to_decide"] = list(theirs.to_decide().order_by("to_decide_since", "pk")[:10])
        context["team_overdue"] = list(theirs.in_work().overdue().order_by("due_at", "pk")[:10])
    if helped := assignment_access(user).requests:
        context["helping"] = list(rows.in_work().filter(pk__in=helped).order_by("due_at", "pk")[:10])
    return context


def report_work(user: User) -> dict[str, Any]:
    """Return the report a 销售主管 owes; for an executive the reports at a glance and those to review."""
    context: dict[str, Any] = {}
    if user.has_perm("reports.add_monthlyreport"):
        returned = MonthlyReport.objects.returned_to(user).defer("figures")
        context |= {"report_owed": month_owed_by(user), "reports_returned": list(returned[:5])}
    if user.has_perm("reports.review_monthlyreport"):
        context |= {"risk": risk_at_a_glance(user), "overview": executive_tiles(user), **executive_tasks(user)}
    return context


def figures(user: User) -> dict[str, str]:
    """Return counts in the user's view, which is named: under development, to assign, won and lost this month."""
    rows, status = Opportunity.objects.visible_to(user), Opportunity.Status
    first = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    querysets = {
        "assigned": rows.filter(status=status.ASSIGNED),
        "unassigned": rows.filter(status=status.UNASSIGNED),
        "won": rows.filter(status=status.WON, closed_at__gte=first),
        "lost": rows.filter(status=status.LOST, closed_at__gte=first),
    }
    counts = count_capped((queryset, MAX_COUNT + 1) for queryset in querysets.values())
    texts = {name: format_count(count) for name, count in zip(querysets, counts, strict=True)}
    return {**texts, "scope": widest_scope(user, "marketing.view_opportunity", VIEW).label}


def administration() -> dict[str, Any]:
    """Return an administrator's overview: users without a role or department, failed jobs, the newest events."""
    return {
        "unplaced": list(User.objects.filter(is_active=True).filter(Q(groups=None) | Q(department=None))[:10]),
        "failed_jobs": list(Job.objects.filter(status=Job.Status.FAILED)[:5]),
        "events": list(AuditEntry.objects.order_by("-id")[:8]),
        "people": User.objects.filter(is_active=True).count(),
    }


class JobList(View):
    """List the user's own jobs; for an administrator everybody's."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user = cast(User, request.user)
        rows = own_jobs(user).select_related("owner")[:100]
        context: dict[str, Any] = {"title": "后台任务", "rows": rows, "help_anchor": "jobs"}
        context["mail"] = mail.overview() if user.has_perm("accounts.administer") else None
        return render(request, "jobs/job_list.html", context)


class SendMailAgain(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        count = mail.send_again(by=cast(User, request.user))
        messages.success(request, f"{count} 封邮件重新排队，一分钟内开始发送。" if count else "没有发送失败的邮件。")
        return redirect("job_list")


class JobDetail(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = cast(User, request.user)
        job = get_object_or_404(own_jobs(user), pk=pk)
        undoable = UndoEntry.objects.visible_to(user).open().filter(job=job).select_related("by", "job")
        context = {"title": job.kind, "job": job, "help_anchor": "jobs", "undoable": undoable}
        return render(request, "jobs/job_detail.html", context)


class JobFile(View):
    """The file a job wrote: for its owner only, and an export for as long as they may export its list."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse | HttpResponse:
        job = get_object_or_404(Job, pk=pk, owner=request.user)
        if job.file_gone:
            return redirect("job_detail", job.pk)  # says so
        if not job.file or not job.file.storage.exists(str(job.file.name)):
            raise Http404
        if job.function == EXPORT_FUNCTION:
            try:
                resolve_export(job)
            except JobRefused as refusal:
                raise PermissionDenied(str(refusal)) from refusal
        return FileResponse(job.file.open("rb"), as_attachment=True, filename=job.file_name)


def own_jobs(user: User) -> QuerySet[Job]:
    return Job.objects.all() if user.has_perm("jobs.view_job") else Job.objects.filter(owner=user)
