"""The column 12 个月净额 of the lists of 客户流失管理."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.html import format_html

from accounts.models import User
from customers.orders.filters import REVENUE_STATUS
from customers.orders.models import OrderQuerySet
from customers.records.metrics import CustomerMetrics
from kit.domain.days import add_months
from kit.domain.money import format_yuan
from kit.domain.urls import record_url
from kit.lists.columns import Column


def itself(row: Any) -> CustomerMetrics | None:
    return row  # type: ignore[no-any-return]  # of a list of metrics


@dataclass
class NetColumn(Column):
    """Revenue of 12 months; for who sees orders it leads to those it is the sum of.

    metrics: where a row has its customer's; None for a customer without any yet.
    """

    metrics: Callable[[Any], CustomerMetrics | None] = itself

    def cell(self, row: Any, viewer: User | None = None) -> str:
        metrics = self.metrics(row)
        if metrics is None:
            return f"{self.opening}—</td>"
        text = format_yuan(metrics.net_12m)
        if not metrics.net_12m:
            text = format_html('<span class="mute">{}</span>', text)
        if (
            not metrics.net_12m
            or viewer is None
            or not viewer.has_perm(OrderQuerySet.view_permission)
            or not metrics.computed_for
        ):
            return f"{self.opening}{text}</td>"
        link = format_html('<a href="{}">{}</a>', orders_behind(metrics), text)
        return f"{self.opening}{link}</td>"


def columns_for(user: User, columns: Iterable[Column]) -> tuple[Column, ...]:
    """Leave out the amounts for who does not see orders."""
    sees_orders = user.has_perm(OrderQuerySet.view_permission)
    return tuple(column for column in columns if sees_orders or not isinstance(column, NetColumn))


def orders_behind(metrics: CustomerMetrics) -> str:
    """Return the URL of the orders that net_12m is the sum of."""
    until = metrics.computed_for
    since = add_months(until, -12) + timedelta(days=1) if until else None
    query = urlencode({"ordered_from": since, "ordered_to": until, "status": REVENUE_STATUS})
    return f"{record_url('customers:customer_orders', metrics.pk)}?{query}"
