"""Pages of 客户信息管理: list, forms, history, actions, and the deleted customers."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.urls import reverse

from accounts.detail_columns import DetailColumn, ListWithDetails
from accounts.detail_pages import ShowDetail
from accounts.models import User
from accounts.share_pages import ShareRecord, WithdrawShare
from kit.audit.models import AuditEntry
from kit.domain.days import format_day
from kit.domain.verdict import Verdict
from kit.pages.actions import Action, ActionView, Control
from kit.pages.history import RecordHistory
from kit.pages.html import format_html_fast
from kit.pages.lists import Column, RecordList
from kit.pages.lists_bulk import BulkList
from kit.pages.records import RecordCreate, RecordUpdate
from kit.pages.templatetags.ui import chip, stars

from ..filters.customers import CustomerFilter, DeletedCustomerFilter
from ..forms import CustomerForm, NewCustomerForm, customer_suggestions
from ..import_form import label_with_unit
from ..models import Customer, names_hidden_from
from .known import DuplicateCheckPage

CUSTOMER_LIST_CRUMB = ("客户信息管理", "customers:customer_list")


class RemovalInList(Action):
    """Removal without counting what belongs to each customer; the confirmation page counts it."""

    def verdict(self, record: Customer, user: User) -> Verdict:
        return record.removable_by(user)


EDIT = Action("edit", "编辑", "edit", "customers:customer_update", "btn-primary")
REMOVE = Action("remove", "删除", "trash", "customers:customer_delete", dialog=True)
REMOVE_ROW = RemovalInList("remove", "删除", "trash", "customers:customer_delete", dialog=True)
TRANSFER = Action("transfer", "移交", "arrows-exchange", "customer_transfer")
SHARE = Action("share", "协作人", "users", "customers:customer_share")
PART_LINKS = (
    Action("", "交往记录", "message-circle", "customers:interaction_list"),
    Action("", "联系人", "users", "customers:contact_list"),
    Action("", "历史订单", "receipt", "customers:customer_orders"),
)
RESTORE = Action("restore", "恢复", "refresh", "customers:customer_restore", dialog=True)


def name_cell(customer: Customer) -> str:
    return format_html_fast(
        '<a href="{}">{}</a><small class="sm">{}</small>', customer.get_absolute_url(), customer.name, customer.number
    )


# Columns that a row and its guards need; a customer has thirty more.
ROW_FIELDS = (
    "number", "name", "status", "satisfaction", "credit", "last_purchase_on", "created_at", "deleted_at",
    "region__item", "level__item", "manager__name", "manager__username",
)  # fmt: skip


def export_column(name: str, column: type[Column] = Column) -> Column:
    label = label_with_unit(str(Customer._meta.get_field(name).verbose_name), CustomerForm.units.get(name, ""))  # type: ignore[union-attr]
    return column(label, name, export_only=True)


# Further columns of the import, so that an export can be imported again.
EXPORT_ONLY_COLUMNS = (
    *map(export_column, ("external_number", "industry", "address", "postcode")),
    export_column("phone", DetailColumn),
    *map(export_column, ("fax", "website", "license_number", "legal_representative", "registered_capital")),
    *map(export_column, ("annual_turnover", "bank")),
    export_column("bank_account", DetailColumn),
    *map(export_column, ("local_tax_number", "national_tax_number", "cooperation_since")),
    Column("上级单位", "parent_name", export_only=True),
)


class CustomerList(ListWithDetails, BulkList):
    model = Customer
    title, crumbs, help = "客户信息管理", (("客户管理", ""),), "customers"
    select_related, only = ("region", "level", "manager"), ROW_FIELDS
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
        Column("上次下单", "last_purchase_on", sort="last_purchase_on", css="nw"),
        *EXPORT_ONLY_COLUMNS,
        Column("创建时间", "created_at", export_only=True),
    )
    row_actions = (EDIT, REMOVE_ROW, TRANSFER)
    bulk_actions = (
        ("移交", "customer_transfer_many", "customers.transfer_customer"),
        ("批量修改", "customer_reclassify", "customers.reclassify_customer"),
        ("合并", "customer_merge", "customers.merge_customer"),
    )
    tab_field, tab_choices, default_tab = "status", Customer.Status.choices, "all"
    create = ("新建客户", "customers:customer_create", "customers.add_customer")
    export_permission = "customers.export_customer"
    empty_text = "还没有客户。销售机会开发成功后，客户出现在这里；公司已有的客户可以新建，或用「导入客户」从表格带入。"

    def export_rows(self) -> QuerySet[Customer]:
        """Load the export-only columns, and the name of 上级单位 where the user may see it."""
        parent = Customer.objects.visible_to(self.request.user).filter(pk=OuterRef("parent")).values("name")
        rows = super().export_rows().defer(None).select_related(*self.select_related, "industry")
        return rows.annotate(parent_name=Subquery(parent.order_by()[:1]))

    def row_controls(self, row: Customer) -> list[Control]:
        buttons = super().row_controls(row)
        parts = [Control(part, part.url(row), True, "") for part in PART_LINKS]
        return [*buttons[:1], *parts, *buttons[1:]]


class CustomerHistory(RecordHistory):
    model = Customer
    crumbs = (("客户管理", ""), CUSTOMER_LIST_CRUMB)

    def entries(self, record: Customer) -> QuerySet[AuditEntry]:
        """Include the history of customers merged into this one."""
        merged = record.merged.values_list("pk", flat=True)
        return AuditEntry.objects.about_all(record, merged) if merged else super().entries(record)

    def hidden_labels(self) -> tuple[str, ...]:
        return names_hidden_from(self.request.user, "上级单位")


class CustomerPage(DuplicateCheckPage):
    """Shared by creating and editing: the form's user, completion, and possible duplicates."""

    template_name = "customers/customer_form.html"

    def form_options(self, record: Customer) -> dict[str, Any]:
        return {"user": self.request.user}

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return {"datalists": {"customers": customer_suggestions(self.request.user)}}


