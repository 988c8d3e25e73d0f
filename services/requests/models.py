"""Service requests: guards and transitions, from 新创建 through rounds of handling and feedback to 已归档."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Notification, User, notify
from accounts.scopes.rule import EDIT, VIEW, scope_includes, user_ids_in_scope
from basedata.models import entry_field, reserve_numbers
from customers.models import Contact, Customer, TimelineEntry, add_timeline_entry, lock_current_customers
from customers.timeline import remove_timeline_entry
from kit.audit.log import log_event, save_changes
from kit.domain.urls import record_url
from kit.domain.verdict import Refused, Verdict, first_objection, refuse_if, require_scope
from kit.transitions import creation, transition
from services import clock
from services.targets import due_time

from . import objections, rounds
from .notes import ServiceHelper, ServiceNote
from .objections import ASSIGN, HANDLE, NO_DATA_EDITED
from .querysets import ServiceRequestQuerySet
from .related_models import STARS, GivenBy, ServiceRound
from .rounds import COMPLAINT, PROPOSAL

NUMBER_PREFIX = "FW"


class ServiceRequest(models.Model):
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

    # Create, edit, delete: while unassigned

    @creation("services.add_servicerequest", "服务创建", refusal="您的角色不能创建服务请求")
    @classmethod
    def create(cls, *, by: User, **values: Any) -> ServiceRequest:
        """Create a request with its number and timeline entry."""
        lock_current_customers(values.get("customer"), by=by)
        request = cls(number=reserve_numbers(NUMBER_PREFIX)[0], created_by=by, **values)
        request.keeper = request.customer.manager if request.customer else by
        request.due_at = due_time.due_at(request.kind, request.customer, request.created_at)
        request.save()
        log_event(by, "服务创建", request, 编号=request.number, 请求方=request.party, 服务类型=request.kind)
        request.update_timeline()
        return request

    @transition("services.change_servicerequest", "编辑", refusal="您的角色不能修改服务请求")
    def edit(self, *, by: User, **values: Any) -> None:
        former = self.customer
        lock_current_customers(values.get("customer"), by=by, kept=former)
        if not save_changes(by, "编辑", self, **values):
            return
        if former is not None and former != self.customer:
            remove_timeline_entry(former, TimelineEntry.Kind.SERVICE, self.get_absolute_url())
        self.keeper = self.customer.manager if self.customer else self.created_by
        self.due_at = due_time.due_at(self.kind, self.customer, self.created_at)
        self.save(update_fields=["keeper", "due_at"])
        self.update_timeline()

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        supervised = by.has_perm(ASSIGN) and scope_includes(by, ASSIGN, VIEW, self.keeper_id)
        return first_objection(
            require_scope(
                self.created_by_id == by.pk or supervised, f"只有创建人（{self.created_by}）和他的主管可以编辑。"
            ),
            objections.unless_new(self, "编辑"),
        )

    @transition("services.delete_servicerequest", "删除", refusal="只有销售主管可以删除服务请求")
    def remove(self, *, by: User) -> None:
        log_event(by, "删除", self, 编号=self.number, 客户=self.party, 概要=self.summary)
        if self.customer:
            remove_timeline_entry(self.customer, TimelineEntry.Kind.SERVICE, self.get_absolute_url())
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return first_objection(
            require_scope(scope_includes(by, ASSIGN, EDIT, self.keeper_id), "这个服务请求不在您的编辑范围内。"),
            objections.unless_new(self, "删除"),
        )

    # Assign, reassign, decide not to reassign: by a supervisor

    @transition(ASSIGN, "分配", refusal="只有销售主管可以分配服务请求")
    def assign(self, to: User, *, by: User) -> None:
        self.check_candidate(to, by=by).enforce()
        now = timezone.now()
        self.assignee, self.assigned_at, self.assigned_by, self.status = to, now, by, self.Status.ASSIGNED
        self.minutes_to_assign = clock.minutes_between(self.created_at, now)
        self.save_fields("assignee", "assigned_at", "assigned_by", "status", "minutes_to_assign")
        log_event(by, "分配", self, 分配给=to)
        self.update_timeline()
        if to.pk != by.pk:
            notify(to, f"{by} 将服务请求「{self.short_summary}」分配给您", self, kind=Notification.Kind.ASSIGNED)

    @assign.guard
    def can_assign(self, by: User) -> Verdict:
        return first_objection(objections.outside_assigning_scope(self, by, "分配"), objections.if_assigned(self))

    @transition(ASSIGN, "改派", refusal="只有销售主管可以改派服务请求")
    def reassign(self, to: User, *, by: User, reason: str) -> None:
        refuse_if(not reason.strip(), "请填写改派原因。").enforce()
        refuse_if(to.pk == self.assignee_id, f"服务请求现在就由{to}负责，请另选一位客户经理。").enforce()
        self.check_candidate(to, by=by).enforce()
        former = self.assignee
        self.assignee, self.assigned_at, self.assigned_by = to, timezone.now(), by
        self.to_decide_since = None
        self.save_fields("assignee", "assigned_at", "assigned_by", "to_decide_since")
        self.helpers.filter(user=to).delete()
        log_event(by, "改派", self, 分配给=(former, to), 原因=reason)
        self.update_timeline()
        # By its number and without a link: it may have left the former assignee's view.
        notify(former, f"{by} 已把您负责的服务请求 {self.number} 改派给 {to}：{reason}")
        notify(to, f"{by} 将服务请求「{self.short_summary}」改派给您：{reason}", self, kind=Notification.Kind.ASSIGNED)

    @reassign.guard
    def can_reassign(self, by: User) -> Verdict:
        return first_objection(
            objections.outside_assigning_scope(self, by, "改派"), objections.unless_in_work(self, "改派")
        )

    @transition(ASSIGN, "不改派", refusal="只有销售主管可以决定服务请求")
    def keep(self, *, by: User, reason: str) -> None:
        """Decide after a second return that the assignee stays the same."""
        refuse_if(not reason.strip(), "请填写不改派的理由。").enforce()
        self.to_decide_since = None
        self.save_fields("to_decide_since")
        log_event(by, "不改派", self, 分配给=self.assignee, 理由=reason)
        notify(self.assignee, f"{by} 决定仍由您处理「{self.short_summary}」：{reason}", self)

    @keep.guard
    def can_keep(self, by: User) -> Verdict:
        return first_objection(
            objections.outside_assigning_scope(self, by, "决定"),
            refuse_if(self.to_decide_since is None, "这个服务请求没有等待您决定。"),
        )

    @staticmethod
    def candidates(by: User) -> models.QuerySet[User]:
        """Return active account managers (客户经理) within the supervisor's scope who may handle requests."""
        people = user_ids_in_scope(by, ASSIGN, EDIT)
        managers = User.objects.account_managers().filter(pk__in=User.objects.holding(HANDLE).values("pk"))
        return managers if people is None else managers.filter(pk__in=people)

    @classmethod
    def check_candidate(cls, to: User, *, by: User) -> Verdict:
        return refuse_if(
            not cls.candidates(by).filter(pk=to.pk).exists(), f"{to} 不是您范围内在职的客户经理，请另选一位。"
        )

    # Wait, resume, handle: by the assignee

    @transition(HANDLE, "等待客户回复", refusal="只有客户经理可以等待客户回复服务请求")
    def wait(self, *, by: User, note: str) -> None:
        refuse_if(not note.strip(), "请说明在等客户回复什么。").enforce()
        self.waiting_since = timezone.now()
        self.save_fields("waiting_since")
        ServiceNote.objects.create(request=self, by=by, text=f"等待客户回复：{note}")
        log_event(by, "等待客户回复", self, 说明=note)

    @wait.guard
    def can_wait(self, by: User) -> Verdict:
        return first_objection(
            objections.unless_assignee(self, by, "等待客户回复"),
            objections.unless_assigned(self, "等待客户回复"),
            refuse_if(self.waiting_since is not None, "已在等待客户回复。"),
        )

    @transition(HANDLE, "恢复处理", refusal="只有客户经理可以恢复服务请求")
    def resume(self, *, by: User, note: str) -> None:
        refuse_if(not note.strip(), "请填写客户回复了什么。").enforce()
        self._stop_waiting(timezone.now())
        self.save_fields("waiting_since", "waiting_minutes", "due_at")
        ServiceNote.objects.create(request=self, by=by, text=f"恢复处理：{note}")
        log_event(by, "恢复处理", self, 说明=note)

    @resume.guard
    def can_resume(self, by: User) -> Verdict:
        return first_objection(
            objections.unless_assignee(self, by, "恢复"),
            objections.unless_assigned(self, "恢复"),
            refuse_if(self.waiting_since is None, "没有在等待客户回复。"),
        )

    @transition(HANDLE, "处理", refusal="只有客户经理可以处理服务请求")
    def handle(self, *, by: User, handling: str) -> ServiceRound:
        refuse_if(not handling.strip(), "请填写服务处理。").enforce()
        now = timezone.now()
        self._stop_waiting(now)
        self.status, self.handled_at, self.to_decide_since = self.Status.HANDLED, now, None
        self.minutes_to_handle = self.minutes_since_creation(now)
        self.save_fields(
            "status", "handled_at", "to_decide_since", "minutes_to_handle", "waiting_since", "waiting_minutes", "due_at"
        )
        number = self.rounds.count() + 1
        current = ServiceRound.objects.create(
            request=self, number=number, handling=handling, handled_by=by, handled_at=now
        )
        log_event(by, "处理", self, 第几次=number, 服务处理=handling)
        self.update_timeline()
        return current

    @handle.guard
    def can_handle(self, by: User) -> Verdict:
        return first_objection(objections.unless_assignee(self, by, "处理"), objections.unless_assigned(self, "处理"))

    # Feedback: by the assignee, or by the customer through a link

    @transition(HANDLE, "请客户评价", refusal="只有客户经理可以请客户评价服务请求")
    def invite(self, *, by: User, result: str, **outcome: Any) -> ServiceRound:
        """Save 处理结果 and make a rating link for the customer; a former link becomes invalid."""
        current = rounds.save_outcome(self, result, outcome)
        rounds.if_incomplete(self).enforce()
        rounds.renew_rating_link(current)
        log_event(by, "请客户评价", self, 处理结果=result)
        return current

    @invite.guard
    def can_invite(self, by: User) -> Verdict:
        return first_objection(
            objections.unless_assignee(self, by, "请客户评价"), objections.unless_handled(self, "请客户评价")
        )

    @transition(HANDLE, "反馈", refusal="只有客户经理可以反馈服务请求")
    def feedback(self, *, by: User, result: str, satisfaction: int, **outcome: Any) -> None:
        """Archive from 3 stars; below, return the request to its assignee and notify the supervisors."""
        current = rounds.save_outcome(self, result, outcome)
        rounds.close_round(self, current, satisfaction, GivenBy.MANAGER, by=by)

    @feedback.guard
    def can_feedback(self, by: User) -> Verdict:
        return first_objection(objections.unless_assignee(self, by, "反馈"), objections.unless_handled(self, "反馈"))

    @transition("", "评价")
    def rate(self, key: str, *, by: None, satisfaction: int, comment: str = "") -> None:
        """Save the customer's own score, given through the link: 系统 acts on behalf of the assignee."""
        current = self.rounds.filter(closed_at=None, rating_key=key, rating_until__gt=timezone.now()).first()
        if current is None:
            raise Refused(refuse_if(True, "这个评价链接已经用过或过期。"))
        current.comment = comment
        rounds.close_round(self, current, satisfaction, GivenBy.CUSTOMER, by=None)

    @rate.guard
    def can_rate(self, by: User | None) -> Verdict:
        return refuse_if(by is not None or self.status != self.Status.HANDLED, "这个服务请求不在等待客户评价。")

    # Helpers (协办人)

    @transition("services.add_servicerequest", "邀请协办人", refusal="您的角色不能邀请协办人")
    def involve(self, person: User, *, by: User) -> None:
        refuse_if(
            not self.possible_helpers().filter(pk=person.pk).exists(), f"{person} 不能做协办人，请另选。"
        ).enforce()
        ServiceHelper.objects.create(request=self, user=person, by=by)
        User.objects.filter(pk=person.pk, receives_shares=False).update(receives_shares=True)
        log_event(by, "邀请协办人", self, 协办人=person)
        notify(person, f"{by} 请您协办服务请求「{self.short_summary}」", self)

    @involve.guard
    def can_involve(self, by: User) -> Verdict:
        return first_objection(
            objections.unless_worker(self, by, "邀请协办人"), objections.unless_in_work(self, "邀请协办人")
        )

    @transition("services.add_servicerequest", "移除协办人", refusal="您的角色不能移除协办人")
    def release(self, person: User, *, by: User) -> None:
        if self.helpers.filter(user=person).delete()[0]:
            log_event(by, "移除协办人", self, 协办人=(person, None))

    @release.guard
    def can_release(self, by: User) -> Verdict:
        return first_objection(
            objections.unless_worker(self, by, "移除协办人"), objections.unless_in_work(self, "移除协办人")
        )

    @transition(ServiceRequestQuerySet.view_permission, "添加备注", refusal=NO_DATA_EDITED)
    def note(self, *, by: User, text: str) -> ServiceNote:
        refuse_if(not text.strip(), "请填写备注。").enforce()
        log_event(by, "添加备注", self, 备注=text)
        return ServiceNote.objects.create(request=self, by=by, text=text)

    @note.guard
    def can_note(self, by: User) -> Verdict:
        return first_objection(objections.unless_may_note(self, by), objections.if_archived(self, "添加备注"))

    def possible_helpers(self) -> models.QuerySet[User]:
        """Return active users who may see and edit requests, without the assignee and present helpers."""
        people = User.objects.writing("services.view_servicerequest").exclude(pk=self.assignee_id)
        return people.exclude(pk__in=self.helpers.values("user")).select_related("department").order_by("name", "pk")

    # What transitions change besides their own fields

    @property
    def short_summary(self) -> str:
        return self.summary if len(self.summary) <= 60 else f"{self.summary[:60]}…"

    def minutes_since_creation(self, now: datetime) -> int:
        """Return the working minutes without the time spent waiting for the customer."""
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
        return f"{self.kind}：{self.short_summary}（{state}）"

    def update_timeline(self) -> None:
        """Add or update the request's one entry in the customer's timeline."""
        if self.customer:
            add_timeline_entry(
                self.customer, TimelineEntry.Kind.SERVICE, self.timeline_text, url=self.get_absolute_url()
            )

    def save_fields(self, *fields: str) -> None:
        self.version += 1
        self.save(update_fields=[*fields, "version"])
