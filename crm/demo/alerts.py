"""提前预警 of the demo company: figures of all customers, a paused alert, and money at risk at past month ends."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from basedata.calendar.counted_days import current_counted_days
from customers.churn.rule import churn_cutoff
from customers.insight.metrics import compute_figures
from customers.insight.nightly import refresh_all
from customers.insight.risk import Risk
from customers.models import Alert, Customer, RiskMonth
from customers.orders.as_of import orders_as_of
from customers.orders.rhythm_base import base_for
from kit.domain.days import add_months
from kit.sql.id_sets import IdSet

from .names import SHOWN_ACCOUNTS

PAUSE_DAYS, REASON = 45, "产线年度大修，采购部说修完再补货，修完前不必催。"
MONTHS = 6


def play_alerts(cast: dict[str, User]) -> None:
    """Compute the figures, after orders and cases; pause one alert of each shown 客户经理 who has several."""
    refresh_all()
    for person in (cast[username] for username in SHOWN_ACCOUNTS):
        alerts = Alert.objects.alerted(orders_as_of()).filter(customer__manager=person).order_by("alarm_from", "pk")
        if person.has_perm("customers.snooze_light") and len(alerts) > 1:
            until = timezone.localdate() + timedelta(days=PAUSE_DAYS)
            alerts[0].pause(by=person, until=until, reason=REASON)
    first = timezone.localdate().replace(day=1)
    for months in range(MONTHS):
        _store_month_end(add_months(first, -months) - timedelta(days=1))


def _store_month_end(day: date) -> None:
    """Store what the night run would have stored, with today's owners; silence of six months was a case then."""
    managers = dict(Customer.objects.current().values_list("pk", "manager"))
    figures = compute_figures(IdSet(managers), day, base_for(day), current_counted_days())
    sums: dict[int, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(Risk._fields, Decimal(0)))
    for customer, manager in managers.items():
        kind = _kind_of_risk(figures[customer], day)
        if kind:
            sums[manager][kind] += figures[customer]["net_12m"]
    RiskMonth.objects.bulk_create(
        RiskMonth(month_end=day, manager_id=manager, **sums[manager]) for manager in sorted(set(managers.values()))
    )


def _kind_of_risk(figures: dict[str, Any], day: date) -> str:
    if figures["net_12m"] <= 0 or figures["last_order_on"] is None:
        return ""
    if figures["last_order_on"] <= churn_cutoff(day):
        return "warning"
    if figures["late_from"] is None or day < figures["late_from"]:
        return ""
    return "red" if figures["alarm_from"] <= day else "amber"
