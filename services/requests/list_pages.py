"""List pages: 服务分配, 服务处理, 服务反馈 and 服务归档."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Count, Sum

from kit.domain.days import show_day
from kit.lists.bulk import BulkAction
from kit.lists.columns import Column
from kit.lists.list_page import ListPage, NewLink
from kit.lists.list_tabs import Tabs
from kit.lists.list_views.views import View
from kit.pages.buttons import Button, Control, controls
from kit.pages.html import format_html_fast, join_html
from kit.pages.templatetags.ui import chip, stars

from .buttons import ASSIGN, EDIT, FEEDBACK, HANDLE, REASSIGN, REMOVE, RESUME, WAIT
from .filters import ArchiveFilter, LateFilter, RequestFilter
from .models import ServiceRequest
from .querysets import ServiceRequestQuerySet

# Only joins that cells or guards need: with each further one PostgreSQL plans longer than it executes.
PEOPLE = ("kind", "customer", "assignee", "created_by")
ROW_FIELDS: tuple[str, ...] = (
    "number", "summary", "organisation", "status", "created_at", "assigned_at", "handled_at", "archived_at", "due_at",
    "waiting_since", "returns", "satisfaction", "satisfaction_by", "to_decide_since", "keeper_id", "kind__item",
    "kind__value", "customer__name", "assignee__name", "created_by__name",
)  # fmt: skip


def summary_cell(request: ServiceRequest) -> str:
    return format_html_fast(
        '<a href="{}">{}</a><small class="sm in">{} · {}</small>',
        request.get_absolute_url(),
        request.summary,
        request.party,
        request.number,
    )


def state_cell(request: ServiceRequest) -> str:
    return format_html_fast("{}{}", chip(request), state_marks(request))


def state_marks(request: ServiceRequest) -> str:
    """Return chips beside the state: overdue, waiting for the customer, returned."""
    marks = [
        ("red", "逾期", request.is_overdue),
        ("violet", "等待客户回复", request.waiting_since is not None),
        ("amber", f"退回 {request.returns} 次", request.returns and request.archived_at is None),
    ]
    return join_html(
        format_html_fast(' <span class="st {}">{}</span>', tone, word) for tone, word, applies in marks if applies
    )


def due_cell(request: ServiceRequest) -> str:
    return show_day(request.due_at, "time")


def score_cell(request: ServiceRequest) -> str:
    if not request.satisfaction:
        return "—"
    return format_html_fast(
        '{}<small class="sm">{}</small>', stars(request.satisfaction), request.get_satisfaction_by_display()
    )


NUMBER = Column("编号", "number", sort="number", export_only=True)
SUMMARY = Column("概要 / 客户", "summary", sort="summary", html=summary_cell, css="m-t", beside=("number", "party"))
PARTY = Column("客户", "party", export_only=True)
STATE = Column("状态", "get_status_display", html=state_cell, css="m-r")
KIND = Column("服务类型", "kind")
CREATOR = Column("创建人", "created_by", css="nw m-h")
CREATED = Column("创建时间", "created_at", sort="created_at", css="nw")
ASSIGNEE = Column("分配给", "assignee", css="nw")
ASSIGN_MANY = BulkAction("分配", "services:assign_many", ServiceRequest.assign.permission, "个")
DUE = Column("应处理完成", "due_at", sort="due_at", html=due_cell, css="nw")


class RequestList(ListPage):
    model = ServiceRequest
    crumbs, help = (("服务管理", ""),), "services"
    select_related, only = PEOPLE, ROW_FIELDS
    filterset_class = LateFilter
    new = NewLink(ServiceRequest.create, "services:request_create")
    export_permission = "services.export_servicerequest"


class Dispatch(RequestList):
    offers_own = False  # nobody has these yet
    title = "服务分配"
    columns = (NUMBER, SUMMARY, PARTY, STATE, KIND, CREATOR, CREATED, DUE)
    default_sort = "created_at"  # the oldest first
    row_buttons = (ASSIGN, EDIT, REMOVE)
    bulk_actions = (ASSIGN_MANY,)
    open_permission = ServiceRequest.assign.permission
    empty_text = "没有等待分配的服务请求。新创建的请求出现在这里，由主管分配给客户经理。"

    def rows(self) -> ServiceRequestQuerySet:
        own = ServiceRequest.objects.editable_by(self.request.user).filter(status=ServiceRequest.Status.NEW)
        return own.select_related(*self.select_related).only(*self.only)


class Handling(RequestList):
    offers_own = False  # all of them are
    title = "服务处理"
    columns = (
        NUMBER,
        SUMMARY,
        PARTY,
        STATE,
        KIND,
        DUE,
        Column("分配时间", "assigned_at", sort="assigned_at", css="nw"),
        CREATOR,
        CREATED,
    )
    default_sort = "due_at"
    row_buttons = (HANDLE, WAIT, RESUME)
    open_permission = ServiceRequest.handle.permission
    empty_text = "没有等您处理的服务请求。主管分配给您之后，请求出现在这里。"

    def rows(self) -> ServiceRequestQuerySet:
        return super().rows().to_handle(self.request.user)

    def row_controls(self, row: ServiceRequest) -> list[Control]:
        """Return the controls without 等待 or 恢复, whichever is impossible now."""
        impossible = WAIT if row.waiting_since else RESUME
        return [control for control in super().row_controls(row) if control.action is not impossible]


class Feedback(RequestList):
    offers_own = False  # all of them are
    title = "服务反馈"
    filterset_class = RequestFilter
    columns = (
        NUMBER,
        SUMMARY,
        PARTY,
        STATE,
        KIND,
        Column("处理时间", "handled_at", sort="handled_at", css="nw"),
        CREATOR,
        CREATED,
    )
    default_sort = "handled_at"
    row_buttons = (FEEDBACK,)
    open_permission = ServiceRequest.handle.permission
    empty_text = "没有等您反馈的服务请求。处理之后，向客户了解满意度，在这里反馈并归档。"

    def rows(self) -> ServiceRequestQuerySet:
        return super().rows().to_feed_back(self.request.user)


class Archive(RequestList):
    title = "服务归档"
    filterset_class = ArchiveFilter
    columns = (
        NUMBER, SUMMARY, PARTY, STATE, KIND, ASSIGNEE,
        Column("满意度", "satisfaction", sort="satisfaction", html=score_cell),
        Column("评价人", "get_satisfaction_by_display", export_only=True), CREATOR, CREATED,
        Column("归档时间", "archived_at", sort="archived_at", css="nw"),
        Column("退回次数", "returns", export_only=True), Column("投诉原因", "cause", export_only=True),
        Column("分配用时（分钟）", "minutes_to_assign", export_only=True),
        Column("处理用时（分钟）", "minutes_to_handle", export_only=True),
        Column("归档用时（分钟）", "minutes_to_archive", export_only=True),
    )  # fmt: skip
    bulk_actions = (
        ASSIGN_MANY,
        BulkAction("改派", "services:reassign_many", ServiceRequest.reassign.permission, "个"),
    )
    tabs = Tabs("status", ServiceRequest.Status.choices, ServiceRequest.Status.ARCHIVED)
    shipped_views = (
        View("overdue", "已逾期", "status=all&overdue=on&sort=created_at"),
        View("returned", "退回过两次", "status=all&returns_from=2"),
    )
    empty_text = "还没有归档的服务请求。满意度达到 3 星的请求归档在这里，可以随时查询。"
    only = (*ROW_FIELDS, "minutes_to_assign", "minutes_to_handle", "minutes_to_archive")
    buttons_in: ClassVar[dict[str, tuple[Button, ...]]] = {
        "new": (ASSIGN, EDIT, REMOVE),
        "assigned": (HANDLE, REASSIGN),
        "handled": (FEEDBACK, REASSIGN),
    }

    def rows_for_file(self, rows: ServiceRequestQuerySet) -> ServiceRequestQuerySet:
        return rows.select_related(*PEOPLE, "cause").only(*self.only, "cause__item")

    def totals(self, count: int, total: Decimal | None) -> str:
        return sum_up(self.shown_rows(), self.request.GET)

    def row_controls(self, row: ServiceRequest) -> list[Control]:
        """Return the controls that the state allows; none for archived rows."""
        row_controls = controls(self.buttons_in.get(row.status, ()), row, self.request.user)
        return [control for control in row_controls if control.allowed]


def sum_up(rows: models.QuerySet[Any], query: Mapping[str, str]) -> str:
    """Return the sum of ratings or returns of all rows, for links from report figures of these."""
    if "rated" not in query and "returns_from" not in query:
        return ""
    totals = rows.order_by().aggregate(
        number=Count("pk"), rated=Count("satisfaction"), stars=Sum("satisfaction"), returns=Sum("returns")
    )
    if not totals["number"]:
        return ""
    if "returns_from" in query:
        return f"合计 {totals['number']:,} 个请求，退回 {totals['returns']:,} 次"
    mean = f"，平均 {totals['stars'] / totals['rated']:.1f} 星" if totals["rated"] else ""
    return f"合计 {totals['rated']:,} 条评价{mean}"
