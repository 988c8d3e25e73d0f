"""Computing CustomerMetrics from the orders and interactions: recomputed, never incremented, and in batches.

Whatever writes orders calls refresh_metrics() in its own transaction; the night run calls it for all customers, because
its windows move with each day. Amounts are added up by Python's decimals on both databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import Max
from django.utils import timezone

from basedata.calendar.counted_days import CountedDays, current_counted_days
from customers.interactions.models import Interaction
from customers.orders.as_of import orders_as_of
from customers.orders.models import PURCHASE_STATUSES, Order, OrderStatus
from customers.orders.rhythm import Base, rhythm
from customers.orders.rhythm_base import base_for, batches_of_customers
from customers.orders.rollups import lock_customers
from customers.records.metrics import CustomerMetrics
from kit.domain.days import add_months, midnight
from kit.sql.id_sets import IdSet
from kit.sql.transactions import in_transaction

from .models import close_answered_pauses

FIGURES = (
    "first_order_on", "last_order_on", "order_days", "order_days_12m", "net_12m", "net_total",
    "usual_days", "low_days", "high_days", "expected_on", "late_from", "alarm_from",
    "unpaid_amount", "unpaid_count", "unpaid_since", "last_interaction_on",
)  # fmt: skip
ROWS_PER_INSERT = 2000
CENT = Decimal("0.005")
Figures = dict[str, Any]  # by the names of FIGURES


class Sale(NamedTuple):
    """An order of REVENUE_STATUSES with its Shanghai day."""

    day: date
    status: str
    total: Decimal


@in_transaction
def refresh_metrics(customer_ids: Iterable[int], as_of: date | None = None) -> int:
    """Recompute the figures of these customers, set-based, in the transaction of the change; return how many differed.

    as_of: what orders_as_of() says, unless given. A purchase later than a paused alert closes the pause.
    """
    day = as_of or orders_as_of()
    base, calendar = base_for(day), current_counted_days()
    changed = 0
    for keys in batches_of_customers(customer_ids):
        lock_customers(sorted(keys))
        changed += _store(keys, compute_figures(keys, day, base, calendar), day)
        close_answered_pauses(keys)
    return changed


def _store(keys: IdSet, figures: Mapping[int, Figures], as_of: date) -> int:
    stored = {row["customer_id"]: row for row in read_figures(keys)}
    changed = [key for key in sorted(keys) if key not in stored or differs(stored[key], figures[key])]
    CustomerMetrics.objects.bulk_create(
        [CustomerMetrics(customer_id=key, computed_for=as_of, **figures[key]) for key in changed],
        batch_size=ROWS_PER_INSERT, update_conflicts=True, unique_fields=["customer"],
        update_fields=[*FIGURES, "computed_for"],
    )  # fmt: skip
    others = IdSet(keys.difference(changed))
    if others:
        CustomerMetrics.objects.filter(customer__in=others).update(computed_for=as_of)
    return len(changed)


def read_figures(keys: IdSet) -> Iterator[Figures]:
    yield from CustomerMetrics.objects.filter(customer__in=keys).values("customer_id", "computed_for", *FIGURES)


def differs(stored: Figures, fresh: Figures, tolerance: Decimal = Decimal(0)) -> bool:
    """Tell whether a figure is another. tolerance: of amounts, of which SQLite keeps fifteen digits."""
    for name in FIGURES:
        one, other = stored[name], fresh[name]
        if one != other and not (isinstance(one, Decimal) and abs(one - other) < tolerance):
            return True
    return False


def compute_figures(keys: IdSet, as_of: date, base: Base, calendar: CountedDays) -> dict[int, Figures]:
    """Return {customer: figures} of all these customers as of a day, in two queries, whatever is stored."""
    sales, talks = dict(_read_sales(keys, as_of)), _read_last_interactions(keys)
    return {
        key: {**sales_figures(sales.get(key, []), as_of, base, calendar), "last_interaction_on": talks.get(key)}
        for key in keys
    }


def _read_sales(keys: IdSet, as_of: date) -> Iterator[tuple[int, list[Sale]]]:
    orders = Order.objects.revenue().filter(customer__in=keys, ordered_at__lt=_end_of(as_of))
    rows = orders.order_by("customer_id", "ordered_at").values_list("customer_id", "ordered_at", "status", "total")
    zone = timezone.get_current_timezone()  # once: localdate() asks for it anew each time
    for customer, group in groupby(rows, key=lambda row: row[0]):
        yield customer, [Sale(at.astimezone(zone).date(), status, total) for _, at, status, total in group]


def _end_of(day: date) -> datetime:
    return midnight(day + timedelta(days=1))


def _read_last_interactions(keys: IdSet) -> dict[int, date]:
    rows = Interaction.objects.filter(customer__in=keys).order_by().values_list("customer_id")
    return dict(rows.annotate(last=Max("on")))


def sales_figures(sales: list[Sale], as_of: date, base: Base, calendar: CountedDays) -> Figures:
    """Return the figures of one customer from their sales up to as_of, in any order."""
    after = add_months(as_of, -12)  # 12 个月: this day out, as_of in
    days = sorted({sale.day for sale in sales if sale.status in PURCHASE_STATUSES})
    unpaid = [sale for sale in sales if sale.status == OrderStatus.UNPAID]
    pace = rhythm(days, base, calendar)
    return {
        "first_order_on": days[0] if days else None,
        "last_order_on": days[-1] if days else None,
        "order_days": len(days),
        "order_days_12m": sum(day > after for day in days),
        "net_12m": sum((sale.total for sale in sales if sale.day > after), Decimal(0)),
        "net_total": sum((sale.total for sale in sales), Decimal(0)),
        "usual_days": pace.usual if pace else None,
        "low_days": pace.low if pace else None,
        "high_days": pace.high if pace else None,
        "expected_on": pace.expected_on if pace else None,
        "late_from": pace.late_from if pace else None,
        "alarm_from": pace.alarm_from if pace else None,
        "unpaid_amount": sum((sale.total for sale in unpaid), Decimal(0)),
        "unpaid_count": len(unpaid),
        "unpaid_since": min((sale.day for sale in unpaid), default=None),
    }
