"""客户信息管理: the list of customers, and that of the deleted ones."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.contact_details.columns import DetailColumn
from customers.records.forms import CustomerForm, label_with_unit
from customers.records.models import Customer
from customers.records.pages import EDIT, TRANSFER
from kit.domain.days import format_day
from kit.pages.bulk import BulkAction
from kit.pages.buttons import Button, Control
from kit.pages.columns import Column
from kit.pages.html import format_html_fast
from kit.pages.list_page import ListPage, NewLink
from kit.pages.list_tabs import Tabs
from kit.pages.templatetags.ui import chip, stars

from .filters import CustomerFilter, DeletedCustomerFilter

# Without counting what belongs to each customer: the confirmation page counts it.
REMOVE_ROW = Button(Customer.removable_by, "trash", "customers:customer_delete", dialog=True)
PART_LINKS = (
    Button(None, "message-circle", "customers:interaction_list", label="交往记录"),
    Button(None, "users", "customers:contact_list", label="联系人"),
    Button(None, "receipt", "customers:customer_orders", label="历史订单"),
)
RESTORE = Button(Customer.restore, "refresh", "customers:customer_restore", dialog=True)


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


class CustomerList(ListPage):
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
    row_buttons = (EDIT, REMOVE_ROW, TRANSFER)
    bulk_actions = (
        BulkAction("移交", "customer_transfer_many", Customer.transfer.permission),
        BulkAction("批量修改", "customer_reclassify", Customer.reclassify.permission),
        BulkAction("合并", "customer_merge", Customer.merge.permission),
    )
    tabs = Tabs("status", Customer.Status.choices)
    new = NewLink(Customer.create, "customers:customer_create", "新建客户")
    export_permission = "customers.export_customer"
    empty_text = "还没有客户。销售机会开发成功后，客户出现在这里；公司已有的客户可以新建，或用「导入客户」从表格带入。"

    def rows_for_file(self, rows: QuerySet[Customer]) -> QuerySet[Customer]:
        """Load the export-only columns, and the name of 上级单位 where the user may see it."""
        parent = Customer.objects.visible_to(self.request.user).filter(pk=OuterRef("parent")).values("name")
        rows = rows.defer(None).select_related(*self.select_related, "industry")
        return rows.annotate(parent_name=Subquery(parent.order_by()[:1]))

    def row_controls(self, row: Customer) -> list[Control]:
        buttons = super().row_controls(row)
        parts = [Control(part, part.url(row), True, "") for part in PART_LINKS]
        return [*buttons[:1], *parts, *buttons[1:]]


class DeletedCustomers(ListPage):
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
    row_buttons = (RESTORE,)
    empty_text = "没有已删除的客户。"

    def rows(self) -> QuerySet[Customer]:
        rows: Any = Customer.objects.restorable_by(self.request.user).select_related(*self.select_related)
        rows.view_permission = "customers.restore_customer"  # the permission that opens this list
        return rows
