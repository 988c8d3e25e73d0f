"""Rounds of handling and feedback: the outcome is stored, then a score archives the request or returns it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import Notification, User, notify
from accounts.scopes.rule import supervisors_of
from kit.audit.log import log_event
from kit.domain.verdict import Verdict, first_objection, refuse_if
from kit.sql.transactions import in_transaction
from services.targets import due_time

from .objections import ASSIGN
from .related_models import FormerLink, GivenBy, ServiceRound

if TYPE_CHECKING:
    from .models import ServiceRequest

PROPOSAL, COMPLAINT = "2", "3"  # dictionary values of 建议 and 投诉, whose names may change
OUTCOMES = {PROPOSAL: ("is_adopted", "reply"), COMPLAINT: ("cause", "improvement")}
SATISFIED = 3  # stars from which a request is archived; below, it is returned to the assignee
RATING_DAYS = 14  # validity of a rating link


@in_transaction
def save_outcome(request: ServiceRequest, result: str, outcome: dict[str, Any]) -> ServiceRound:
    """Save the result in the open round, and the fields that the type of request has besides."""
    refuse_if(not result.strip(), "请填写处理结果。").enforce()
    current = request.rounds.get(closed_at=None)
    current.result = result
    current.save(update_fields=["result"])
    for name in OUTCOMES.get(request.kind.value, ()):
        setattr(request, name, outcome.get(name, getattr(request, name)))
    request.save_fields(*OUTCOMES.get(request.kind.value, ()))
    return current


def if_incomplete(request: ServiceRequest) -> Verdict:
    """Refuse to archive complaints without cause and improvement, proposals without decision and reply."""
    return first_objection(
        refuse_if(request.is_complaint and request.cause is None, "投诉归档前请选择投诉原因。"),
        refuse_if(request.is_complaint and not request.improvement.strip(), "投诉归档前请填写改进措施。"),
        refuse_if(request.is_proposal and request.is_adopted is None, "建议归档前请选择采纳或不采纳。"),
        refuse_if(request.is_proposal and not request.reply.strip(), "建议归档前请填写怎样告知了客户。"),
    )


@in_transaction
def renew_rating_link(current: ServiceRound) -> None:
    """Make a key for the customer's rating link; the former link becomes invalid."""
    if current.rating_key:
        FormerLink.objects.create(round=current, key=current.rating_key)
    current.rating_key = get_random_string(32)
    current.rating_until = timezone.now() + timedelta(days=RATING_DAYS)
    current.save(update_fields=["rating_key", "rating_until"])


@in_transaction
def close_round(
    request: ServiceRequest, current: ServiceRound, satisfaction: int, given_by: GivenBy, *, by: User | None
) -> None:
    """Store the score and archive the request, or return it to its assignee. by: None for the customer's own score."""
    refuse_if(satisfaction not in range(1, 6), "满意度应为 1–5 星。").enforce()
    now = timezone.now()
    current.satisfaction, current.satisfaction_by, current.closed_at = satisfaction, given_by, now
    current.save(update_fields=["satisfaction", "satisfaction_by", "closed_at", "comment"])
    request.satisfaction, request.satisfaction_by = satisfaction, given_by
    is_returned = satisfaction < SATISFIED
    send_back(request, now) if is_returned else archive(request, now)
    facts: dict[str, Any] = {"满意度": f"{satisfaction} 星", "评价人": given_by.label, "处理结果": current.result}
    facts |= {"客户留言": current.comment} if current.comment else {}
    facts |= {"代客户经理": request.assignee} if by is None else {}
    log_event(by, "退回重新处理" if is_returned else "反馈并归档", request, changes=facts)
    request.update_timeline()
    if by is None:
        text = f"客户给「{request.short_summary}」评了 {satisfaction} 星，已{request.get_status_display()}"
        notify(request.assignee, text, request)


def archive(request: ServiceRequest, now: datetime) -> None:
    if_incomplete(request).enforce()
    request.status, request.archived_at = request.Status.ARCHIVED, now
    request.minutes_to_archive = request.minutes_since_creation(now)
    request.save_fields("status", "archived_at", "minutes_to_archive", "satisfaction", "satisfaction_by")


def send_back(request: ServiceRequest, now: datetime) -> None:
    """Return to the same assignee with a new due time; from the second return the supervisor decides on 改派."""
    request.status, request.returns = request.Status.ASSIGNED, request.returns + 1
    request.due_at = due_time.due_at(request.kind, request.customer, now)
    request.to_decide_since = now if request.returns > 1 else None
    request.save_fields("status", "returns", "due_at", "to_decide_since", "satisfaction", "satisfaction_by")
    question = "，请决定是否改派" if request.returns > 1 else ""
    score = f"满意度 {request.satisfaction} 星"
    text = f"「{request.short_summary}」{score}，第 {request.returns} 次退回 {request.assignee} 重新处理{question}"
    for supervisor in supervisors_of(request.assignee, ASSIGN):  # type: ignore[arg-type]
        notify(supervisor, text, request, kind=Notification.Kind.RETURNED)
