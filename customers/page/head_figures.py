"""The figures in the head of a customer's page; each leads to its rows, which add up to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from customers.hooks import Card, Figure, HeadFigure
from customers.insight.health import Health
from customers.orders.filters import REVENUE_STATUS
from customers.orders.models import OrderStatus
from customers.records.models import Customer
from kit.domain.days import add_months, show_day
from kit.domain.modules import lent
from kit.domain.money import shorten_amount

TENTH = Decimal("0.1")


def head_figures(
    customer: Customer, user: User, health: Health | None, before: Decimal | None, cards: Iterable[Card | None]
) -> list[Figure]:
    """Return at most five figures, by what the user may see.

    health: None without orders, or without permission. before: the net of the 12 months before the last ones. cards: of
    the page, with figures of their own.
    """
    drawn = [hook.draw(customer, user) for hook in lent(HeadFigure)]
    work = [*drawn, *(card.figure for card in cards if card)]
    figures = [net_figure(health, before), silence_figure(health), *work, unpaid_figure(health)] if health else work
    return [figure for figure in figures if figure]


def net_figure(health: Health, before: Decimal | None) -> Figure:
    """Return 近 12 个月净额 beside that of the 12 months before, as of the day of the customer's figures."""
    last = health.metrics.computed_for or health.as_of
    after = add_months(last, -12)
    number, unit = shorten_amount(health.metrics.net_12m)
    url = orders_url(health.customer, REVENUE_STATUS, after + timedelta(days=1), last)
    return Figure("近 12 个月净额", number, unit, compare(health.metrics.net_12m, before), url)


def compare(now: Decimal, before: Decimal | None) -> str:
    """Say what the 12 months before were, and the change where they were positive."""
    if before is None:
        return "上一个 12 个月没有订单"
    text = f"上一个 12 个月 {shorten_amount(before)}"
    if before <= 0:
        return text
    percent = ((now - before) * 100 / before).quantize(TENTH, ROUND_HALF_UP)
    if not percent:
        return f"{text}，持平"
    return f"{text}，{'↑' if percent > 0 else '↓'} {abs(percent):,}%"


def silence_figure(health: Health) -> Figure | None:
    """Return 距上次下单 in counted days, as in the sentence about the customer's rhythm."""
    metrics = health.metrics
    if metrics.last_order_on is None:
        return None
    usual = f"惯常约 {metrics.usual_days} 天（{metrics.low_days}–{metrics.high_days} 天）" if metrics.usual_days else ""
    note = usual or f"上次 {show_day(metrics.last_order_on)}"
    url = orders_url(health.customer, REVENUE_STATUS, metrics.last_order_on, metrics.last_order_on)
    return Figure("距上次下单", f"{health.silent_days:,}", "天", note, url)


def unpaid_figure(health: Health) -> Figure:
    metrics = health.metrics
    if not metrics.unpaid_count:
        return Figure("未回款", "0", "元")
    number, unit = shorten_amount(metrics.unpaid_amount)
    url = orders_url(health.customer, OrderStatus.UNPAID, None, metrics.computed_for)
    note = f"{metrics.unpaid_count:,} 张，最久 {health.unpaid_days:,} 天"
    return Figure("未回款", number, unit, note, url, "amber" if health.unpaid_is_old else "")


def orders_url(customer: Customer, status: str, first: date | None, last: date | None) -> str:
    """Return the list of the customer's orders of these days."""
    days = {"ordered_from": first, "ordered_to": last}
    query = {"status": str(status), **{name: day.isoformat() for name, day in days.items() if day}}
    return f"{reverse('customers:customer_orders', args=[customer.pk])}?{urlencode(query)}"
