"""客户信息管理: the list of customers, and that of the deleted ones."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import HttpRequest

from customers.insight.alerts import AlertLevel, customers_alerted
from customers.orders.as_of import orders_as_of
from customers.records.metrics import CustomerMetrics
from customers.records.models import Customer
from customers.records.pages import EDIT, REMOVE, TRANSFER
from kit.domain.days import show_day
from kit.domain.money import format_yuan
from kit.lists.bulk import BulkAction
from kit.lists.columns import Column
from kit.lists.list_page import ListPage, NewLink
from kit.lists.list_tabs import Tabs
from kit.lists.list_views.views import View
from kit.pages.buttons import Button, Control
from kit.sql.exact_sum import ExactSum

from .columns import (
    FILE_FIELDS,
    METRIC_COLUMNS,
    METRIC_FIELDS,
    METRIC_SORTS,
    OF_ORDERS,
    PAGE_FIELDS,
    RELATED,
    RELATED_IN_FILE,
    RHYTHM_PERMISSIONS,
    ROW_FIELDS,
    columns_for,
    file_column,
    page_column,
)
from .filters import CustomerFilter, DeletedCustomerFilter

PART_LINKS = (
    Button(None, "message-circle", "customers:interaction_list", label="交往记录"),
    Button(None, "users", "customers:contact_list", label="联系人"),
    Button(None, "receipt", "customers:customer_orders", label="历史订单"),
)
RESTORE = Button(Customer.restore, "refresh", "customers:customer_restore", dialog=True)


def rhythm_case(as_of: date) -> Case:
    """Return 节奏 in words as SQL, NULL for customers without a rhythm."""
    levels = [When(customers_alerted(as_of, level), then=Value(level.label)) for level in AlertLevel]
    has_rhythm = Q(metrics__late_from__isnull=False)
    return Case(*levels, When(has_rhythm, then=Value("按时")), default=Value(None), output_field=CharField())


class CustomerList(ListPage):
    model = Customer
    title, crumbs, help = "客户信息管理", (("客户管理", ""),), "customers"
    select_related, only = (*RELATED, "metrics"), (*ROW_FIELDS, *METRIC_FIELDS)
    filterset_class = CustomerFilter
    columns = (
        *map(page_column, PAGE_FIELDS),
        *map(file_column, FILE_FIELDS),
        *METRIC_COLUMNS,
    )
    row_buttons = (EDIT, REMOVE, TRANSFER)
    bulk_actions = (
        BulkAction("移交", "customer_transfer_many", Customer.transfer.permission, "家"),
        BulkAction("批量修改", "customer_reclassify", Customer.reclassify.permission, "家"),
        BulkAction("共享", "customers:share_many", Customer.share.permission, "家"),
        BulkAction("合并", "customer_merge", Customer.merge.permission, "家"),
    )
    tabs = Tabs("status", Customer.Status.choices)
    shipped_views = (
        View("quiet", "30 天没联系", "status=normal&talked=over-30&sort=last_interaction_on"),
        View("incomplete", "资料待补", "status=all&incomplete=on", ("customers.change_customer",)),
        View("late", "晚于惯常", "status=normal&rhythm=red&sort=-net_12m", RHYTHM_PERMISSIONS),
    )
    new = NewLink(Customer.create, "customers:customer_create", "新建客户")
    export_permission = "customers.export_customer"
    empty_text = "还没有客户。销售机会开发成功后，客户出现在这里；公司已有的客户可以新建，或用「导入客户」从表格带入。"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.columns = columns_for(self.request.user, self.columns)

    def ordered(self, rows: QuerySet[Customer]) -> QuerySet[Customer]:
        """Sort by a figure with the customers that have none behind the others."""
        if (name := self.sort.removeprefix("-")) not in METRIC_SORTS:
            return super().ordered(rows)
        figure, is_descending = F(f"metrics__{name}"), self.sort.startswith("-")
        first = figure.desc(nulls_last=True) if is_descending else figure.asc(nulls_last=True)
        return rows.order_by(first, "-pk" if is_descending else "pk")

    def page_rows(self, start: int, size: int) -> list[Customer]:
        """Read a page sorted by a figure through its index: a sort over customers without a row has none."""
        name, sign = self.sort.removeprefix("-"), "-" if self.sort.startswith("-") else ""
        if name not in METRIC_SORTS:
            return super().page_rows(start, size)
        has_figure = Q(**{f"metrics__{name}__isnull": False})
        rows = self.own.drawn()
        with_figure = rows.filter(has_figure).order_by(f"{sign}metrics__{name}", f"{sign}metrics__customer_id")
        page = list(with_figure[start : start + size])
        if len(page) < size:
            skipped = max(0, start - with_figure.count()) if not page else 0
            others = rows.exclude(pk__in=CustomerMetrics.objects.filter(**{f"{name}__isnull": False}).values("pk"))
            page += others.order_by(f"{sign}pk")[skipped : skipped + size - len(page)]
        return page

    def rows_for_file(self, rows: QuerySet[Customer]) -> QuerySet[Customer]:
        """Load the export-only columns, and the name of 上级单位 where the user may see it."""
        parent = Customer.objects.visible_to(self.request.user).filter(pk=OuterRef("parent")).values("name")
        rows = rows.defer(None).select_related(*RELATED, *RELATED_IN_FILE, "metrics")
        rows = rows.annotate(rhythm=rhythm_case(orders_as_of()))
        return rows.annotate(parent_name=Subquery(parent.order_by()[:1]))

    def summed(self) -> tuple[QuerySet[Customer], str] | None:
        return (self.shown_rows(), "metrics__net_12m") if self.request.user.has_perms(OF_ORDERS) else None

    def totals(self, count: int, total: Decimal | None) -> str:
        """Return what the customers of the list bought in 12 months, for who may see orders."""
        if self.own.filterset.form.cleaned_data.get("at_risk"):  # a figure leads here: its sum, however many there are
            rows = CustomerMetrics.objects.filter(customer__in=self.shown_rows().order_by().values("pk"))
            sums = rows.aggregate(count=Count("pk"), net=ExactSum("net_12m"))
            count, total = sums["count"], sums["net"]
        return f"{count:,} 家，近 12 个月合计 {format_yuan(total)} 元" if total is not None else ""

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
        Column("删除时间", "deleted_at", sort="deleted_at", html=lambda c: show_day(c.deleted_at, "time"), css="nw"),
    )
    default_sort = "-deleted_at"
    row_buttons = (RESTORE,)
    empty_text = "没有已删除的客户。"

    def rows(self) -> QuerySet[Customer]:
        rows: Any = Customer.objects.restorable_by(self.request.user).select_related(*self.select_related)
        rows.view_permission = "customers.restore_customer"  # the permission that opens this list
        return rows
