"""客户管理报告: list, page, writing, submitting, answering, and the workbook."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import User
from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from kit.domain.days import add_months, format_day
from kit.exchange.export_question import ExportQuestion
from kit.exchange.exports import CONTENT_TYPES, file_response
from kit.lists.columns import Column
from kit.lists.filter_choices import OneOfRecords
from kit.lists.filters import ListFilter
from kit.lists.list_page import ListPage, NewLink
from kit.lists.list_tabs import Tabs
from kit.pages.buttons import Button, controls
from kit.pages.export_requests import effect_refusal
from kit.pages.form_page import FormPage
from kit.pages.forms import Block, CrmForm, RecordForm
from kit.pages.history import HistoryPage, hide_record_names
from kit.pages.record_page import RecordPage
from kit.pages.templatetags.ui import chip
from kit.pages.unknown_parameters import get_part_or_404
from reports.pages.monthly_sections import four_reports
from reports.report_snapshot import restore_reports

from ..models import MonthlyReport, Submission
from ..models.monthly import REVIEW as REVIEW_PERMISSION
from ..monthly_workbook import write_monthly

LIST = ("客户管理报告", "reports:monthly_list")
CRUMBS = (("统计报表", ""), LIST)
HELP = "report-monthly"
EDIT = Button(MonthlyReport.edit, "edit", "reports:monthly_update")
REFRESH = Button(MonthlyReport.refresh, "refresh", "reports:monthly_refresh")
REMOVE = Button(MonthlyReport.remove, "trash", "reports:monthly_delete", dialog=True)
SUBMIT = Button(MonthlyReport.submit, "circle-check", "reports:monthly_submit", "btn-primary")
REVIEW = Button(MonthlyReport.review, "circle-check", "reports:monthly_review", "btn-primary")
SEND_BACK = Button(MonthlyReport.send_back, "refresh", "reports:monthly_return", "btn-warn")
MONTHS_BACK = 12


def authors(request: Any) -> QuerySet[User]:
    if request is None:
        return User.objects.none()
    return User.objects.filter(pk__in=MonthlyReport.objects.visible_to(request.user).order_by().values("author"))


class MonthlyFilter(ListFilter):
    author = OneOfRecords(queryset=authors, label="报告人")
    year = django_filters.NumberFilter(field_name="period__year", label="年份", min_value=1900, max_value=2999)

    class Meta:
        model = MonthlyReport
        fields: list[str] = []


def period_cell(report: MonthlyReport) -> str:
    return format_html('<a href="{}">{}</a>', report.get_absolute_url(), format_day(report.period, "month"))


def due_cell(report: MonthlyReport) -> str:
    late = format_html('<small class="sm nw t-red in">{}</small>', "已过期限") if report.is_late else ""
    return format_html("{}{}", format_day(report.due_on), late)


class MonthlyList(ListPage):
    model = MonthlyReport
    title, crumbs, help = "客户管理报告", (("统计报表", ""),), "report-monthly"
    select_related = ("author",)
    filterset_class = MonthlyFilter
    default_sort = "-period"
    columns = (
        Column("期间", lambda report: format_day(report.period, "month"), sort="period", html=period_cell, css="m-t"),
        Column("状态", "get_status_display", sort="status", html=chip, css="m-r"),
        Column("报告人", "author", sort="author__name", css="nw"),
        Column("提交期限", "due_on", html=due_cell, css="nw"),
        Column("提交时间", "submitted_at", sort="submitted_at", css="nw"),
        Column("批注", "comment", css="m-full"),
    )
    row_buttons = (EDIT, SUBMIT, REVIEW, SEND_BACK)
    tabs = Tabs("status", MonthlyReport.Status.choices)
    new = NewLink(MonthlyReport.create, "reports:monthly_create", "写报告")
    export_permission = "reports.export_reports"
    empty_text = "还没有客户管理报告。销售主管每月从四张统计报表写一份，提交后由高管审阅。"

    def rows(self) -> QuerySet[MonthlyReport]:
        last = Submission.objects.filter(report=OuterRef("pk")).order_by("-number")
        return (
            super()
            .rows()
            .defer("figures")
            .annotate(
                submitted_at=Subquery(last.values("submitted_at")[:1]), comment=Subquery(last.values("comment")[:1])
            )
        )


class MonthlyDetail(RecordPage):
    """The working copy for the author while it is open, else the last submission; ?submission=1 an earlier one."""

    model, select_related = MonthlyReport, ("author",)
    crumbs, help = CRUMBS, HELP
    template_name = "reports/monthly_detail.html"

    def context(self, record: MonthlyReport) -> dict[str, Any]:
        user = self.request.user
        submissions = list(record.submissions.select_related("answered_by").order_by("-number"))
        version = self.chosen_submission(submissions) or record.shown_to(user)
        main = controls((REMOVE, REFRESH, EDIT, SUBMIT, SEND_BACK, REVIEW), record, user)
        return {
            "shown": version,
            "is_earlier": isinstance(version, Submission) and submissions and version != submissions[0],
            "kept": restore_reports(version.figures),
            "submissions": submissions,
            "head": [control for control in main if control.allowed],
            "why_not": "" if record.remarks.strip() else self.submit_objection(record),
            "history": hide_record_names(AuditEntry.objects.about(record)[:8], labels_hidden_from(user)),
            "may_export": user.has_perm("reports.export_reports"),
            "now": timezone.localtime(),
        }

    def chosen_submission(self, submissions: list[Submission]) -> Submission | None:
        by_number = {submission.number: submission for submission in submissions}
        number = get_part_or_404(self.request.GET, "submission", by_number)
        return None if number is None else by_number[number]

    def submit_objection(self, record: MonthlyReport) -> str:
        return record.can_submit(self.request.user).reason if record.can_edit(self.request.user) else ""


class MonthlyHistory(HistoryPage):
    model, crumbs, help = MonthlyReport, CRUMBS, HELP

    def hidden_labels(self) -> tuple[str, ...]:
        return labels_hidden_from(self.request.user)


def labels_hidden_from(user: User) -> tuple[str, ...]:
    """Return labels of the history hidden from reviewers, who read submissions, not their making."""
    return ("情况说明",) if user.has_perm(REVIEW_PERMISSION) else ()


class NewMonthlyForm(CrmForm, forms.Form):
    period = forms.ChoiceField(label="期间")
    remarks = forms.CharField(
        label="情况说明", max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 10}),
        help_text="本月完成情况、主要变化和原因、下月安排。可以先存草稿，提交前填好。",
    )  # fmt: skip

    blocks = (Block("报告", "保存时从四张统计报表取数，之后可以重新取数。", (("period", 3), "remarks")),)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        this_month = timezone.localdate().replace(day=1)
        months = [add_months(this_month, -back) for back in range(MONTHS_BACK)]
        months_written = set(MonthlyReport.objects.filter(author=user).values_list("period", flat=True))
        free = [month for month in months if month not in months_written]
        period: Any = self.fields["period"]
        period.choices = [(f"{month:%Y-%m-%d}", format_day(month, "month")) for month in free]
        period.error_messages["invalid_choice"] = "这个月的报告已经有了，或还不能写。请另选一个月。"
        last = add_months(this_month, -1)
        self.initial.setdefault("period", f"{last if last in free else this_month:%Y-%m-%d}")

    def clean_period(self) -> date:
        return date.fromisoformat(self.cleaned_data["period"])


class MonthlyForm(RecordForm):
    class Meta:
        model = MonthlyReport
        fields = ["remarks"]
        widgets = {"remarks": forms.Textarea(attrs={"rows": 12})}

    blocks = (Block("情况说明", "本月完成情况、主要变化和原因、下月安排。", ("remarks",)),)


class MonthlyCreate(FormPage):
    do, title, form = MonthlyReport.create, "写客户管理报告", NewMonthlyForm
    crumbs, help = CRUMBS, HELP
    message = "已保存为草稿，核对数字和说明后提交。"
    submit_label = "保存草稿"

    def form_options(self, record: MonthlyReport) -> dict[str, Any]:
        return {"user": self.request.user}

    def back_url(self, record: MonthlyReport) -> str:
        return reverse("reports:monthly_list")

    def carry_out(self, record: MonthlyReport, form: NewMonthlyForm) -> MonthlyReport:
        user, values = self.request.user, form.values()
        return MonthlyReport.create(by=user, figures=four_reports(user, values["period"]), **values)


class MonthlyUpdate(FormPage):
    do, title, form = MonthlyReport.edit, "编辑客户管理报告", MonthlyForm
    select_related, crumbs, help = ("author",), CRUMBS, HELP
    template_name = "reports/monthly_edit.html"

    def context(self, record: MonthlyReport, form: MonthlyForm) -> dict[str, Any]:
        return {"kept": restore_reports(record.figures), "shown": record}


class MonthlyAction(FormPage):
    """A page of one report; afterwards the report is shown."""

    select_related, crumbs, help = ("author",), CRUMBS, HELP

    def success_url(self, record: MonthlyReport, result: Any) -> str:
        return record.get_absolute_url()


class RefreshMonthly(MonthlyAction):
    do, title, question = MonthlyReport.refresh, "重新取数", "用现在的数字替换报告里的四张报表？"
    submit_label, message = "重新取数", "四张报表已按现在的数据更新"

    def context(self, record: MonthlyReport, form: Any) -> dict[str, Any]:
        taken_at = format_day(record.taken_at, "time")
        return {"named": str(record), "consequence": f"现有数字取自 {taken_at}，替换后不能找回；情况说明不变。"}

    def carry_out(self, record: MonthlyReport, form: Any) -> None:
        record.refresh(by=self.request.user, figures=four_reports(self.request.user, record.period))


class RemoveMonthly(MonthlyAction):
    do, title, question = MonthlyReport.remove, "删除报告", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"

    def context(self, record: MonthlyReport, form: Any) -> dict[str, Any]:
        return {"named": f"草稿：{record}", "consequence": "草稿删除后不能找回；变更历史会保留删除人和时间。"}

    def success_url(self, record: MonthlyReport, result: Any) -> str:
        return reverse("reports:monthly_list")


class SubmitMonthly(MonthlyAction):
    do, title, question = MonthlyReport.submit, "提交报告", "确认提交？"
    submit_label, message = "提交", "报告已提交，等待高管审阅"

    def context(self, record: MonthlyReport, form: Any) -> dict[str, Any]:
        taken_at = format_day(record.taken_at, "time")
        return {
            "named": str(record),
            "details": f"数字取自 {taken_at}",
            "consequence": "提交后数字和说明都不能再改；被退回后可以修改再提交，每次提交都会保留。",
        }


class ReviewForm(CrmForm, forms.Form):
    comment = forms.CharField(label="批注", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    blocks = (Block("审阅", "批注会发给报告人。审阅后报告不再改动。", ("comment",)),)


class SendBackForm(CrmForm, forms.Form):
    comment = forms.CharField(label="批注", max_length=1000, widget=forms.Textarea(attrs={"rows": 4}))
    blocks = (Block("退回", "写明要补充或改正什么；报告人修改后再次提交，这次提交的内容仍保留。", ("comment",)),)


class ReviewMonthly(MonthlyAction):
    do, title, form = MonthlyReport.review, "审阅报告", ReviewForm
    submit_label, message = "审阅", "报告已审阅"


class SendBackMonthly(MonthlyAction):
    do, title, form = MonthlyReport.send_back, "退回报告", SendBackForm
    submit_label, danger, message = "退回", True, "报告已退回"


class MonthlyWorkbook(RecordPage):
    """The report as a workbook: the page's content, with a sheet for each of the four reports."""

    model, select_related = MonthlyReport, ("author",)
    crumbs, help = CRUMBS, HELP

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return effect_refusal(request) or super().dispatch(request, *args, **kwargs)

    def get_record(self) -> MonthlyReport:
        record = super().get_record()
        if not self.request.user.has_perm("reports.export_reports"):
            raise PermissionDenied("您的角色不能导出。")
        return record

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        facts = (("报告", str(record)), ("报告人", str(record.author)), ("内容", "四张报表和情况说明，各一页"))
        return ExportQuestion(
            "导出客户管理报告", facts, record.get_absolute_url(), crumbs=CRUMBS, help_anchor=self.help
        ).ask(request)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        user, buffer = self.request.user, io.BytesIO()
        write_monthly(buffer, record, record.shown_to(user), by=user)
        log_event(user, "导出", record)
        return file_response(buffer.getvalue(), f"{record}-{record.author}.xlsx", CONTENT_TYPES["xlsx"])
