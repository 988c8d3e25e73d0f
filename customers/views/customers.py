"""Pages of 客户信息管理: list, forms, history, actions, and the deleted customers."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse, QueryDict
from django.urls import reverse

from accounts.detail_columns import DetailColumn
from accounts.detail_pages import ShowDetail
from accounts.models import User
from accounts.share_pages import ShareRecord, WithdrawShare
from kit.audit.models import AuditEntry
from kit.domain.days import format_day
from kit.pages.bulk import BulkAction
from kit.pages.buttons import Button, Control
from kit.pages.columns import Column
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage
from kit.pages.html import format_html_fast
from kit.pages.list_page import ListPage, NewLink
from kit.pages.list_tabs import Tabs
from kit.pages.templatetags.ui import chip, stars

from ..candidates import possible_owners
from ..filters.customers import CustomerFilter, DeletedCustomerFilter
from ..forms import CustomerForm, customer_suggestions
from ..import_form import label_with_unit
from ..models import Customer, names_hidden_from
from .known import DuplicateCheckedPage

CUSTOMER_LIST_CRUMB = ("客户信息管理", "customers:customer_list")
CRUMBS = (("客户管理", ""), CUSTOMER_LIST_CRUMB)
EDIT = Button(Customer.edit, "edit", "customers:customer_update", "btn-primary")
REMOVE = Button(Customer.remove, "trash", "customers:customer_delete", dialog=True)
# Without counting what belongs to each customer: the confirmation page counts it.
REMOVE_ROW = Button(Customer.removable_by, "trash", "customers:customer_delete", dialog=True)
TRANSFER = Button(Customer.transfer, "arrows-exchange", "customer_transfer")
SHARE = Button(Customer.share, "users", "customers:customer_share", label="协作人")
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


class CustomerHistory(HistoryPage):
    model = Customer
    crumbs = CRUMBS

    def entries(self, record: Customer) -> QuerySet[AuditEntry]:
        """Include the history of customers merged into this one."""
        merged = record.merged.values_list("pk", flat=True)
        return AuditEntry.objects.about_all(record, merged) if merged else super().entries(record)

    def hidden_labels(self) -> tuple[str, ...]:
        return names_hidden_from(self.request.user, "上级单位")


def suggestions(user: User) -> dict[str, Any]:
    """Return the context that completes 上级单位."""
    return {"datalists": {"customers": customer_suggestions(user)}}


class CustomerCreate(DuplicateCheckedPage):
    do, form, template_name = Customer.create, CustomerForm, "customers/customer_form.html"
    title, crumbs, help = "新建客户", CRUMBS, "customers"

    def form_options(self, record: Customer) -> dict[str, Any]:
        return {"user": self.request.user, "owners": possible_owners(self.request.user)}

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return suggestions(self.request.user)

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_list")


class CustomerUpdate(DuplicateCheckedPage):
    do, form, template_name = Customer.edit, CustomerForm, "customers/customer_form.html"
    title, crumbs, help = "编辑客户", CRUMBS, "customers"
    locked_first = ("parent",)

    def form_options(self, record: Customer) -> dict[str, Any]:
        return {"user": self.request.user}

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return suggestions(self.request.user)


class RemoveCustomer(FormPage):
    do, title, question = Customer.remove, "删除客户", "确认删除？"
    select_related, crumbs, help = ("manager",), CRUMBS, "customers"
    danger, submit_label, message = True, "确定", "删除成功"

    def get(self, request: Any, **kwargs: Any) -> HttpResponse:
        """Say at once when something prevents removal, before the user confirms."""
        record = self.get_record()
        verdict = self.verdict(record)
        form = self.make_form(record, None if verdict else QueryDict())
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
    do, select_related, crumbs = Customer.open_detail, ("manager",), CRUMBS


class ShareCustomer(ShareRecord):
    do, select_related = Customer.share, ("manager",)
    crumbs, help = CRUMBS, "sharing"
    withdraw_url, may_edit = "customers:customer_share_withdraw", "可编辑：可以添加和修改联系人、交往记录"


class WithdrawCustomerShare(WithdrawShare):
    do, crumbs = Customer.withdraw_share, CRUMBS

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_share", args=[record.pk])

    def success_url(self, record: Customer, result: Any) -> str:
        return self.back_url(record)


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


class RestoreCustomer(FormPage):
    do, title, question = Customer.restore, "恢复客户", "确认恢复？"
    crumbs, help = (("客户管理", ""), ("已删除的客户", "customers:customer_deleted")), "customers"
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
