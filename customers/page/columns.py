"""The columns of the list of customers and of its file, drawn from the table of fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from accounts.contact_details.columns import DetailColumn
from accounts.models import User
from customers.insight.alerts import AlertLevel
from customers.records.field_labels import field_label, short_label, value_name, with_unit
from customers.records.fields import CustomerField, Kind, Place, in_list_order
from customers.records.models import Customer
from kit.domain.money import format_yuan
from kit.domain.text import DASH
from kit.lists.columns import Column
from kit.pages.html import format_html_fast
from kit.pages.templatetags.ui import chip, stars

if TYPE_CHECKING:
    from customers.records.metrics import CustomerMetrics


def name_cell(customer: Customer) -> str:
    return format_html_fast(
        '<a href="{}">{}</a><small class="sm">{}</small>', customer.get_absolute_url(), customer.name, customer.number
    )


RHYTHM_TONES = {AlertLevel.RED.label: "red", AlertLevel.AMBER.label: "amber"}
# Columns with a look of their own; 客户编号 stands below the name.
OWN_COLUMNS = {
    "number": Column("客户编号", "number", export_only=True),
    "name": Column("名称 / 客户编号", "name", sort="name_pinyin", html=name_cell, css="m-t", beside=("number",)),
    "status": Column("状态", "get_status_display", sort="status", html=chip, css="m-r"),
}
CSS = {Kind.SCORE: "m-h xl", Kind.DAY: "nw", Kind.ENTRY: "nw lo", Kind.USER: "nw"}
# What of a related row its text needs.
LOADED = {Kind.ENTRY: ("{}__item",), Kind.USER: ("{}__name", "{}__username")}


def page_column(row: CustomerField) -> Column:
    if row.name in OWN_COLUMNS:
        return OWN_COLUMNS[row.name]
    html = partial(stars_cell, row.name) if row.kind is Kind.SCORE else None
    sort = row.name if row.kind in (Kind.SCORE, Kind.DAY, Kind.AMOUNT) else ""
    label = with_unit(short_label(row), row)
    return column_class(row)(label, value_path(row), sort=sort, html=html, css=CSS.get(row.kind, ""))


def file_column(row: CustomerField) -> Column:
    """Return a column of the file alone: with that of the page it holds what an import reads, under the same label."""
    return column_class(row)(with_unit(field_label(row.name), row), value_path(row), export_only=True)


def column_class(row: CustomerField) -> type[Column]:
    return DetailColumn if row.masked else Column


def value_path(row: CustomerField) -> str:
    """Return what a column reads; of another customer the name, which the list adds where the user may see it."""
    return f"{row.name}_name" if row.kind is Kind.CUSTOMER else value_name(row)


def stars_cell(name: str, customer: Customer) -> str:
    return stars(getattr(customer, name))


def net_cell(customer: Customer) -> str:
    metrics: CustomerMetrics | None = getattr(customer, "metrics", None)
    return format_yuan(metrics.net_12m) if metrics and (metrics.order_days or metrics.net_12m) else DASH


def unpaid_cell(customer: Customer) -> str:
    metrics: CustomerMetrics | None = getattr(customer, "metrics", None)
    return format_yuan(metrics.unpaid_amount) if metrics and metrics.order_days else DASH


def rhythm_cell(customer: Any) -> str:
    """Draw an alert as a chip. customer: a row with rhythm, as the list loads it for this column."""
    tone = RHYTHM_TONES.get(customer.rhythm)
    return format_html_fast('<span class="st {}">{}</span>', tone, customer.rhythm) if tone else customer.rhythm or DASH


@dataclass
class MetricColumn(Column):
    """A column of what a customer's orders and interactions come to, for who has all of the permissions."""

    permissions: tuple[str, ...] = ()


OF_ORDERS = ("customers.view_order",)
RHYTHM_PERMISSIONS = (*OF_ORDERS, "customers.view_churncase")
METRIC_COLUMNS = (
    MetricColumn("近 12 个月（元）", "metrics.net_12m", "net_12m", net_cell, "num nw", permissions=OF_ORDERS),
    MetricColumn("最近交往", "metrics.last_interaction_on", "last_interaction_on", css="nw"),
    MetricColumn("节奏", "rhythm", html=rhythm_cell, css="nw", export_only=True, permissions=RHYTHM_PERMISSIONS),
    MetricColumn(
        "未回款（元）",
        "metrics.unpaid_amount",
        "unpaid_amount",
        unpaid_cell,
        "num nw",
        export_only=True,
        permissions=OF_ORDERS,
    ),
)


def columns_for(user: User, columns: Iterable[Column]) -> tuple[Column, ...]:
    return tuple(one for one in columns if not isinstance(one, MetricColumn) or user.has_perms(one.permissions))


METRIC_SORTS = tuple(column.sort for column in METRIC_COLUMNS if column.sort)
METRIC_FIELDS = ("metrics__net_12m", "metrics__order_days", "metrics__last_interaction_on")
PAGE_FIELDS = [row for row in in_list_order() if row.column is Place.PAGE]
FILE_FIELDS = [row for row in in_list_order() if row.column is Place.FILE]
RELATED = tuple(row.name for row in PAGE_FIELDS if row.kind in LOADED)
RELATED_IN_FILE = tuple(row.name for row in FILE_FIELDS if row.kind in LOADED)
# Columns that a row and its guards need; a customer has thirty more.
ROW_FIELDS = (
    "created_at",
    "deleted_at",
    *(path.format(row.name) for row in PAGE_FIELDS for path in LOADED.get(row.kind, ("{}",))),
)
