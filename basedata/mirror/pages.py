"""产品信息查询 and 库存数据查询: data of the sales system, read-only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html

from kit.domain.money import format_exact
from kit.lists.columns import Column
from kit.lists.list_page import ListPage
from kit.pages.buttons import Button, Control

from .filters import ProductFilter, StockFilter
from .models import Product, StockRecord, mirror_notice

CRUMBS = (("基础数据", ""),)
STOCK = Button(None, "database", "basedata:stock_list", label="库存")
PRODUCT = Button(None, "info-circle", "basedata:product_list", label="产品")


def name_cell(product: Product) -> str:
    if not product.is_discontinued:
        return product.name
    return format_html('{} <span class="st sq">已下架</span>', product.name)


class ProductList(ListPage):
    model, template_name = Product, "basedata/mirrored_list.html"
    title, crumbs, help = "产品信息查询", CRUMBS, "products"
    filterset_class = ProductFilter
    columns = (
        Column("编号", "number", sort="number", css="nw mute"),
        Column("名称", "name", sort="name", html=name_cell, css="m-t"),
        Column("型号", "model", sort="model"),
        Column("等级/批次", "batch"),
        Column("单位", "unit"),
        Column(
            "单价（元）",
            "unit_price",
            sort="unit_price",
            html=lambda product: format_exact(product.unit_price, 2),
            css="num",
        ),
        Column("备注", "note"),
        Column("已下架", "is_discontinued", export_only=True),
    )
    default_sort = "number"
    export_permission = "basedata.export_product"
    empty_text = "还没有产品。产品来自销售系统，同步后显示在这里。"

    def context(self) -> dict[str, Any]:
        return {"mirror": mirror_notice("products")}

    def row_controls(self, row: Product) -> list[Control]:
        if not self.request.user.has_perm("basedata.view_stockrecord"):
            return []
        return [Control(STOCK, f"{reverse('basedata:stock_list')}?{urlencode({'product': row.number})}", True, "")]


class StockList(ListPage):
    model, template_name = StockRecord, "basedata/mirrored_list.html"
    title, crumbs, help = "库存数据查询", CRUMBS, "stock"
    select_related = ("product",)
    filterset_class = StockFilter
    columns = (
        Column("序号", "pk", sort="id", css="m-h mute"),
        Column("产品", "product", sort="product__number", css="m-t"),
        Column("仓库", "warehouse", sort="warehouse"),
        Column("货位", "location"),
        Column("件数", "quantity", sort="quantity", html=lambda stock: format_exact(stock.quantity), css="num"),
        Column("备注", "note"),
    )
    default_sort = "product__number"
    export_permission = "basedata.export_product"
    empty_text = "还没有库存数据。库存来自销售系统，同步后显示在这里。"

    def context(self) -> dict[str, Any]:
        return {"mirror": mirror_notice("storage", "products")}

    def row_controls(self, row: StockRecord) -> list[Control]:
        if not self.request.user.has_perm("basedata.view_product"):
            return []
        return [Control(PRODUCT, row.product.get_absolute_url(), True, "")]
