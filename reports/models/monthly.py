"""客户管理报告: a supervisor's report of one month; what was submitted never changes."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User, notify
from accounts.scopes.querysets import RowScope
from accounts.scopes.rule import VIEW, scope_includes, user_ids_in_scope
from kit.audit.log import log_event, save_changes
from kit.domain.days import add_months, format_day
from kit.domain.urls import record_url
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if, require_scope
from kit.sql.alternatives import AlternativesQuerySet
from kit.transitions import creation, transition

VIEW_REPORT, WRITE, REVIEW = "reports.view_monthlyreport", "reports.add_monthlyreport", "reports.review_monthlyreport"


def due_on(period: date) -> date:
    """Return the day of the following month by which the report of this month is due (CRM_MONTHLY_REPORT_DAY)."""
    following = add_months(period.replace(day=1), 1)
    last = calendar.monthrange(following.year, following.month)[1]
    return following.replace(day=min(max(settings.CRM_MONTHLY_REPORT_DAY, 1), last))


class MonthlyReportQuerySet(AlternativesQuerySet["MonthlyReport"]):
    view_permission = VIEW_REPORT

    def view_scope(self, user: User) -> RowScope:
        """Return the alternatives: the user's own reports, and for reviewers those submitted in their scope."""
        if not user.has_perm(self.view_permission):
            return ()
        own = Q(author=user.pk)
        if not user.has_perm(REVIEW):
            return (own,)
        people = user_ids_in_scope(user, REVIEW, VIEW)
        submitted = ~Q(status=MonthlyReport.Status.DRAFT)
        return own, submitted if people is None else submitted & Q(author__in=people)

    def visible_to(self, user: User) -> MonthlyReportQuerySet:
        """Return the user's own reports, and for reviewers those submitted by people in their scope, no drafts."""
        return self.in_scope(self.view_scope(user))

    def waiting_for(self, user: User) -> MonthlyReportQuerySet:
        """Return submitted reports that this user may review."""
        rows = self.visible_to(user).filter(status=MonthlyReport.Status.SUBMITTED).exclude(author=user)
        return rows if user.has_perm(REVIEW) else self.none()

    def returned_to(self, user: User) -> MonthlyReportQuerySet:
        return self.filter(author=user, status=MonthlyReport.Status.RETURNED)


