"""Classes and scores: how a customer compares with all that ordered in the last twelve months."""

from __future__ import annotations

from datetime import date

from django.db.models import Case, IntegerField, QuerySet, Value, When

from customers.orders.rhythm_base import batches_of_customers
from customers.orders.rollups import lock_customers
from customers.records.metrics import CustomerMetrics
from kit.sql.turns import in_turn

CLASSES = 5


def score_all(as_of: date) -> int:
    """Write class and score of every customer; return how many were compared. In batches, each its own transaction."""
    base = CustomerMetrics.objects.filter(order_days_12m__gte=1)  # a customer with orders is never deleted
    count = base.count()
    f_class, m_class = (_class_case(base, name, count) for name in ("order_days_12m", "net_12m"))
    for keys in batches_of_customers():
        with in_turn():
            lock_customers(sorted(keys))
            rows = CustomerMetrics.objects.filter(customer__in=keys)
            compared = rows.filter(order_days_12m__gte=1)
            compared.update(f_class=f_class, m_class=m_class, score=f_class + m_class, scored_on=as_of)
            others = rows.filter(order_days_12m=0, score__isnull=False)
            others.update(f_class=None, m_class=None, score=None, scored_on=as_of)
    return count


def _class_case(base: QuerySet[CustomerMetrics], name: str, count: int) -> Case:
    """Return 1 + ⌊5 × rows strictly below ÷ rows⌋ as SQL, by four values read in their order.

    As many as r rows lie strictly below a value exactly when it is above the r-th of them; equal values share a class.
    """
    values = base.order_by(name).values_list(name, flat=True)
    ranks = [-(-number * count // CLASSES) for number in range(1, CLASSES)] if count else []
    steps = [(number + 1, values[rank - 1]) for number, rank in enumerate(ranks, start=1)]
    conditions = [When(**{f"{name}__gt": value}, then=Value(number)) for number, value in reversed(steps)]
    return Case(*conditions, default=Value(1), output_field=IntegerField())
