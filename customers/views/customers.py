"""客户信息管理: list, record page, editing; contacts inside the customer."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html

from crm.audit.models import AuditEntry
from crm.ui.actions import Action
from crm.ui.history import RecordHistory, without_names
from crm.ui.lists import Column, RecordList
from crm.ui.records import RecordDetail, RecordUpdate
from crm.ui.templatetags.ui import chip, stars

from ..filters.customers import CustomerFilter
from ..forms import CustomerForm, offered_customers
from ..models import Customer, names_hidden_from
from .churn import churn_card

LIST = ("客户信息管理", "customers:customer_list")
EDIT = Action("edit", "编辑", "edit", "customers:customer_update", "btn-primary")
ADD_CONTACT = Action("edit", "新建联系人", "user-plus", "customers:contact_create")


def name_cell(customer: Customer) -> str:
    return format_html(
        '<a href="{}">{}</a><small class="sm">{}</small>', customer.get_absolute_url(), customer.name, customer.number
    )


class CustomerList(RecordList):
    model = Customer
    title, crumbs, help = "客户信息管理", (("客户管理", ""),), "customers"
    select_related = ("region", "level", "manager")
    filterset_class = CustomerFilter
    columns = (
        Column("客户编号", "number", export_only=True),
        Column("名称 / 客户编号", "name", sort="name_pinyin", html=name_cell, css="m-t"),
        Column("状态", "get_status_display", sort="status", html=chip, css="m-r"),
        Column("地区", "region"),
        Column("客户经理", "manager"),
        Column("客户等级", "level"),
        Column("满意度", "satisfaction", sort="satisfaction", html=lambda c: stars(c.satisfaction), css="m-h"),
        Column("信用度", "credit", sort="credit", html=lambda c: stars(c.credit), css="m-h"),
        Column("创建时间", "created_at", sort="created_at", css="nw m-h"),
    )
    row_actions = (EDIT,)
    tab_field, tab_choices, default_tab = "status", Customer.Status.choices, "all"
    export_permission = "customers.export_customer"
    empty_text = "还没有客户。销售机会开发成功后，客户出现在这里；已有的客户可以由管理员用导入命令带入。"


class CustomerDetail(RecordDetail):
    model = Customer
    template_name = "customers/customer_detail.html"
    crumbs, help = (("客户管理", ""), LIST), "customers"
    select_related = ("region", "industry", "level", "manager", "parent", "created_by")

    def context(self, record: Customer) -> dict[str, Any]:
        visible = Customer.objects.visible_to(self.request.user)
        hidden = names_hidden_from(self.request.user, "上级单位")
        return {
            "contacts": record.contacts.all(),
            "owners": record.ownerships.select_related("manager"),
            "opportunities": record.opportunities.visible_to(self.request.user)[:5],
            "parent": visible.filter(pk=record.parent_id).first() if record.parent_id else None,
            "branches": visible.filter(parent=record).order_by("name_pinyin")[:20],
            "history": without_names(AuditEntry.objects.about(record)[:8], hidden),
            "churn": churn_card(record, self.request.user),
            "head_actions": (EDIT,),
            "contact_actions": (ADD_CONTACT,),
        }


class CustomerHistory(RecordHistory):
    model = Customer
    crumbs = (("客户管理", ""), LIST)

    def hidden_labels(self) -> tuple[str, ...]:
        return names_hidden_from(self.request.user, "上级单位")


class CustomerUpdate(RecordUpdate):
    model, form_class = Customer, CustomerForm
    title, crumbs, help = "编辑客户", (("客户管理", ""), LIST), "customers"

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"user": self.request.user}

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {"datalists": {"customers": offered_customers(self.request.user)}}
