"""The menu: six modules, only what the person may open, with the number of his own open items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import Notification, User
from customers.models import ChurnCase, Customer
from kit.domain.urls import page_url
from kit.pages.paging import build_count, run_count
from kit.sql.counts import LRUCache, inline_params
from marketing.models import Opportunity, PlanItem
from reports.models import MonthlyReport
from services.models import ServiceRequest

MAX = 99


@dataclass(frozen=True)
class MenuItem:
    label: str
    url_name: str
    permission: str
    counter: str = ""


class Section(NamedTuple):
    label: str
    icon: str
    leaves: tuple[MenuItem, ...]


SECTIONS = (
    Section(
        "营销管理",
        "target-arrow",
        (
            MenuItem("销售机会管理", "marketing:opportunity_list", "marketing.view_opportunity", "unassigned"),
            MenuItem("客户开发计划", "marketing:development_list", "marketing.view_opportunity", "due"),
        ),
    ),
    Section(
        "客户管理",
        "building-factory-2",
        (
            MenuItem("客户信息管理", "customers:customer_list", "customers.view_customer"),
            MenuItem("客户流失管理", "customers:churn_list", "customers.view_churncase", "churn"),
            MenuItem("历史订单查询", "customers:order_list", "customers.view_order"),
            MenuItem("导入客户", "import", "customers.import_customer"),
            MenuItem("疑似重复客户", "duplicates", "customers.merge_customer"),
            MenuItem("流失扫描", "customers:churn_scan", "customers.scan_churncase"),
            MenuItem("已删除的客户", "customers:customer_deleted", "customers.restore_customer"),
        ),
    ),
    Section(
        "服务管理",
        "headset",
        (
            MenuItem("服务创建", "services:request_create", "services.add_servicerequest"),
            MenuItem("服务分配", "services:dispatch", "services.assign_servicerequest", "dispatch"),
            MenuItem("服务处理", "services:handling", "services.handle_servicerequest", "handling"),
            MenuItem("服务反馈", "services:feedback", "services.handle_servicerequest", "feedback"),
            MenuItem("服务归档", "services:archive", "services.view_servicerequest"),
        ),
    ),
    Section(
        "统计报表",
        "chart-bar",
        (
            MenuItem("客户贡献分析", "reports:contribution", "reports.view_reports"),
            MenuItem("客户构成分析", "reports:composition", "reports.view_reports"),
            MenuItem("客户服务分析", "reports:services", "reports.view_reports"),
            MenuItem("客户流失分析", "reports:churn", "reports.view_reports"),
            MenuItem("销售漏斗", "reports:pipeline", "reports.view_pipeline"),
            MenuItem("客户管理报告", "reports:monthly_list", "reports.view_monthlyreport", "monthly"),
        ),
    ),
    Section(
        "权限管理",
        "shield-lock",
        (
            MenuItem("用户", "accounts:user_list", "accounts.view_user"),
            MenuItem("角色", "accounts:role_list", "accounts.view_role"),
            MenuItem("部门", "accounts:department_list", "accounts.view_department"),
            MenuItem("审计记录", "accounts:audit_list", "audit.view_auditentry"),
        ),
    ),
    Section(
        "基础数据",
        "database",
        (
            MenuItem("数据字典", "basedata:dictionary_list", "basedata.view_dictionaryentry"),
            MenuItem("工作日历", "basedata:calendar", "basedata.view_workcalendar"),
            MenuItem("服务时限", "services:targets", "services.view_servicetarget"),
            MenuItem("产品信息查询", "basedata:product_list", "basedata.view_product"),
            MenuItem("库存数据查询", "basedata:stock_list", "basedata.view_stockrecord"),
            MenuItem("数据同步", "customers:sync", "basedata.sync_sales"),
        ),
    ),
)


@dataclass(frozen=True)
class Drawn:
    """A leaf as one person sees it on one page."""

    label: str
    url: str
    current: bool
    waiting: int
    hot: bool


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: the menu as HTML, unread notifications, appearance."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"menu": "", "unread": 0, "theme": "auto"}
    counts = open_items(user)
    here = max(
        (leaf for leaf in _leaves() if request.path.startswith(page_url(leaf.url_name))), key=_depth, default=None
    )
    sections = tuple(
        (section.label, section.icon, leaves)
        for section in SECTIONS
        if (leaves := tuple(_drawn(leaf, counts, here) for leaf in section.leaves if user.has_perm(leaf.permission)))
    )
    menu = menu_html(sections, request.path == page_url("home"))
    return {"menu": menu, "unread": counts["unread"], "theme": user.theme, "home_url": page_url("home")}


@lru_cache(maxsize=1024)
def menu_html(sections: tuple[tuple[str, str, tuple[Drawn, ...]], ...], at_home: bool) -> str:
    """Drawn once for everything it shows, and used twice on a page: it is the same for many people and pages."""
    return render_to_string("ui/menu.html", {"sections": sections, "at_home": at_home})


def _leaves() -> list[MenuItem]:
    return [leaf for section in SECTIONS for leaf in section.leaves]


def _depth(leaf: MenuItem) -> int:
    return len(page_url(leaf.url_name))


def _drawn(leaf: MenuItem, counts: dict[str, int], here: MenuItem | None) -> Drawn:
    hot = leaf.counter == "due" or bool(counts.get(f"{leaf.counter}_due"))
    return Drawn(leaf.label, page_url(leaf.url_name), leaf is here, counts.get(leaf.counter, 0), hot)


def unread_in_view(user: User) -> QuerySet[Notification]:
    """Unread notifications, without those on records that have left the person's view."""
    seen = Q(content_type=None)
    for model in (Opportunity, Customer, ChurnCase, ServiceRequest, MonthlyReport):
        row = model.objects.visible_to(user).filter(pk=OuterRef("object_id"))
        seen |= Q(Exists(row), content_type=ContentType.objects.get_for_model(model))
    return Notification.objects.filter(recipient=user).unread().filter(seen)


