"""The sign of an order against its status: returns are negative, purchases are not.

Refused by default, because a total does not tell which of the two the sales system meant. CRM_RETURNS_POSITIVE is
for feeds that write returns with positive quantities: those are stored with the sign turned.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from customers.orders.models import PURCHASE_STATUSES, OrderStatus

from .rows import RowRefused

ADVICE = "；销售系统的退货本来就写成正数时，请打开设置「销售系统的退货写成正数」（见管理员手册）"


def settle_sign(values: dict[str, Any]) -> bool:
    """Turn the positive quantities of a return negative where that is configured; return whether it did.

    values: of rows.order, with lines. Raise RowRefused when sign and status contradict each other.
    """
    lines = values["lines"]
    total = sum(line["quantity"] * line["unit_price"] for line in lines)
    if values["status"] in PURCHASE_STATUSES and total < 0:
        raise RowRefused(f"总金额 {total:f} 为负，状态却不是退货，整张订单没有写入")
    if values["status"] != OrderStatus.RETURNED:
        return False
    above = [line["quantity"] for line in lines if line["quantity"] > 0]
    below = [line["quantity"] for line in lines if line["quantity"] < 0]
    if not above and total <= 0:
        return False
    if not settings.CRM_RETURNS_POSITIVE or below or total < 0:
        why = "有正有负" if above and below else "为正" if above else f"为负，总金额 {total:f} 却为正"
        advice = "" if settings.CRM_RETURNS_POSITIVE or below else ADVICE
        raise RowRefused(f"退货订单的数量{why}，应为负数，整张订单没有写入{advice}")
    for line in lines:
        line["quantity"] = -line["quantity"]
    return True
