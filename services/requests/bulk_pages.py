"""Actions on many requests: 分配 and 改派, each to its own person."""

from __future__ import annotations

from accounts.models import User
from accounts.users.assign_each import MAX_CHOICES, AssignEachForm, PersonPerRow, Proposal, ReassignEachForm
from kit.bulk.page import BulkPage
from kit.lists.columns import Column
from kit.pages.html import format_html_fast
from kit.undo.journal import Journal

from .candidates import suggest_people
from .models import ServiceRequest
from .pages import RELATED
from .undoing import ASSIGNED, REASSIGNED, watch_assignees


def request_cell(request: ServiceRequest) -> str:
    return format_html_fast('{}<small class="sm">{} · {}</small>', request.short_summary, request.party, request.number)


NAME = Column("概要 / 客户", "summary", html=request_cell, css="m-t")


class PersonPerRequest(PersonPerRow):
    rule_text = "按建议：客户自己的客户经理优先，其次是分区适合者、处理中的请求最少者。"

    def suggest(self, rows: list[ServiceRequest], people: list[User]) -> dict[int, Proposal]:
        return suggest_people(rows, people)

    def own_person(self, row: ServiceRequest) -> int | None:
        return row.customer.manager_id if row.customer else None


def watch_assignee(page: BulkPage, journal: Journal, rows: list[ServiceRequest], form: AssignEachForm) -> None:
    watch_assignees(journal, [row.pk for row in rows])


class AssignRequests(BulkPage):
    do, form, choice = ServiceRequest.assign, AssignEachForm, PersonPerRequest
    title, unit, done_also, max_shown = "分配服务请求", "个服务请求", "，对方会收到通知", MAX_CHOICES
    crumbs, help = (("服务管理", ""), ("服务分配", "services:dispatch")), "services"
    list_url_name, template_name, select_related = "services:dispatch", "accounts/assign_each.html", RELATED
    columns = (NAME, Column("服务类型", "kind"), Column("客户经理", "customer.manager", css="nw"))
    undo, watch = ASSIGNED, watch_assignee


class ReassignRequests(BulkPage):
    do, form, choice = ServiceRequest.reassign, ReassignEachForm, PersonPerRequest
    title, unit, done_also, max_shown = "改派服务请求", "个服务请求", "，双方会收到通知", MAX_CHOICES
    crumbs, help = (("服务管理", ""), ("服务归档", "services:archive")), "services"
    list_url_name, template_name, select_related = "services:archive", "accounts/assign_each.html", RELATED
    columns = (NAME, Column("服务类型", "kind"), Column("现在分配给", "assignee", css="nw"))
    undo, watch = REASSIGNED, watch_assignee
