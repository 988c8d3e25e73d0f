"""The audit log for administrators: who, when, from where, what, old → new; and whether its seals hold."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views import View

from accounts.contact_details.masking import OPENED_VERB
from accounts.users.models import User
from kit.audit.models import AuditEntry, AuditSeal
from kit.audit.verification import ERASURE_VERB, describe_removals
from kit.domain.days import show_day
from kit.domain.text import DASH
from kit.jobs.models import Job
from kit.jobs.tasks import start_job
from kit.lists.columns import Column
from kit.lists.list_page import ListPage
from kit.lists.list_tabs import Tabs
from kit.pages.record_page import RecordPage

from .filters import AuditFilter
from .tasks import FUNCTION, last_verification

PERMISSION = "audit.view_auditentry"
CHANGES_SHOWN = 3
# Tabs for frequent questions: (key, label, verbs).
TABS = (
    ("details", "查看联系方式", (OPENED_VERB,)),
    ("exports", "导出", ("导出", "导出个人信息")),
    ("erased", "个人信息", ("导出个人信息", ERASURE_VERB)),
    ("signins", "登录", ("登录", "退出", "登录失败")),
)


def format_datetime(entry: AuditEntry) -> str:
    at = timezone.localtime(entry.at)
    return f"{show_day(at)} {at:%H:%M:%S}"


def object_cell(entry: AuditEntry) -> str:
    kind = object_kind(entry)
    return (
        format_html('{}<small class="sm in">{}</small>', entry.object_text or DASH, kind) if kind else entry.object_text
    )


def object_kind(entry: AuditEntry) -> str:
    """Return the entry's model and object id, in the words of the screen."""
    if entry.content_type_id is None:
        return ""
    model = ContentType.objects.get_for_id(entry.content_type_id).model_class()
    return f"{model._meta.verbose_name} {entry.object_id}" if model else str(entry.object_id)


def changes_cell(entry: AuditEntry) -> str:
    entry.mask_details()
    rows = [(label, f"{shorten(old)} → " if old else "", shorten(new or DASH)) for label, old, new in entry.change_list]
    lines = format_html_join("", '<small class="sm keep">{}：{}{}</small>', rows[:CHANGES_SHOWN])
    rest = len(rows) - CHANGES_SHOWN
    return format_html('{}<small class="sm mute keep">还有 {} 项</small>', lines, rest) if rest > 0 else lines or DASH


def shorten(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def in_tab(entries: QuerySet[AuditEntry], tab: str) -> QuerySet[AuditEntry]:
    return entries.filter(verb__in=next(verbs for key, _, verbs in TABS if key == tab))


class AuditList(ListPage):
    model = AuditEntry
    title, crumbs, help = "审计记录", (("权限管理", ""),), "audit"
    template_name = "accounts/audit_list.html"
    filterset_class = AuditFilter
    default_sort = "-at"
    columns = (
        Column("时间", "at", sort="at", html=format_datetime, css="nw"),
        Column("操作人", "actor_name", css="m-t nw"),
        Column("动作", "verb", css="m-r nw"),
        Column("对象", "object_text", html=object_cell),
        Column("变更（原 → 新）", "changes", html=changes_cell, css="m-full"),
        Column("来源地址", "address", css="nw"),
    )
    tabs = Tabs("about", [(key, label) for key, label, _ in TABS], narrow=in_tab)
    empty_text = "还没有审计记录。"

    def context(self) -> dict[str, Any]:
        return {"last": last_verification(), "notes": describe_removals()}


class AuditDetail(RecordPage):
    model = AuditEntry
    template_name = "accounts/audit_detail.html"
    title, help = "审计记录", "audit"
    crumbs = (("权限管理", ""), ("审计记录", "accounts:audit_list"))
    select_related = ("actor",)

    def context(self, record: AuditEntry) -> dict[str, Any]:
        record.mask_details()
        return {"kind": object_kind(record), "seal": seal_of(record.pk)}


def seal_of(pk: int) -> AuditSeal | None:
    """Return the seal over a row: nearly always the first that reaches so far."""
    candidates = AuditSeal.objects.filter(last_id__gte=pk).order_by("pk")[:20]
    return next((seal for seal in candidates if pk in seal.row_ids), None)


class VerifyAuditLog(View):
    """Start the verification in the background, or lead to the one under way."""

    title = "核对封存"

    def post(self, request: HttpRequest) -> HttpResponse:
        if not cast(User, request.user).has_perm(PERMISSION):
            raise PermissionDenied("您的角色不能核对审计记录。")
        job = Job.objects.filter(function=FUNCTION, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).first()
        if job is None:
            job = start_job("核对审计记录", FUNCTION, owner=request.user)
        messages.success(request, "正在后台核对，结果显示在这里和审计记录页上。")
        return redirect("job_detail", job.pk)
