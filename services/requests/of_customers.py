"""What service requests add to their customers; see customers/hooks.py."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import User
from customers.models import Customer
from kit.sql.id_sets import IdSet

from .models import ServiceRequest
from .querysets import ServiceRequestQuerySet, assignment_access


def customers_served_by(user: User) -> IdSet:
    """Return the ids of the customers of the user's open requests: an assignment shows the customer."""
    return assignment_access(user).customers


def requests_of(customer: Customer) -> ServiceRequestQuerySet:
    return ServiceRequest.objects.filter(customer=customer)


def set_owner(customers: Iterable[int], owner: User) -> None:
    """Name the owner of these customers in their requests, where scopes look for it."""
    ServiceRequest.objects.filter(customer__in=list(customers)).update(keeper=owner)
