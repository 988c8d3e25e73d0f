"""Filters of 历史订单查询."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.users.by_department import users_of_departments
from customers.records.filters import OWNER_AT_THAT_TIME, CustomerName, DepartmentFilter, owners_in_view
from kit.lists.filter_choices import OneOf, OneOfRecords, one_of
from kit.lists.filter_days import DaysAgo
from kit.lists.filters import Contains, DateFrom, DateTo, ListFilter
from kit.sql.alternatives import any_of

from .models import Order, OrderLine, OrderQuerySet, counts_as_revenue

REVENUE_STATUS = "revenue"
STATUS_CHOICES = [(REVENUE_STATUS, "计入金额的"), *Order.Status.choices]


def order_owner_choices(request: HttpRequest | None) -> QuerySet[User]:
    return owners_in_view(cast(User, request.user)) if request else User.objects.none()


class OrderFilter(ListFilter):
    favourites = ("number", "customer", "ordered", "status")

    number = Contains(label="订单编号")
    customer = CustomerName(label="客户", path="customer__")
    ordered = DaysAgo(field_name="ordered_at", label="日期", over="{} 天以前下单", within="近 {} 天下单")
    ordered_from = DateFrom(label="日期从", field_name="ordered_at")
    ordered_to = DateTo(label="到", field_name="ordered_at")
    status = OneOf(label="状态", choices=STATUS_CHOICES, method="in_state")
    product = Contains(label="产品", method="with_product")
    department = DepartmentFilter(method="of_department")
    manager = OneOfRecords(label="客户经理", queryset=order_owner_choices, method="of_manager")
    follow = django_filters.ChoiceFilter(
        label="归属",
        empty_label="今天的客户经理",
        choices=[(OWNER_AT_THAT_TIME, "下单时的客户经理")],
        method="keep_rows",
    )

    class Meta:
        model = Order
        fields: list[str] = []

    def in_state(self, rows: OrderQuerySet, name: str, values: tuple[str, ...]) -> QuerySet[Order]:
        named = tuple(value for value in values if value != REVENUE_STATUS)
        states = [one_of("status", named)] if named else []
        return rows.filter(any_of([*states, *([counts_as_revenue()] if REVENUE_STATUS in values else [])]))

    def of_department(self, rows: OrderQuerySet, name: str, values: tuple[str, ...]) -> QuerySet[Order]:
        return self.of_owners(rows, users_of_departments(values))

    def of_manager(self, rows: OrderQuerySet, name: str, values: tuple[User, ...]) -> QuerySet[Order]:
        return self.of_owners(rows, frozenset(user.pk for user in values))

    def of_owners(self, rows: OrderQuerySet, owners: frozenset[int]) -> QuerySet[Order]:
        """Filter by owner of the customer: today's, or the one at the date of the order."""
        if self.form.cleaned_data.get("follow") == OWNER_AT_THAT_TIME:
            return rows.with_owner().filter(Q(owner__in=owners))
        return rows.filter(customer__manager__in=owners)

    def keep_rows(self, rows: OrderQuerySet, name: str, value: str) -> QuerySet[Order]:
        """Change nothing: of_owners() reads the value."""
        return rows

    def with_product(self, rows: OrderQuerySet, name: str, value: str) -> QuerySet[Order]:
        """Filter orders with a line whose product name, model or number contains the text; each order once."""
        lines = OrderLine.objects.filter(order=OuterRef("pk"))
        in_product = Q(product__name__contains_text=value) | Q(product__model__contains_text=value)
        return rows.filter(Exists(lines.filter(in_product | Q(product_number__contains_text=value))))


class OneCustomersOrderFilter(OrderFilter):
    """Without what is the same for all orders of one customer; the owners at that time only where a figure asks."""

    customer = None  # type: ignore[assignment]  # so a filterset drops a filter of its base

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        absent = {"department", "manager", "follow"}.difference(data or {})
        self.base_filters = {name: one for name, one in self.base_filters.items() if name not in absent}
        super().__init__(data, *args, **kwargs)
