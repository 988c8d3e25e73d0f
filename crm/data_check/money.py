"""Sums: 元 taken for 万元, and returns that add to the revenue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from customers.models import Customer, Order
from customers.orders.models import OrderLine, OrderStatus
from customers.orders.rollups import refresh_revenue
from kit.audit.log import log_event
from kit.sql.streaming import stream_records, stream_values

from .findings import VERB, Finding, NotMended, build_setter
from .texts import label_of

SUMS = ("registered_capital", "annual_turnover")  # in 万元
LOOKS_LIKE_YUAN = Decimal(1_000_000)  # 万元: 10 billion 元, which few companies have


def sums_in_yuan() -> Iterator[Finding]:
    """Find sums so large that they look like 元 stored as 万元."""
    for key, *values in stream_values(Customer._base_manager.values_list("pk", *SUMS)):
        for name, value in zip(SUMS, values, strict=True):
            if value is not None and value >= LOOKS_LIKE_YUAN:
                customer = Customer._base_manager.get(pk=key)
                yield as_finding(customer, name, value)


def as_finding(customer: Customer, name: str, value: Decimal) -> Finding:
    meant = value / 10_000
    stored, label = f"{value:f} 万元", label_of(customer, name)
    if meant != round(meant, 2):
        return Finding(customer, label, stored, "像是以元填写的，请打开核对")
    meant = round(meant, 2)
    advice = f"像是以元填写的，应为 {meant:f} 万元；核对后可用 --only sums --fix 改正，或打开改正"
    return Finding(customer, label, stored, advice, build_setter(customer, name, meant))


def sums_of_wrong_sign() -> Iterator[Finding]:
    """Find orders 退货 whose sum is above zero, and sales whose sum is below."""
    for order in stream_records(Order.objects.of_wrong_sign().order_by("pk")):
        stored = f"{order.total:f}"
        if order.status == OrderStatus.RETURNED:
            yield Finding(order, "总金额", stored, f"退货的金额改为 {-order.total:f}", build_sign_change(order))
        else:
            yield Finding(order, "总金额", stored, "销售的金额是负数，请在销售系统核对")


def build_sign_change(order: Order) -> Callable[[], None]:
    """Return what makes the order's quantities and its sum negative."""

    def turn() -> None:
        with transaction.atomic():
            row = Order.objects.select_for_update().get(pk=order.pk)
            if row.status != OrderStatus.RETURNED or row.total != order.total:
                raise NotMended("刚刚同步过，请再检查一次")
            OrderLine.objects.filter(order=row).update(quantity=-F("quantity"))
            row.total = -row.total
            row.save(update_fields=["total"])
            log_event(None, VERB, row, 总金额=(order.total, row.total))
            refresh_revenue([row.customer_id])

    return turn
