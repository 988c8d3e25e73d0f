"""Money at risk: positive net of 12 months of customers with an alert or an open case, each customer once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from customers.churn.models import ChurnCase
from customers.records.models import Customer
from kit.sql.exact_sum import ExactSum

from .alerts import customers_alerted, is_late, level_case, may_alert
from .models import RiskMonth

LAST_DAY_TO_STORE = 5  # of the next month: later figures would not be those of the month's end
HAS_MONEY = Q(metrics__net_12m__gt=0)


class Risk(NamedTuple):
    """Amounts by why they are at risk; paused alerts count as their level."""

    red: Decimal = Decimal(0)
    amber: Decimal = Decimal(0)
    warning: Decimal = Decimal(0)
    deferred: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.red + self.amber + self.warning + self.deferred


def has_money_at_risk(as_of: date) -> Q:
    """Match the customers that money_at_risk() adds up."""
    open_cases = ChurnCase.objects.open().filter(customer=OuterRef("pk"))
    return HAS_MONEY & (customers_alerted(as_of) | Q(Exists(open_cases)))


def money_at_risk(customers: QuerySet[Customer], as_of: date) -> Risk:
    """Return the sums over these customers. customers: those in the viewer's view."""
    by_manager = risk_by_manager(customers, as_of).values()
    return Risk(*(sum(amounts, Decimal(0)) for amounts in zip(*by_manager, strict=True)))


def risk_by_manager(customers: QuerySet[Customer], as_of: date) -> dict[int, Risk]:
    """Return {客户经理: sums} of these customers, without those who have nothing at risk; two queries."""
    sums: dict[int, Risk] = {}
    for manager, kind, amount in _read_sums(customers, as_of):
        risk = sums.get(manager, Risk())
        sums[manager] = risk._replace(**{kind: getattr(risk, kind) + amount})
    return sums


def _read_sums(customers: QuerySet[Customer], as_of: date) -> Iterator[tuple[int, str, Decimal]]:
    rows = customers.order_by().filter(HAS_MONEY)
    late = rows.filter(is_late(as_of, path="metrics__"), may_alert()).annotate(kind=level_case(as_of, path="metrics__"))
    yield from late.values_list("manager", "kind").annotate(ExactSum("metrics__net_12m"))
    cases = ChurnCase.objects.open().filter(customer__in=rows.values("pk")).order_by()
    yield from cases.values_list("customer__manager", "status").annotate(ExactSum("customer__metrics__net_12m"))


def store_month_end(as_of: date) -> int:
    """Store last month's end once, in a month's first days; return the number of rows. Every 客户经理 has one."""
    today = timezone.localdate()
    month_end = today.replace(day=1) - timedelta(days=1)
    if today.day > LAST_DAY_TO_STORE or RiskMonth.objects.filter(month_end=month_end).exists():
        return 0
    current = Customer.objects.current()
    risks = risk_by_manager(current, as_of)
    managers = User.objects.filter(pk__in=current.order_by().values("manager")).values_list("pk", flat=True)
    rows = [RiskMonth(month_end=month_end, manager_id=pk, **risks.get(pk, Risk())._asdict()) for pk in sorted(managers)]
    RiskMonth.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
