"""Service requests: guards and transitions, from 新创建 through rounds of handling and feedback to 已归档."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import Notification, User, notify
from accounts.scopes import EDIT, VIEW, scope_includes, supervisors_of, user_ids_in_scope
from basedata.models import reserve_numbers
from customers.models import TimelineEntry, lock_current_customers
from customers.models.timeline import remove_timeline_entry
from kit.audit.log import log_event, save_changes
from kit.domain.verdict import (
    Refused,
    Verdict,
    first_objection,
    refuse_if,
    require_permission,
    require_scope,
    transition,
)

from .. import clock
from .parts import FormerLink, GivenBy, ServiceHelper, ServiceNote, ServiceRound
from .record import ASSIGN, OUTCOMES, AbstractServiceRequest

NUMBER_PREFIX = "FW"
SATISFIED = 3  # stars from which a request is archived; below, it is returned to the assignee
RATING_DAYS = 14  # validity of a rating link


class ServiceRequest(AbstractServiceRequest):
    # Create, edit, delete: while unassigned

    @classmethod
    def create(cls, *, by: User, **values: Any) -> ServiceRequest:
        """Create a request with its number and timeline entry. Call in a transaction."""
        require_permission(by, "services.add_servicerequest", "您的角色不能创建服务请求").enforce()
        lock_current_customers(values.get("customer"), by=by)
        request = cls(number=reserve_numbers(NUMBER_PREFIX)[0], created_by=by, **values)
        request.keeper = request.customer.manager if request.customer else by
        request.due_at = clock.due_at(request.kind, request.customer, request.created_at)
        request.save()
        log_event(by, "服务创建", request, 编号=request.number, 请求方=request.party, 服务类型=request.kind)
        request._update_timeline()
        return request

    def can_edit(self, by: User) -> Verdict:
        supervised = by.has_perm(ASSIGN) and scope_includes(by, ASSIGN, VIEW, self.keeper_id)
        return first_objection(
            require_permission(by, "services.change_servicerequest", "您的角色不能修改服务请求"),
            require_scope(
                self.created_by_id == by.pk or supervised, f"只有创建人（{self.created_by}）和他的主管可以编辑。"
            ),
            self._while_new("编辑"),
        )

    @transition
    def edit(self, *, by: User, **values: Any) -> None:
        self.can_edit(by).enforce()
        former = self.customer
        lock_current_customers(values.get("customer"), by=by, kept=former)
        if not save_changes(by, "编辑", self, **values):
            return
        if former is not None and former != self.customer:
            remove_timeline_entry(former, TimelineEntry.Kind.SERVICE, self.get_absolute_url())
        self.keeper = self.customer.manager if self.customer else self.created_by
        self.due_at = clock.due_at(self.kind, self.customer, self.created_at)
        self.save(update_fields=["keeper", "due_at"])
        self._update_timeline()

    def can_remove(self, by: User) -> Verdict:
        return first_objection(
            require_permission(by, "services.delete_servicerequest", "只有销售主管可以删除服务请求"),
            require_scope(scope_includes(by, ASSIGN, EDIT, self.keeper_id), "这个服务请求不在您的编辑范围内。"),
            self._while_new("删除"),
        )

    @transition
    def remove(self, *, by: User) -> None:
        self.can_remove(by).enforce()
        log_event(by, "删除", self, 编号=self.number, 客户=self.party, 概要=self.summary)
        if self.customer:
            remove_timeline_entry(self.customer, TimelineEntry.Kind.SERVICE, self.get_absolute_url())
        self.delete()

    # Assign, reassign, decide not to reassign: by a supervisor

    def can_assign(self, by: User) -> Verdict:
        return first_objection(self._require_supervisor(by, "分配"), self._unless_assigned())

    @transition
    def assign(self, to: User, *, by: User) -> None:
        self.can_assign(by).enforce()
        self.check_candidate(to, by=by).enforce()
        now = timezone.now()
        self.assignee, self.assigned_at, self.assigned_by, self.status = to, now, by, self.Status.ASSIGNED
        self.minutes_to_assign = clock.minutes_between(self.created_at, now)
        self._save("assignee", "assigned_at", "assigned_by", "status", "minutes_to_assign")
        log_event(by, "分配", self, 分配给=to)
        self._update_timeline()
        if to.pk != by.pk:
            notify(to, f"{by} 将服务请求「{self._short_summary}」分配给您", self, kind=Notification.Kind.ASSIGNED)

    def can_reassign(self, by: User) -> Verdict:
        return first_objection(self._require_supervisor(by, "改派"), self._while_in_work("改派"))

    @transition
    def reassign(self, to: User, *, by: User, reason: str) -> None:
        self.can_reassign(by).enforce()
        refuse_if(not reason.strip(), "请填写改派原因。").enforce()
        refuse_if(to.pk == self.assignee_id, f"服务请求现在就由{to}负责，请另选一位客户经理。").enforce()
        self.check_candidate(to, by=by).enforce()
        former = self.assignee
        self.assignee, self.assigned_at, self.assigned_by = to, timezone.now(), by
        self.to_decide_since = None
        self._save("assignee", "assigned_at", "assigned_by", "to_decide_since")
        self.helpers.filter(user=to).delete()
        log_event(by, "改派", self, 分配给=(former, to), 原因=reason)
        self._update_timeline()
        # By its number and without a link: it may have left the former assignee's view.
        notify(former, f"{by} 已把您负责的服务请求 {self.number} 改派给 {to}：{reason}")
        notify(to, f"{by} 将服务请求「{self._short_summary}」改派给您：{reason}", self, kind=Notification.Kind.ASSIGNED)

    def can_keep(self, by: User) -> Verdict:
        return first_objection(
            self._require_supervisor(by, "决定"),
            refuse_if(self.to_decide_since is None, "这个服务请求没有等待您决定。"),
        )

    @transition
    def keep(self, *, by: User, reason: str) -> None:
        """Decide after a second return that the assignee stays the same."""
        self.can_keep(by).enforce()
        refuse_if(not reason.strip(), "请填写不改派的理由。").enforce()
        self.to_decide_since = None
        self._save("to_decide_since")
        log_event(by, "不改派", self, 分配给=self.assignee, 理由=reason)
        notify(self.assignee, f"{by} 决定仍由您处理「{self._short_summary}」：{reason}", self)

    @staticmethod
    def candidates(by: User) -> models.QuerySet[User]:
        """Return active account managers (客户经理) within the supervisor's scope who may handle requests."""
        people = user_ids_in_scope(by, ASSIGN, EDIT)
        managers = User.objects.account_managers().filter(
            pk__in=User.objects.holding("services.handle_servicerequest").values("pk")
        )
        return managers if people is None else managers.filter(pk__in=people)

    @classmethod
    def check_candidate(cls, to: User, *, by: User) -> Verdict:
        return refuse_if(
            not cls.candidates(by).filter(pk=to.pk).exists(), f"{to} 不是您范围内在职的客户经理，请另选一位。"
        )

    # Wait, resume, handle: by the assignee

    def can_wait(self, by: User) -> Verdict:
        return first_objection(
            self._require_assignee(by, "等待客户回复"),
            self._while_assigned("等待客户回复"),
            refuse_if(self.waiting_since is not None, "已在等待客户回复。"),
        )

    @transition
    def wait(self, *, by: User, note: str) -> None:
        self.can_wait(by).enforce()
        refuse_if(not note.strip(), "请说明在等客户回复什么。").enforce()
        self.waiting_since = timezone.now()
        self._save("waiting_since")
        ServiceNote.objects.create(request=self, by=by, text=f"等待客户回复：{note}")
        log_event(by, "等待客户回复", self, 说明=note)

    def can_resume(self, by: User) -> Verdict:
        return first_objection(
            self._require_assignee(by, "恢复"),
            self._while_assigned("恢复"),
            refuse_if(self.waiting_since is None, "没有在等待客户回复。"),
        )

    @transition
    def resume(self, *, by: User, note: str) -> None:
        self.can_resume(by).enforce()
        refuse_if(not note.strip(), "请填写客户回复了什么。").enforce()
        self._stop_waiting(timezone.now())
        self._save("waiting_since", "waiting_minutes", "due_at")
        ServiceNote.objects.create(request=self, by=by, text=f"恢复处理：{note}")
        log_event(by, "恢复处理", self, 说明=note)

    def can_handle(self, by: User) -> Verdict:
        return first_objection(self._require_assignee(by, "处理"), self._while_assigned("处理"))

    @transition
    def handle(self, *, by: User, handling: str) -> ServiceRound:
        self.can_handle(by).enforce()
        refuse_if(not handling.strip(), "请填写服务处理。").enforce()
        now = timezone.now()
        self._stop_waiting(now)
        self.status, self.handled_at, self.to_decide_since = self.Status.HANDLED, now, None
        self.minutes_to_handle = self._minutes_since_creation(now)
        self._save(
            "status", "handled_at", "to_decide_since", "minutes_to_handle", "waiting_since", "waiting_minutes", "due_at"
        )
        number = self.rounds.count() + 1
        current = ServiceRound.objects.create(
            request=self, number=number, handling=handling, handled_by=by, handled_at=now
        )
        log_event(by, "处理", self, 第几次=number, 服务处理=handling)
        self._update_timeline()
        return current

    # Feedback: by the assignee, or by the customer through a link

    def can_invite(self, by: User) -> Verdict:
        return self._feedback_verdict(by, "请客户评价")

    @transition
    def invite(self, *, by: User, result: str, **outcome: Any) -> ServiceRound:
        """Save 处理结果 and make a rating link for the customer; a former link becomes invalid."""
        self.can_invite(by).enforce()
        current = self._save_outcome(result, outcome)
        self._unless_incomplete().enforce()
        if current.rating_key:
            FormerLink.objects.create(round=current, key=current.rating_key)
        current.rating_key = get_random_string(32)
        current.rating_until = timezone.now() + timedelta(days=RATING_DAYS)
        current.save(update_fields=["rating_key", "rating_until"])
        log_event(by, "请客户评价", self, 处理结果=result)
        return current

    def can_feedback(self, by: User) -> Verdict:
        return self._feedback_verdict(by, "反馈")

    @transition
    def feedback(self, *, by: User, result: str, satisfaction: int, **outcome: Any) -> None:
        """Archive from 3 stars; below, return the request to its assignee and notify the supervisors."""
        self.can_feedback(by).enforce()
        current = self._save_outcome(result, outcome)
        self._close_round(current, satisfaction, GivenBy.MANAGER, by=by)

    def can_rate(self, by: User | None) -> Verdict:
        return refuse_if(by is not None or self.status != self.Status.HANDLED, "这个服务请求不在等待客户评价。")

    @transition
    def rate(self, key: str, *, by: None, satisfaction: int, comment: str = "") -> None:
        """Save the customer's own score, given through the link: 系统 acts on behalf of the assignee."""
        self.can_rate(by).enforce()
        current = self.rounds.filter(closed_at=None, rating_key=key, rating_until__gt=timezone.now()).first()
        if current is None:
            raise Refused(refuse_if(True, "这个评价链接已经用过或过期。"))
        current.comment = comment
        self._close_round(current, satisfaction, GivenBy.CUSTOMER, by=None)

    def _feedback_verdict(self, by: User, verb: str) -> Verdict:
        return first_objection(
            self._require_assignee(by, verb),
            refuse_if(self.status in (self.Status.NEW, self.Status.ASSIGNED), f"还没有处理，处理之后才能{verb}。"),
            self._unless_archived(verb),
        )

    def _save_outcome(self, result: str, outcome: dict[str, Any]) -> ServiceRound:
        """Save the result in the open round, and the fields that the type of request has besides."""
        refuse_if(not result.strip(), "请填写处理结果。").enforce()
        current = self.rounds.get(closed_at=None)
        current.result = result
        current.save(update_fields=["result"])
        for name in OUTCOMES.get(self.kind.value, ()):
            setattr(self, name, outcome.get(name, getattr(self, name)))
        self._save(*OUTCOMES.get(self.kind.value, ()))
        return current

    def _unless_incomplete(self) -> Verdict:
        """Refuse to archive complaints without cause and improvement, proposals without decision and reply."""
        return first_objection(
            refuse_if(self.is_complaint and self.cause is None, "投诉归档前请选择投诉原因。"),
            refuse_if(self.is_complaint and not self.improvement.strip(), "投诉归档前请填写改进措施。"),
            refuse_if(self.is_proposal and self.is_adopted is None, "建议归档前请选择采纳或不采纳。"),
            refuse_if(self.is_proposal and not self.reply.strip(), "建议归档前请填写怎样告知了客户。"),
        )

    def _close_round(self, current: ServiceRound, satisfaction: int, given_by: GivenBy, *, by: User | None) -> None:
        refuse_if(satisfaction not in range(1, 6), "满意度应为 1–5 星。").enforce()
        now = timezone.now()
        current.satisfaction, current.satisfaction_by, current.closed_at = satisfaction, given_by, now
        current.save(update_fields=["satisfaction", "satisfaction_by", "closed_at", "comment"])
        self.satisfaction, self.satisfaction_by = satisfaction, given_by
        is_returned = satisfaction < SATISFIED
        self._send_back(now) if is_returned else self._archive(now)
        verb = "退回重新处理" if is_returned else "反馈并归档"
        facts: dict[str, Any] = {"满意度": f"{satisfaction} 星", "评价人": given_by.label, "处理结果": current.result}
        facts |= {"客户留言": current.comment} if current.comment else {}
        facts |= {"代客户经理": self.assignee} if by is None else {}
        log_event(by, verb, self, changes=facts)
        self._update_timeline()
        if by is None:
            notify(
                self.assignee,
                f"客户给「{self._short_summary}」评了 {satisfaction} 星，已{self.get_status_display()}",
                self,
            )

    def _archive(self, now: datetime) -> None:
        self._unless_incomplete().enforce()
        self.status, self.archived_at = self.Status.ARCHIVED, now
        self.minutes_to_archive = self._minutes_since_creation(now)
        self._save("status", "archived_at", "minutes_to_archive", "satisfaction", "satisfaction_by")

    def _send_back(self, now: datetime) -> None:
        """Return to the same assignee with a new due time; from the second return the supervisor decides on 改派."""
        self.status, self.returns = self.Status.ASSIGNED, self.returns + 1
        self.due_at = clock.due_at(self.kind, self.customer, now)
        self.to_decide_since = now if self.returns > 1 else None
        self._save("status", "returns", "due_at", "to_decide_since", "satisfaction", "satisfaction_by")
        question = "，请决定是否改派" if self.returns > 1 else ""
        score = f"满意度 {self.satisfaction} 星"
        text = f"「{self._short_summary}」{score}，第 {self.returns} 次退回 {self.assignee} 重新处理{question}"
        for supervisor in supervisors_of(self.assignee, ASSIGN):  # type: ignore[arg-type]
            notify(supervisor, text, self, kind=Notification.Kind.RETURNED)

    # Helpers (协办人)

    def can_involve(self, by: User) -> Verdict:
        return first_objection(self._require_worker(by, "邀请协办人"), self._while_in_work("邀请协办人"))

    @transition
    def involve(self, person: User, *, by: User) -> None:
        self.can_involve(by).enforce()
        refuse_if(
            not self.possible_helpers().filter(pk=person.pk).exists(), f"{person} 不能做协办人，请另选。"
        ).enforce()
        ServiceHelper.objects.create(request=self, user=person, by=by)
        User.objects.filter(pk=person.pk, receives_shares=False).update(receives_shares=True)
        log_event(by, "邀请协办人", self, 协办人=person)
        notify(person, f"{by} 请您协办服务请求「{self._short_summary}」", self)

    def can_release(self, by: User) -> Verdict:
        return first_objection(self._require_worker(by, "移除协办人"), self._while_in_work("移除协办人"))

    @transition
    def release(self, person: User, *, by: User) -> None:
        self.can_release(by).enforce()
        if self.helpers.filter(user=person).delete()[0]:
            log_event(by, "移除协办人", self, 协办人=(person, None))

    def can_note(self, by: User) -> Verdict:
        return first_objection(self._require_note_access(by), self._unless_archived("添加备注"))

    @transition
    def note(self, *, by: User, text: str) -> ServiceNote:
        self.can_note(by).enforce()
        refuse_if(not text.strip(), "请填写备注。").enforce()
        log_event(by, "添加备注", self, 备注=text)
        return ServiceNote.objects.create(request=self, by=by, text=text)

    def possible_helpers(self) -> models.QuerySet[User]:
        """Return active users who may see and edit requests, without the assignee and present helpers."""
        people = User.objects.writing("services.view_servicerequest").exclude(pk=self.assignee_id)
        return people.exclude(pk__in=self.helpers.values("user")).select_related("department").order_by("name", "pk")
