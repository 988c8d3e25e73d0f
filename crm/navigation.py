"""The menu: six modules, only what the person may open, with the number of his own open items."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, User
from crm.ui.paging import capped_counts
from customers.models import ChurnCase, Customer
from marketing.models import Opportunity, PlanItem

MAX = 99


@dataclass(frozen=True)
class Leaf:
    label: str
    url_name: str
    permission: str
    counter: str = ""


class Section(NamedTuple):
    label: str
    icon: str
    leaves: tuple[Leaf, ...]


SECTIONS = (
    Section(
        "营销管理",
        "target-arrow",
        (
            Leaf("销售机会管理", "marketing:opportunity_list", "marketing.view_opportunity", "unassigned"),
            Leaf("客户开发计划", "marketing:development_list", "marketing.view_opportunity", "due"),
        ),
    ),
    Section(
        "客户管理",
        "building-factory-2",
        (
            Leaf("客户信息管理", "customers:customer_list", "customers.view_customer"),
            Leaf("客户流失管理", "customers:churn_list", "customers.view_churncase", "churn"),
            Leaf("历史订单查询", "customers:order_list", "customers.view_order"),
            Leaf("导入客户", "import", "customers.import_customer"),
            Leaf("疑似重复客户", "duplicates", "customers.merge_customer"),
            Leaf("流失扫描", "customers:churn_scan", "customers.scan_churncase"),
            Leaf("已删除的客户", "customers:customer_deleted", "customers.restore_customer"),
        ),
    ),
    Section(
        "权限管理",
        "shield-lock",
        (
            Leaf("用户", "admin:accounts_user_changelist", "accounts.administer"),
            Leaf("角色", "admin:accounts_role_changelist", "accounts.administer"),
            Leaf("部门", "admin:accounts_department_changelist", "accounts.administer"),
            Leaf("审计记录", "admin:audit_auditentry_changelist", "accounts.administer"),
        ),
    ),
    Section(
        "基础数据",
        "database",
        (
            Leaf("数据字典", "basedata:dictionary_list", "basedata.view_dictionaryentry"),
            Leaf("产品信息查询", "basedata:product_list", "basedata.view_product"),
            Leaf("库存数据查询", "basedata:stock_list", "basedata.view_stockrecord"),
            Leaf("数据同步", "customers:sync", "basedata.sync_sales"),
        ),
    ),
)


@cache
def address(url_name: str) -> str:
    return reverse(url_name)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: menu, unread notifications, appearance."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"menu": [], "unread": 0, "theme": "auto"}
    counts = open_items(user)
    here = max(
        (leaf for leaf in _leaves() if request.path.startswith(address(leaf.url_name))), key=_depth, default=None
    )
    menu = [
        {"label": section.label, "icon": section.icon, "leaves": leaves}
        for section in SECTIONS
        if (leaves := [_drawn(leaf, counts, here) for leaf in section.leaves if user.has_perm(leaf.permission)])
    ]
    return {"menu": menu, "unread": counts["unread"], "theme": user.theme, "home_url": address("home")}


def _leaves() -> list[Leaf]:
    return [leaf for section in SECTIONS for leaf in section.leaves]


def _depth(leaf: Leaf) -> int:
    return len(address(leaf.url_name))


def _drawn(leaf: Leaf, counts: dict[str, int], here: Leaf | None) -> dict[str, Any]:
    return {
        "label": leaf.label,
        "url": address(leaf.url_name),
        "current": leaf is here,
        "count": counts.get(leaf.counter, 0),
        "hot": leaf.counter == "due" or bool(counts.get(f"{leaf.counter}_due")),
    }


def unread_in_view(user: User) -> QuerySet[Notification]:
    """Unread notifications, without those on records that have left the person's view."""
    seen = Q(content_type=None)
    for model in (Opportunity, Customer, ChurnCase):
        row = model.objects.visible_to(user).filter(pk=OuterRef("object_id"))
        seen |= Q(Exists(row), content_type=ContentType.objects.get_for_model(model))
    return Notification.objects.filter(recipient=user).unread().filter(seen)


def open_items(user: User) -> dict[str, int]:
    """What waits for the person, counted in one statement: opportunities to assign, plan items, churn cases."""
    querysets = {
        "unread": unread_in_view(user),
        "due": PlanItem.objects.due(timezone.localdate()).filter(opportunity__assignee=user),
    }
    if user.has_perm("marketing.assign_opportunity"):
        unassigned = Opportunity.objects.editable_by(user).filter(status=Opportunity.Status.UNASSIGNED)
        querysets["unassigned"] = unassigned
    if user.has_perm("customers.handle_churncase"):
        querysets["churn"] = ChurnCase.objects.of_manager(user)
        querysets["churn_due"] = ChurnCase.objects.of_manager(user).to_review(timezone.localdate())
    counts = capped_counts((queryset, MAX + 1) for queryset in querysets.values())
    return dict(zip(querysets, counts, strict=True))
