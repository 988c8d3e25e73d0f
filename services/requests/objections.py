"""Objections that the guards of several transitions of a service request share; the permission is asked before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import Scope, User
from accounts.scopes.rule import EDIT, scope_includes, widest_scope
from kit.domain.verdict import ALLOWED, Kind, Verdict, first_objection, refuse_if, require_scope

from .notes import ServiceHelper
from .querysets import ServiceRequestQuerySet

if TYPE_CHECKING:
    from .models import ServiceRequest

ASSIGN, HANDLE = "services.assign_servicerequest", "services.handle_servicerequest"
NO_DATA_EDITED = "您的角色不编辑业务数据，不能添加备注。"


# By the user


def outside_assigning_scope(request: ServiceRequest, by: User, verb: str) -> Verdict:
    return require_scope(scope_includes(by, ASSIGN, EDIT, request.keeper_id), f"这个服务请求不在您的{verb}范围内。")


def unless_assignee(request: ServiceRequest, by: User, verb: str) -> Verdict:
    only = f"只有被分配的客户经理（{request.assignee}）" if request.assignee_id else "只有被分配的客户经理"
    return require_scope(request.assignee_id == by.pk, f"{only}可以{verb}，您可以查看。")


def works_on(request: ServiceRequest, by: User) -> bool:
    """Whether the user is the assignee or supervises the owner."""
    is_assignee = request.assignee_id == by.pk and by.has_perm(HANDLE)
    return is_assignee or (by.has_perm(ASSIGN) and scope_includes(by, ASSIGN, EDIT, request.keeper_id))


def unless_worker(request: ServiceRequest, by: User, verb: str) -> Verdict:
    return require_scope(works_on(request, by), f"只有被分配的客户经理和主管可以{verb}。")


def unless_may_note(request: ServiceRequest, by: User) -> Verdict:
    """Allow the assignee, supervisors and helpers, unless their roles edit no business data at all."""
    edits_data = widest_scope(by, ServiceRequestQuerySet.view_permission, EDIT) is not Scope.NONE
    takes_part = works_on(request, by) or ServiceHelper.objects.filter(request=request.pk, user=by).exists()
    return first_objection(
        ALLOWED if edits_data else Verdict(Kind.NO_PERMISSION, NO_DATA_EDITED),
        require_scope(takes_part, "只有被分配的客户经理、主管和协办人可以添加备注。"),
    )


# By the state


def unless_new(request: ServiceRequest, verb: str) -> Verdict:
    reason = f"服务请求{request.get_status_display()}，只有「新创建」的可以{verb}。"
    return refuse_if(request.status != request.Status.NEW, reason)


def if_assigned(request: ServiceRequest) -> Verdict:
    if request.status == request.Status.NEW:
        return ALLOWED
    if request.status == request.Status.ARCHIVED:
        return if_archived(request, "分配")
    assigner = f"由 {request.assigned_by} " if request.assigned_by else ""
    return refuse_if(True, f"服务请求已{assigner}分配给 {request.assignee}，不能再次分配；需要换人时请改派。")


def unless_assigned(request: ServiceRequest, verb: str) -> Verdict:
    return first_objection(
        refuse_if(request.status == request.Status.NEW, f"服务请求还没有分配，分配后才能{verb}。"),
        refuse_if(request.status == request.Status.HANDLED, f"服务请求已处理，请反馈；退回重新处理后才能{verb}。"),
        if_archived(request, verb),
    )


def unless_in_work(request: ServiceRequest, verb: str) -> Verdict:
    not_yet = refuse_if(request.status == request.Status.NEW, f"服务请求还没有分配，分配后才能{verb}。")
    return first_objection(not_yet, if_archived(request, verb))


def unless_handled(request: ServiceRequest, verb: str) -> Verdict:
    is_unhandled = request.status in (request.Status.NEW, request.Status.ASSIGNED)
    return first_objection(
        refuse_if(is_unhandled, f"还没有处理，处理之后才能{verb}。"),
        if_archived(request, verb),
    )


def if_archived(request: ServiceRequest, verb: str) -> Verdict:
    return refuse_if(request.status == request.Status.ARCHIVED, f"服务请求已归档，只能查看，不能{verb}。")
