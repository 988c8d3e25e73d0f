"""Filters of 历史订单查询."""

from __future__ import annotations

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.ui.filters import Contains, DateFrom, DateTo, ListFilter

from ..models import Order, OrderLine


class OrderFilter(ListFilter):
    number = Contains(label="订单编号")
    customer = Contains(label="客户", field_name="customer__name")
    ordered_from = DateFrom(label="日期从", field_name="ordered_at")
    ordered_to = DateTo(label="到", field_name="ordered_at")
    status = django_filters.ChoiceFilter(label="状态", empty_label="全部", choices=Order.Status.choices)
    product = Contains(label="产品", method="with_product")

    class Meta:
        model = Order
        fields: list[str] = []

    def with_product(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Orders with a line of a product so named or numbered; each order once."""
        lines = OrderLine.objects.filter(order=OuterRef("pk"))
        named = Q(product__name__icontains=value) | Q(product__model__icontains=value)
        return rows.filter(Exists(lines.filter(named | Q(product_number__icontains=value))))
