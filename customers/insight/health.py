"""健康: what a customer's figures say, line by line; a line without data is absent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from basedata.calendar.counted_days import current_counted_days
from customers.orders.as_of import orders_as_of
from customers.orders.models import Order
from customers.orders.rhythm import describe_silence
from customers.records.metrics import CustomerMetrics
from customers.records.models import Customer

from .alerts import AlertLevel, level_on
from .models import Alert, alert_of
from .value import Place, days_since, estimate_year, place_in_view


@dataclass(frozen=True)
class Health:
    """metrics: as of their own day; everything about rhythm and ages as of as_of.

    alert: None too for who may not see alerts. silent_days: counted days since the last order.
    """

    customer: Customer
    metrics: CustomerMetrics
    as_of: date
    silent_days: int
    place: Place | None
    alert: Alert | None

    @property
    def level(self) -> AlertLevel | None:
        return self.alert.level if self.alert else None

    @property
    def sentence(self) -> str:
        """Return the customer's own rhythm in words; empty for one without a rhythm."""
        usual, low, high = self.metrics.usual_days, self.metrics.low_days, self.metrics.high_days
        return describe_silence(usual, low or 0, high or 0, self.silent_days) if usual else ""

    @property
    def estimate(self) -> Decimal | None:
        """Return 未来 12 个月估计; None, too, for a customer later than all they ever were."""
        is_red = level_on(self.metrics, self.as_of) == AlertLevel.RED
        return None if is_red else estimate_year(self.metrics)

    @property
    def days_past_expected(self) -> int | None:
        return days_since(self.metrics.expected_on, self.as_of)

    @property
    def days_to_expected(self) -> int | None:
        past = self.days_past_expected
        return None if past is None else -past

    @property
    def unpaid_days(self) -> int | None:
        """Return the age of the oldest unpaid order."""
        return days_since(self.metrics.unpaid_since, self.as_of)

    @property
    def unpaid_is_old(self) -> bool:
        return (self.unpaid_days or 0) >= settings.CRM_UNPAID_DAYS


def health_of(customer: Customer, user: User) -> Health | None:
    """Return what the customer's orders say; None for who may not see orders, and for customers without any."""
    if not user.has_perm(Order.objects.all().view_permission):
        return None
    metrics = getattr(customer, "metrics", None)
    if metrics is None or metrics.computed_for is None or (metrics.first_order_on is None and not metrics.net_total):
        return None
    as_of = orders_as_of()
    may_see_alerts = user.has_perm(Alert.objects.all().view_permission)
    is_late = level_on(metrics, as_of) is not None
    last = metrics.last_order_on
    return Health(
        customer,
        metrics,
        as_of,
        silent_days=current_counted_days().between(last, as_of) if last else 0,
        place=place_in_view(metrics, user),
        alert=alert_of(customer, as_of) if is_late and may_see_alerts else None,
    )