NOW = Now()  # the database's clock: the statement stays the same from one moment to the next
STATEMENTS = LRUCache(512)


def open_items(user: User) -> dict[str, int]:
    """What waits for the person, counted in one statement, which is made again when his rights or rows change."""
    names, sql, params = STATEMENTS.get(conditions(user), lambda: statement(user))
    return dict(zip(names, run_count(sql, params), strict=True))


def conditions(user: User) -> tuple[Any, ...]:
    """Everything that statement() depends on: the person, his rights, the rows he sees and changes, the day."""
    seen = [model.objects.visible_to(user) for model in (Opportunity, Customer, ServiceRequest, MonthlyReport)]
    changed = [model.objects.editable_by(user) for model in (Opportunity, ServiceRequest)]
    rows = (None if found.query.is_empty() else found.query.where for found in (*seen, *changed))
    return user.pk, user.is_superuser, user.permission_names, timezone.localdate(), *rows


def statement(user: User) -> tuple[list[str], str, Sequence[Any]]:
    """The numbers' names and the SQL that counts them: opportunities to assign, plan items, churn cases, requests."""
    querysets: dict[str, QuerySet] = {"unread": unread_in_view(user)}
    if user.has_perm("marketing.develop_opportunity"):
        querysets["due"] = PlanItem.objects.due(timezone.localdate()).filter(opportunity__assignee=user)
    if user.has_perm("marketing.assign_opportunity"):
        unassigned = Opportunity.objects.editable_by(user).filter(status=Opportunity.Status.UNASSIGNED)
        querysets["unassigned"] = unassigned
    if user.has_perm("customers.handle_churncase"):
        querysets["churn"] = ChurnCase.objects.of_manager(user)
        querysets["churn_due"] = ChurnCase.objects.of_manager(user).to_review(timezone.localdate())
    querysets |= open_requests(user)
    if user.has_perm("reports.view_monthlyreport"):
        reports = MonthlyReport.objects
        querysets["monthly"] = reports.returned_to(user) | reports.waiting_for(user)
    return list(querysets), *inline_params(*build_count((rows, MAX + 1) for rows in querysets.values()))


def open_requests(user: User) -> dict[str, QuerySet]:
    """Service requests to assign, to handle and to feed back; red when one is late."""
    found: dict[str, QuerySet] = {}
    if user.has_perm("services.assign_servicerequest"):
        rows = ServiceRequest.objects.editable_by(user).filter(status=ServiceRequest.Status.NEW)
        found |= {"dispatch": rows, "dispatch_due": rows.overdue(NOW)}
    if user.has_perm("services.handle_servicerequest"):
        rows = ServiceRequest.objects.to_handle(user)
        found |= {"handling": rows, "handling_due": rows.overdue(NOW)}
        found["feedback"] = ServiceRequest.objects.to_feed_back(user)
    return found
