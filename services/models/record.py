"""Fields of service requests, and the guards and helpers shared by their transitions."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Scope, User
from accounts.scopes import EDIT, scope_includes, widest_scope
from basedata.models import entry_field
from customers.models import Contact, Customer, TimelineEntry, add_timeline_entry
from kit.domain.urls import record_url
from kit.domain.verdict import ALLOWED, Kind, Verdict, first_objection, refuse_if, require_permission, require_scope

from .. import clock
from .parts import STARS, GivenBy, ServiceHelper
from .rows import ServiceRequestQuerySet

ASSIGN = "services.assign_servicerequest"
PROPOSAL, COMPLAINT = "2", "3"  # dictionary values of 建议 and 投诉, whose names may change
OUTCOMES = {PROPOSAL: ("is_adopted", "reply"), COMPLAINT: ("cause", "improvement")}


class AbstractServiceRequest(models.Model):
    class Status(models.TextChoices):
        NEW = "new", "新创建"
        ASSIGNED = "assigned", "已分配"
        HANDLED = "handled", "已处理"
        ARCHIVED = "archived", "已归档"

    TONES = {"new": "hollow", "assigned": "blue", "handled": "teal", "archived": "sq"}

    number = models.CharField("编号", max_length=20, unique=True, editable=False)
    kind = entry_field("服务类型", "服务类型")
    summary = models.CharField("概要", max_length=500)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="service_requests", verbose_name="客户"
    )
    organisation = models.CharField("单位名称", max_length=100, blank=True)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="service_requests", verbose_name="联系人"
    )
    content = models.TextField("服务请求", max_length=3000)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+", verbose_name="创建人"
    )
    created_at = models.DateTimeField("创建时间", default=timezone.now, editable=False)
    # The owner, whose department the request counts to: the customer's account manager, without a customer the
    # creator. Changes with 移交.
    keeper = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+", verbose_name="归属"
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="service_requests",
        verbose_name="分配给",
    )
    assigned_at = models.DateTimeField("分配时间", null=True, editable=False)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", verbose_name="分配人"
    )
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.NEW, editable=False)
    waiting_since = models.DateTimeField("等待客户回复", null=True, editable=False)
    waiting_minutes = models.PositiveIntegerField("已等待分钟", default=0, editable=False)
    due_at = models.DateTimeField("应处理完成时间", null=True, editable=False)
    handled_at = models.DateTimeField("处理时间", null=True, editable=False)
    archived_at = models.DateTimeField("归档时间", null=True, editable=False)
    returns = models.PositiveSmallIntegerField("退回次数", default=0, editable=False)
    to_decide_since = models.DateTimeField("待决定改派", null=True, editable=False)
    satisfaction = models.PositiveSmallIntegerField("满意度", choices=STARS, null=True, editable=False)
    satisfaction_by = models.CharField("评价人", max_length=10, choices=GivenBy, blank=True, editable=False)
    cause = entry_field("投诉原因", "投诉原因", null=True, editable=False)
    improvement = models.CharField("改进措施", max_length=500, blank=True, editable=False)
    is_adopted = models.BooleanField("是否采纳", null=True, editable=False)
    reply = models.CharField("告知客户", max_length=500, blank=True, editable=False)
    # Working minutes from creation, without the time spent waiting for the customer.
    minutes_to_assign = models.PositiveIntegerField("分配用时", null=True, editable=False)
    minutes_to_handle = models.PositiveIntegerField("处理用时", null=True, editable=False)
    minutes_to_archive = models.PositiveIntegerField("归档用时", null=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    text_indexed = ("summary", "organisation", "number")
    objects = ServiceRequestQuerySet.as_manager()

    class Meta:
        abstract = True
        verbose_name = "服务请求"
        verbose_name_plural = "服务请求"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="services_newest"),
            # Covers the conditions of visible_to(), so that PostgreSQL counts and pages a state from the index alone.
            models.Index(
                fields=["status", "-created_at", "-id"],
                include=["keeper", "assignee", "created_by"],
                name="services_status_newest",
            ),
            models.Index(fields=["keeper", "status", "-created_at"], name="services_of_keeper"),
            models.Index(
                fields=["assignee", "status", "due_at", "id"], include=["keeper"], name="services_of_assignee"
            ),
            models.Index(
                fields=["created_by", "status", "-created_at"],
                include=["keeper", "assignee"],
                name="services_of_creator",
            ),
            models.Index(fields=["customer", "-created_at"], name="services_of_customer"),
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=("new", "assigned"), waiting_since=None),
                name="services_due",
            ),
            models.Index(
                fields=["to_decide_since"], condition=Q(to_decide_since__isnull=False), name="services_to_decide"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(customer__isnull=False, organisation="") | (Q(customer=None) & ~Q(organisation="")),
                name="services_customer_or_organisation",
                violation_error_message="客户和单位名称填写其中一个。",
            ),
            models.CheckConstraint(
                condition=Q(status="new", assignee=None, assigned_at=None)
                | Q(status__in=("assigned", "handled", "archived"), assignee__isnull=False, assigned_at__isnull=False),
                name="services_assigned_to_someone",
            ),
            models.CheckConstraint(
                condition=(Q(archived_at=None) & ~Q(status="archived"))
                | Q(status="archived", archived_at__isnull=False, satisfaction__gte=3),
                name="services_archived_when_satisfied",
            ),
            models.CheckConstraint(
                condition=Q(waiting_since=None) | Q(status="assigned"), name="services_waits_when_assigned"
            ),
        ]
        permissions = [
            ("assign_servicerequest", "分配、改派服务请求"),
            ("handle_servicerequest", "处理、反馈、等待客户回复"),
            ("export_servicerequest", "导出服务请求"),
        ]

    def __str__(self) -> str:
        return self.summary

    def get_absolute_url(self) -> str:
        return record_url("services:request_detail", self.pk)

    @property
    def party(self) -> str:
        """Name of the customer, or of an organisation that is not a customer yet."""
        return self.customer.name if self.customer else self.organisation

    @property
    def is_overdue(self) -> bool:
        unhandled = self.status in (self.Status.NEW, self.Status.ASSIGNED) and self.waiting_since is None
        return unhandled and self.due_at is not None and self.due_at < timezone.now()

    @property
    def times_taken(self) -> dict[str, str]:
        """Return {stage: working time from creation}, formatted; empty for stages not reached."""
        stages = {
            "assign": self.minutes_to_assign,
            "handle": self.minutes_to_handle,
            "archive": self.minutes_to_archive,
        }
        return {stage: clock.format_minutes(minutes) for stage, minutes in stages.items()}

    @property
    def is_complaint(self) -> bool:
        return self.kind.value == COMPLAINT

    @property
    def is_proposal(self) -> bool:
        return self.kind.value == PROPOSAL

    # Guards shared by several transitions

    def _require_supervisor(self, by: User, verb: str) -> Verdict:
        return first_objection(
            require_permission(by, ASSIGN, f"只有销售主管可以{verb}服务请求"),
            require_scope(scope_includes(by, ASSIGN, EDIT, self.keeper_id), f"这个服务请求不在您的{verb}范围内。"),
        )

    def _require_assignee(self, by: User, verb: str) -> Verdict:
        only = f"只有被分配的客户经理（{self.assignee}）" if self.assignee_id else "只有被分配的客户经理"
        return first_objection(
            require_permission(by, "services.handle_servicerequest", f"只有客户经理可以{verb}服务请求"),
            require_scope(self.assignee_id == by.pk, f"{only}可以{verb}，您可以查看。"),
        )

    def _works_on(self, by: User) -> bool:
        """Whether the user is the assignee or supervises the owner."""
        is_assignee = self.assignee_id == by.pk and by.has_perm("services.handle_servicerequest")
        return is_assignee or (by.has_perm(ASSIGN) and scope_includes(by, ASSIGN, EDIT, self.keeper_id))

    def _require_worker(self, by: User, verb: str) -> Verdict:
        return first_objection(
            require_permission(by, "services.add_servicerequest", f"您的角色不能{verb}"),
            require_scope(self._works_on(by), f"只有被分配的客户经理和主管可以{verb}。"),
        )

    def _require_note_access(self, by: User) -> Verdict:
        """Allow the assignee, supervisors and helpers, unless their roles edit no business data at all."""
        edits_data = widest_scope(by, ServiceRequestQuerySet.view_permission, EDIT) is not Scope.NONE
        takes_part = self._works_on(by) or ServiceHelper.objects.filter(request=self.pk, user=by).exists()
        return first_objection(
            ALLOWED if edits_data else Verdict(Kind.NO_PERMISSION, "您的角色不编辑业务数据，不能添加备注。"),
            require_scope(takes_part, "只有被分配的客户经理、主管和协办人可以添加备注。"),
        )

    def _while_new(self, verb: str) -> Verdict:
        reason = f"服务请求{self.get_status_display()}，只有「新创建」的可以{verb}。"
        return refuse_if(self.status != self.Status.NEW, reason)

    def _unless_assigned(self) -> Verdict:
        if self.status == self.Status.NEW:
            return ALLOWED
        if self.status == self.Status.ARCHIVED:
            return self._unless_archived("分配")
        assigner = f"由 {self.assigned_by} " if self.assigned_by else ""
        return refuse_if(True, f"服务请求已{assigner}分配给 {self.assignee}，不能再次分配；需要换人时请改派。")

    def _while_assigned(self, verb: str) -> Verdict:
        return first_objection(
            refuse_if(self.status == self.Status.NEW, f"服务请求还没有分配，分配后才能{verb}。"),
            refuse_if(self.status == self.Status.HANDLED, f"服务请求已处理，请反馈；退回重新处理后才能{verb}。"),
            self._unless_archived(verb),
        )

    def _while_in_work(self, verb: str) -> Verdict:
        not_yet = refuse_if(self.status == self.Status.NEW, f"服务请求还没有分配，分配后才能{verb}。")
        return first_objection(not_yet, self._unless_archived(verb))

    def _unless_archived(self, verb: str) -> Verdict:
        return refuse_if(self.status == self.Status.ARCHIVED, f"服务请求已归档，只能查看，不能{verb}。")

    # Helpers of transitions

    @property
    def _short_summary(self) -> str:
        return self.summary if len(self.summary) <= 60 else f"{self.summary[:60]}…"

    def _minutes_since_creation(self, now: datetime) -> int:
        return max(0, clock.minutes_between(self.created_at, now) - self.waiting_minutes)

    def _stop_waiting(self, now: datetime) -> None:
        """End the waiting time and move due_at by it: it counts for nobody."""
        if self.waiting_since is None:
            return
        waited = clock.minutes_between(self.waiting_since, now)
        self.waiting_since, self.waiting_minutes = None, self.waiting_minutes + waited
        self.due_at = clock.add_minutes(self.due_at, waited) if self.due_at else None

    @property
    def timeline_text(self) -> str:
        """Text of the entry in the customer's timeline."""
        state = f"{self.get_status_display()}{f'，退回 {self.returns} 次' if self.returns else ''}"
        return f"{self.kind}：{self._short_summary}（{state}）"

    def _update_timeline(self) -> None:
        """Add or update the request's one entry in the customer's timeline."""
        if self.customer:
            add_timeline_entry(
                self.customer, TimelineEntry.Kind.SERVICE, self.timeline_text, url=self.get_absolute_url()
            )

    def _save(self, *fields: str) -> None:
        self.version += 1
        self.save(update_fields=[*fields, "version"])