class MonthlyReport(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", "草稿"
        SUBMITTED = "submitted", "已提交"
        REVIEWED = "reviewed", "已审阅"
        RETURNED = "returned", "已退回"

    TONES = {"draft": "hollow", "submitted": "teal", "reviewed": "green sq", "returned": "amber"}
    OPEN = (Status.DRAFT, Status.RETURNED)  # its author may still change it

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="monthly_reports", editable=False, verbose_name="报告人"
    )
    period = models.DateField("期间", editable=False, help_text="该月第一天")
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    figures = models.JSONField("四张报表", default=list, editable=False)  # as reports.report_snapshot serializes them
    taken_at = models.DateTimeField("取数时间", editable=False)
    remarks = models.TextField("情况说明", max_length=5000, blank=True)
    created_at = models.DateTimeField("创建时间", default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = MonthlyReportQuerySet.as_manager()

    class Meta:
        verbose_name = "客户管理报告"
        verbose_name_plural = "客户管理报告"
        default_permissions = ("add", "view")
        permissions = [("review_monthlyreport", "审阅、退回客户管理报告")]
        indexes = [models.Index(fields=["status", "-period", "-id"], name="reports_monthly_status")]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "period"],
                name="reports_monthly_once",
                violation_error_message="这个月的客户管理报告已经有了。",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("draft", "submitted", "reviewed", "returned")),
                name="reports_monthly_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | ~Q(remarks=""), name="reports_monthly_submitted_with_remarks"
            ),
            models.CheckConstraint(condition=Q(period__day=1), name="reports_monthly_first_of_month"),
        ]

    def __str__(self) -> str:
        return f"{format_day(self.period, 'month')}客户管理报告"

    def get_absolute_url(self) -> str:
        return record_url("reports:monthly_detail", self.pk)

    @property
    def due_on(self) -> date:
        return due_on(self.period)

    @property
    def is_late(self) -> bool:
        return self.status in self.OPEN and self.due_on < timezone.localdate()

    @property
    def last_submission(self) -> Submission | None:
        return self.submissions.order_by("-number").first() if self.pk else None

    def shown_to(self, user: User) -> MonthlyReport | Submission:
        """Return the working copy for the author while it is open, else the last submission."""
        return self if self.author_id == user.pk and self.status in self.OPEN else self.last_submission or self

    # Written by the supervisor

    @creation(WRITE, "新建", refusal="您的角色不能写客户管理报告")
    @classmethod
    def create(cls, *, by: User, period: date, figures: list[dict[str, Any]], remarks: str = "") -> MonthlyReport:
        """Create a draft with the four reports as they stand now."""
        period = period.replace(day=1)
        refuse_if(period > timezone.localdate(), "这个月还没有开始，不能写报告。").enforce()
        exists = cls.objects.filter(author=by, period=period).exists()
        refuse_if(exists, f"您已经有{format_day(period, 'month')}的客户管理报告，请在列表里打开它。").enforce()
        report = cls(author=by, period=period, figures=figures, taken_at=timezone.now(), remarks=remarks)
        report.save()
        log_event(by, "新建", report, 期间=format_day(period, "month"))
        return report

    @transition(WRITE, "编辑", refusal="您的角色不能修改客户管理报告")
    def edit(self, *, by: User, remarks: str) -> None:
        save_changes(by, "编辑", self, remarks=remarks)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return first_objection(self._require_author(by, "修改"), self._require_open("修改"))

    @transition(WRITE, "重新取数")
    def refresh(self, *, by: User, figures: list[dict[str, Any]]) -> None:
        """Replace the four reports by those of now."""
        before = self.taken_at
        self.figures, self.taken_at = figures, timezone.now()
        self._save("figures", "taken_at")
        log_event(by, "重新取数", self, 取数时间=(before, self.taken_at))

    @refresh.guard
    def can_refresh(self, by: User) -> Verdict:
        return first_objection(self._require_author(by, "重新取数"), self._require_open("重新取数"))

    @transition(WRITE, "删除")
    def remove(self, *, by: User) -> None:
        log_event(by, "删除", self, 期间=format_day(self.period, "month"))
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return first_objection(
            self._require_author(by, "删除"),
            refuse_if(self.status != self.Status.DRAFT, "提交过的报告不能删除。"),
        )

    @transition(WRITE, "提交")
    def submit(self, *, by: User) -> Submission:
        """Store the content as a submission that never changes; notify the reviewers."""
        before = self.get_status_display()
        number = self.submissions.count() + 1
        content = {name: getattr(self, name) for name in ("figures", "taken_at", "remarks")}
        submission = Submission.objects.create(report=self, number=number, **content)
        self.status = self.Status.SUBMITTED
        self._save("status")
        log_event(by, "提交", self, 状态=(before, self.get_status_display()), 第几次提交=number)
        for person in self._reviewers():
            notify(person, f"{by} 提交了{self}，请审阅。", self)
        return submission

    @submit.guard
    def can_submit(self, by: User) -> Verdict:
        return first_objection(
            self._require_author(by, "提交"),
            self._require_open("提交"),
            refuse_if(not self.remarks.strip(), "请先填写情况说明，再提交。"),
        )

    # Reviewed by an executive

    @transition(REVIEW, "审阅", refusal="只有高管可以审阅客户管理报告")
    def review(self, *, by: User, comment: str = "") -> None:
        self._answer(by, "审阅", self.Status.REVIEWED, comment)

    @review.guard
    def can_review(self, by: User) -> Verdict:
        return self._require_reviewer(by, "审阅")

    @transition(REVIEW, "退回", refusal="只有高管可以退回客户管理报告")
    def send_back(self, *, by: User, comment: str) -> None:
        refuse_if(not comment.strip(), "退回时请填写批注，说明要补充什么。").enforce()
        self._answer(by, "退回", self.Status.RETURNED, comment)

    @send_back.guard
    def can_send_back(self, by: User) -> Verdict:
        return self._require_reviewer(by, "退回")

    def _answer(self, by: User, verb: str, status: Status, comment: str) -> None:
        before, last = self.get_status_display(), self.submissions.order_by("number").last()
        assert last is not None
        self.status = status
        self._save("status")
        last.outcome, last.comment, last.answered_by, last.answered_at = status, comment, by, timezone.now()
        last.save(update_fields=["outcome", "comment", "answered_by", "answered_at"])
        log_event(by, verb, self, 状态=(before, self.get_status_display()), **({"批注": comment} if comment else {}))
        notify(self.author, f"{by} 已{verb}您的{self}{'：' + comment if comment else '。'}", self)

    # Shared objections

    def _require_author(self, by: User, verb: str) -> Verdict:
        return require_scope(self.author_id == by.pk, f"只有报告人（{self.author}）可以{verb}。")

    def _require_open(self, verb: str) -> Verdict:
        if self.status in self.OPEN:
            return ALLOWED
        return refuse_if(True, f"报告{self.get_status_display()}，不能{verb}。")

    def _require_reviewer(self, by: User, verb: str) -> Verdict:
        return first_objection(
            require_scope(self.author_id != by.pk, f"自己写的报告由别人{verb}。"),
            require_scope(scope_includes(by, REVIEW, VIEW, self.author_id), f"这份报告不在您的{verb}范围内。"),
            refuse_if(self.status == self.Status.DRAFT, f"报告还没有提交，不能{verb}。"),
            refuse_if(self.status != self.Status.SUBMITTED, f"报告{self.get_status_display()}，不能再{verb}。"),
        )

    def _reviewers(self) -> list[User]:
        people = User.objects.holding(REVIEW).exclude(pk=self.author_id)
        return [person for person in people if scope_includes(person, REVIEW, VIEW, self.author_id)]

    def _save(self, *fields: str) -> None:
        self.version += 1
        self.save(update_fields=[*fields, "version"])


class Submission(models.Model):
    """Submitted content and the answer to it. The database itself refuses to change the content."""

    report = models.ForeignKey(MonthlyReport, models.CASCADE, related_name="submissions", verbose_name="客户管理报告")
    number = models.PositiveSmallIntegerField("第几次提交")
    figures = models.JSONField("四张报表")
    taken_at = models.DateTimeField("取数时间")
    remarks = models.TextField("情况说明")
    submitted_at = models.DateTimeField("提交时间", default=timezone.now)
    outcome = models.CharField("结果", max_length=10, blank=True, choices=MonthlyReport.Status)
    comment = models.CharField("批注", max_length=1000, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="审阅人"
    )
    answered_at = models.DateTimeField("审阅时间", null=True)

    class Meta:
        verbose_name = "提交的客户管理报告"
        verbose_name_plural = "提交的客户管理报告"
        default_permissions = ()
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="reports_submission_once"),
            models.CheckConstraint(
                condition=Q(outcome="", answered_by=None, answered_at=None)
                | Q(outcome="reviewed", answered_by__isnull=False, answered_at__isnull=False)
                | (Q(outcome="returned", answered_by__isnull=False, answered_at__isnull=False) & ~Q(comment="")),
                name="reports_submission_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report} 第 {self.number} 次提交"
