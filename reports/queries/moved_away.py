"""Customers who counted in 可判断 of 预警回测 and have left the viewer's view since."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from accounts.models import User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from customers.models import Customer, Ownership
from customers.orders.rhythm import MIN_ORDER_DAYS
from customers.orders.rhythm_base import batches_of_customers, order_days
from customers.querysets import CustomerQuerySet
from kit.domain.days import midnight

from .people import ChosenPeople

Periods = Sequence[tuple[datetime, int]]  # when somebody became the 客户经理, oldest first


def count_moved_away(user: User, people: ChosenPeople, month_ends: Collection[date]) -> dict[date, int]:
    """Return {month's end: customers judged under somebody in view who are out of view today}.

    Nobody leaves the view of all. Read are the owners and orders of customers who changed hands, who are few.
    """
    in_view = user_ids_in_scope(user, CustomerQuerySet.view_permission, VIEW)
    if in_view is None or not month_ends:
        return {}
    chosen = people.ids()
    then = frozenset(in_view) if chosen is None else in_view & chosen
    first = midnight(min(month_ends) + timedelta(days=1))
    moved = Ownership.objects.filter(manager__in=then, until__gte=first, customer__deleted_at=None)
    gone = moved.exclude(customer__in=Customer.objects.visible_to(user).values("pk"))
    counts: dict[date, int] = defaultdict(int)
    for keys in batches_of_customers(gone.values_list("customer", flat=True)):
        owners: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        for key, since, manager in (
            Ownership.objects.filter(customer__in=keys)
            .order_by("since", "pk")
            .values_list("customer", "since", "manager")
        ):
            owners[key].append((since, manager))
        for key, days in order_days(keys, max(month_ends)):
            for end in month_ends:
                if bisect_right(days, end) >= MIN_ORDER_DAYS and owner_on(end, owners[key]) in then:
                    counts[end] += 1
    return counts


def owner_on(month_end: date, periods: Periods) -> int:
    """Return the 客户经理 when the month ended, as owner_at() does: before the history begins, the first known one."""
    at = midnight(month_end + timedelta(days=1)) - timedelta.resolution
    place = bisect_right(periods, at, key=lambda period: period[0])
    return periods[max(place, 1) - 1][1]
