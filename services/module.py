"""服务管理: requests of customers, from their creation to the archive."""

from __future__ import annotations

import services.personal
from accounts.models import User
from customers.hooks import RecordsOfCustomers, WorkCard
from kit.domain.modules import Action, Chapter, Leaving, MenuItem, Module, PagePermission, Search

from .customer_card import draw_customer_card
from .requests.handover import hand_over_requests, watch_requests
from .requests.leaving import count_open_requests, hand_over_all_requests
from .requests.models import ServiceRequest
from .requests.of_customers import customers_served_by, requests_of, set_owner
from .requests.undoing import CHANGES
from .search import find_records
from .waiting import WAITING

HANDLE, ASSIGN = "services.handle_servicerequest", "services.assign_servicerequest"

MODULE: Module[User] = Module(
    "services",
    "服务管理",
    "headset",
    order=30,
    menu=(
        MenuItem("服务创建", "services:request_create", "services.add_servicerequest"),
        MenuItem("服务分配", "services:dispatch", ASSIGN, "dispatch"),
        MenuItem("服务处理", "services:handling", HANDLE, "handling"),
        MenuItem("服务反馈", "services:feedback", HANDLE, "feedback"),
        MenuItem("服务归档", "services:archive", "services.view_servicerequest"),
        MenuItem(
            "服务时限",
            "services:targets",
            "services.view_servicetarget",
            section="basedata",
            after="basedata:calendar",
        ),
    ),
    waiting=WAITING,
    notified=(ServiceRequest,),
    search=Search(find_records),
    actions=(Action("新建服务请求", "services:request_create", "services.add_servicerequest"),),
    personal=services.personal,
    leaving=Leaving("requests", "服务请求", count_open_requests, hand_over_all_requests),
    help=(Chapter("services/help.html", 50), Chapter("services/help_targets.html", 140)),
    pages={
        "services:find_customer": PagePermission("查找客户", "services.add_servicerequest"),
        "services:find_contacts": PagePermission("查找联系人", "services.add_servicerequest"),
        "services:assign_many": PagePermission("分配所选服务请求", ASSIGN),
        "services:request_update": PagePermission("编辑服务请求", "services.change_servicerequest"),
        "services:request_involve": PagePermission("邀请协办人", f"{HANDLE}|{ASSIGN}"),
        "services:request_release": PagePermission("移除协办人", f"{HANDLE}|{ASSIGN}"),
        "services:request_note": PagePermission("添加备注", "services.view_servicerequest", for_writers=True),
        "services:draft_handle": PagePermission("保存处理草稿", HANDLE),
        "services:draft_feedback": PagePermission("保存反馈草稿", HANDLE),
        "services:rating_picture": PagePermission("客户评价的二维码", HANDLE),
    },
    lends=(
        *CHANGES,
        RecordsOfCustomers("服务请求", customers_served_by, requests_of, set_owner, hand_over_requests, watch_requests),
        WorkCard(draw_customer_card),
    ),
)
