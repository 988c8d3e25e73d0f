"""Filters of 数据字典, 产品信息查询 and 库存数据查询."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from kit.lists.filters import Contains, ListFilter

from .models import Product, StockRecord


class ProductFilter(ListFilter):
    name = Contains(label="名称")
    model = Contains(label="型号")
    batch = Contains(label="批次")

    class Meta:
        model = Product
        fields: list[str] = []


class StockFilter(ListFilter):
    product = Contains(label="产品", method="of_product")
    warehouse = Contains(label="仓库")

    class Meta:
        model = StockRecord
        fields: list[str] = []

    def of_product(self, rows: QuerySet[StockRecord], name: str, value: str) -> QuerySet[StockRecord]:
        """Find the text anywhere in the product's name, model or number."""
        name_or_model = Q(product__name__contains_text=value) | Q(product__model__contains_text=value)
        return rows.filter(name_or_model | Q(product__number__contains_text=value))
