"""Filters of 数据字典, 产品信息查询 and 库存数据查询."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from kit.pages.filters import Contains, ListFilter

from .models import DictionaryEntry, Product, StockRecord


class DictionaryFilter(ListFilter):
    category = django_filters.ChoiceFilter(label="类别", empty_label="全部")
    item = Contains(label="条目")
    value = Contains(label="值")
    is_editable = django_filters.ChoiceFilter(
        label="是否可编辑", empty_label="全部", choices=(("true", "是"), ("false", "否")), method="only_editable"
    )

    class Meta:
        model = DictionaryEntry
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        categories = DictionaryEntry.objects.categories()
        self.filters["category"].extra["choices"] = [(category, category) for category in categories]

    def only_editable(self, rows: QuerySet[DictionaryEntry], name: str, value: str) -> QuerySet[DictionaryEntry]:
        return rows.filter(is_editable=value == "true")


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