class CustomerCreate(CustomerPage, RecordCreate):
    model, form_class, permission = Customer, NewCustomerForm, "customers.add_customer"
    title, crumbs, help = "新建客户", (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_list")


class CustomerUpdate(CustomerPage, RecordUpdate):
    locked_first = ("parent",)
    model, form_class = Customer, CustomerForm
    title, crumbs, help = "编辑客户", (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"


class CustomerAction(ActionView):
    model = Customer
    select_related = ("manager",)
    crumbs, help = (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"


class RemoveCustomer(CustomerAction):
    action, title, question = "remove", "删除客户", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"

    def get(self, request: Any, **kwargs: Any) -> HttpResponse:
        """Say at once when something prevents removal, before the user confirms."""
        record = self.get_record()
        verdict = self.verdict(record)
        form = self.make_form(record, None if verdict else {})
        return self.show(record, form) if verdict else self.refuse(record, form, verdict)

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return {
            "named": f"客户：{record.name}",
            "details": record.number,
            "refused": bool(form.errors),
            "consequence": "删除后不再出现在列表与统计中；系统管理员可以恢复。",
        }

    def success_url(self, record: Customer, result: Any) -> str:
        return reverse("customers:customer_list")


class ShowCustomerDetail(ShowDetail):
    do, select_related = Customer.open_detail, ("manager",)
    crumbs = (("客户管理", ""), CUSTOMER_LIST_CRUMB)


class ShareCustomer(ShareRecord):
    do, select_related = Customer.share, ("manager",)
    crumbs, help = (("客户管理", ""), CUSTOMER_LIST_CRUMB), "sharing"
    withdraw_url, may_edit = "customers:customer_share_withdraw", "可编辑：可以添加和修改联系人、交往记录"


class WithdrawCustomerShare(WithdrawShare):
    do = Customer.withdraw_share
    crumbs = (("客户管理", ""), CUSTOMER_LIST_CRUMB)

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_share", args=[record.pk])

    def success_url(self, record: Customer, result: Any) -> str:
        return self.back_url(record)


class DeletedCustomers(RecordList):
    """Customers that an administrator may restore, without business data."""

    model = Customer
    title, crumbs, help = "已删除的客户", (("客户管理", ""),), "deleted"
    select_related = ("manager",)
    filterset_class = DeletedCustomerFilter
    columns = (
        Column("名称", "name", sort="name_pinyin", css="m-t"),
        Column("客户编号", "number", sort="number"),
        Column("客户经理", "manager"),
        Column("删除时间", "deleted_at", sort="deleted_at", html=lambda c: format_day(c.deleted_at, "time"), css="nw"),
    )
    default_sort = "-deleted_at"
    row_actions = (RESTORE,)
    empty_text = "没有已删除的客户。"

    def rows(self) -> QuerySet[Customer]:
        rows = Customer.objects.restorable_by(self.request.user).select_related(*self.select_related)
        rows.view_permission = "customers.restore_customer"  # the permission that opens this list
        return rows


class RestoreCustomer(CustomerAction):
    action, title, question = "restore", "恢复客户", "确认恢复？"
    crumbs = (("客户管理", ""), ("已删除的客户", "customers:customer_deleted"))
    submit_label, message = "确定", "已恢复"

    def rows(self) -> QuerySet[Customer]:
        return Customer.objects.restorable_by(self.request.user).select_related("manager")

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return {
            "named": f"客户：{record.name}",
            "details": record.number,
            "consequence": "恢复后重新归原来的客户经理。",
        }

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_deleted")

    def success_url(self, record: Customer, result: Any) -> str:
        return self.back_url(record)
