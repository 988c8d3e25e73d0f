"""提前预警: which customers are later than they usually are. Conditions, so that lists and figures share them.

An alert is not stored: it is there while the day it begins on is not after as_of, the customer is 正常 and has no open
case. Red and amber are told apart by dates alone.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.db import models
from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When
from django.db.models.expressions import Combinable

from customers.churn.models import ChurnCase
from customers.records.metrics import CustomerMetrics
from customers.records.models import Customer


class AlertLevel(models.TextChoices):
    RED = "red", "晚于惯常"
    AMBER = "amber", "该下单了"


def level_on(metrics: CustomerMetrics, as_of: date) -> AlertLevel | None:
    """Return the level by the customer's rhythm alone, whatever their status and cases."""
    if metrics.late_from is None or metrics.alarm_from is None or as_of < metrics.late_from:
        return None
    return AlertLevel.RED if metrics.alarm_from <= as_of else AlertLevel.AMBER


def is_late(as_of: date | Combinable, level: AlertLevel | None = None, *, path: str = "") -> Q:
    """Match rows late on that day by their rhythm. path: from the row to the metrics, as metrics__."""
    red = Q(**{f"{path}alarm_from__lte": as_of})
    if level == AlertLevel.RED:
        return red
    late = Q(**{f"{path}late_from__lte": as_of})
    return late if level is None else Q(late, **{f"{path}alarm_from__gt": as_of})


def level_case(as_of: date, *, path: str = "") -> Case:
    """Return the level of a late row as SQL, NULL where it is not late."""
    return Case(
        *(When(is_late(as_of, level, path=path), then=Value(level.value)) for level in AlertLevel),
        default=Value(None),
        output_field=CharField(),
    )


@lru_cache(maxsize=4)
def may_alert(*, path: str = "") -> Q:
    """Match rows whose customer is 正常 and without an open case. path: from the row to the customer, as customer__."""
    open_cases = ChurnCase.objects.open().filter(customer=OuterRef(f"{path}pk"))
    return Q(~Exists(open_cases), **{f"{path}status": Customer.Status.NORMAL, f"{path}deleted_at": None})


def customers_alerted(as_of: date | Combinable, level: AlertLevel | None = None) -> Q:
    """Match customers with an alert of that level (None: any) on that day."""
    return is_late(as_of, level, path="metrics__") & may_alert()
