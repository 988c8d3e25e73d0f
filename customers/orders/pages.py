"""Pages of 历史订单查询: all orders, those of one customer, one order with its lines, and the customer's card."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html

from accounts.models import User
from basedata.models import mirror_notice
from customers.records.models import Customer
from customers.records.pages import CRUMBS
from customers.records.part_pages import tabs_context
from kit.domain.days import add_months, midnight, show_day
from kit.domain.money import format_yuan
from kit.lists.columns import Column
from kit.lists.list_page import ListPage
from kit.pages.record_page import RecordPage
from kit.pages.templatetags.ui import chip
from kit.sql.exact_sum import ExactSum
from kit.sql.readers import NO_KEY, FixedRows

from .filters import REVENUE_STATUS, OneCustomersOrderFilter, OrderFilter
from .models import Order, counts_as_revenue
from .trend import SPARKLINE_MONTHS, add_up, build_bars, month_start_before, read_sales

ORDER_LIST_CRUMB = ("历史订单查询", "customers:order_list")
MIRRORED_TABLES = ("orders", "order_lines")
MAX_LINES = 500


def number_cell(order: Order) -> str:
    return format_html('<a href="{}">{}</a>', order.get_absolute_url(), order.number)


def customer_cell(order: Order) -> str:
    return format_html('<a href="{}">{}</a>', order.customer.get_absolute_url(), order.customer.name)


class OrderList(ListPage):
    model, template_name = Order, "basedata/mirrored_list.html"
    title, help = "历史订单查询", "orders"
    crumbs: tuple[tuple[str, str], ...] = (("客户管理", ""),)
    select_related = ("customer",)
    filterset_class = OrderFilter
    columns: tuple[Column, ...] = (
        Column("订单编号", "number", sort="number", html=number_cell, css="m-t"),
        Column("客户", "customer", html=customer_cell),
        Column("状态", "get_status_display", html=chip, css="m-r"),
        Column("日期", "ordered_at", sort="ordered_at", html=lambda o: show_day(o.ordered_at), css="nw"),
        Column("送货地址", "address", css="m-full"),
        Column("总金额（元）", "total", sort="total", html=lambda o: format_yuan(o.total), css="num"),
    )
    default_sort = "-ordered_at"
    export_permission = "customers.export_order"
    empty_text = "还没有订单。订单来自销售系统，同步后显示在这里。"

    def context(self) -> dict[str, Any]:
        return {"mirror": mirror_notice(*MIRRORED_TABLES)}

    def summed(self) -> tuple[QuerySet[Order], str] | None:
        return self.shown_rows().filter(counts_as_revenue()), "total"

    def totals(self, count: int, total: Decimal | None) -> str:
        """Return the exact sum of the orders that count as revenue; where figures lead here it equals them."""
        if self.request.GET.getlist("status") not in ([REVENUE_STATUS], [Order.Status.UNPAID]):
            return f"{count:,} 张订单，计入金额合计 {format_yuan(total)} 元" if total is not None else ""
        sums = self.shown_rows().order_by().aggregate(sum=ExactSum("total"), count=Count("pk"))
        return f"合计 {sums['count']:,} 张订单，{format_yuan(sums['sum'] or Decimal(0))} 元" if sums["count"] else ""


class CustomerOrders(OrderList):
    """The same list for one customer; a hidden customer is 404."""

    title, crumbs = "历史订单", CRUMBS
    template_name, filterset_class = "customers/customer_orders.html", OneCustomersOrderFilter

    @cached_property
    def belongs_to(self) -> Customer:  # type: ignore[override]
        rows = Customer.objects.visible_to(self.request.user).select_related("region", "manager")
        return get_object_or_404(rows, pk=self.kwargs["pk"])

    def rows(self) -> QuerySet[Order]:
        return super().rows().filter(customer=self.belongs_to)

    @property
    def shown_columns(self) -> list[Column]:
        return [column for column in self.columns if column.value != "customer"]

    def context(self) -> dict[str, Any]:
        head = {"record": self.belongs_to, "tab": "orders", **tabs_context(self.belongs_to, self.request.user)}
        return {**super().context(), **head}


class OrderDetail(RecordPage):
    model = Order
    template_name = "customers/order_detail.html"
    crumbs, help = (("客户管理", ""), ORDER_LIST_CRUMB), "orders"
    select_related = ("customer",)

    def get_record(self) -> Order:
        return get_object_or_404(self.rows(), pk=self.kwargs["order"], customer=self.kwargs["pk"])

    def context(self, record: Order) -> dict[str, Any]:
        lines = record.lines.select_related("product")
        first = list(lines[: MAX_LINES + 1])
        count = lines.count() if len(first) > MAX_LINES else len(first)
        return {"lines": first[:MAX_LINES], "count": count, "mirror": mirror_notice(*MIRRORED_TABLES)}


@cache
def _newest_orders() -> FixedRows[Order]:
    return FixedRows(Order.objects.filter(customer=NO_KEY).order_by("-ordered_at", "-pk")[:5])


def orders_card(customer: Customer, user: User, last: date | None = None) -> dict[str, Any] | None:
    """Return newest orders and revenue: in all, this year and by month; None without permission. customer: in view.

    Revenue is the exact sum of REVENUE_STATUSES, by order date in Shanghai. before: that of the 12 months before the
    12 months up to `last`, None without orders.
    """
    if not user.has_perm(Order.objects.all().view_permission):
        return None
    rows, today = Order.objects.filter(customer=customer), timezone.localdate()
    start, end = (midnight(add_months(last or today, -months) + timedelta(days=1)) for months in (24, 12))
    sales = read_sales(rows.revenue(), start, end)
    return {
        "newest": _newest_orders().of(customer.pk),
        "total": sales.total if sales.orders else None,
        "count": sales.orders,
        "before": sales.earlier,
        "this_year": add_up(total for month, total in sales.by_month.items() if month.year == today.year),
        "bars": build_bars(sales.by_month, today),
        "from": month_start_before(today, SPARKLINE_MONTHS - 1),
        "to": today,
        "mirror": mirror_notice(*MIRRORED_TABLES),
    }
