"""QuerySet of service requests: scopes, stages, due times."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.scopes.grants import granted_ids
from accounts.scopes.querysets import ScopedQuerySet
from customers.models import CustomerGrant
from kit.sql.id_sets import IdSet


class AssignmentAccess(NamedTuple):
    """Customers and requests visible to a user through assigned open requests, and through helping."""

    customers: IdSet
    requests: IdSet


def assignment_access(user: User) -> AssignmentAccess:
    """Return the user's access by assignment: one query per request, none for users who can have none."""
    return user.session_facts.of_module(AssignmentAccess, lambda: _find_assignments(user))


def _find_assignments(user: User) -> AssignmentAccess:
    requests: Any = apps.get_model("services", "ServiceRequest")
    helpers: Any = apps.get_model("services", "ServiceHelper")
    parts = []
    if user.has_perm("services.handle_servicerequest"):
        assigned = requests.objects.in_work().filter(assignee=user, customer__isnull=False)
        parts.append(assigned.order_by().values_list(Value(0), "customer"))
    if user.receives_shares:
        parts.append(helpers.objects.filter(user=user).order_by().values_list(Value(1), "request"))
    keys: tuple[set[int], set[int]] = (set(), set())  # of customers, of requests
    if parts:
        for which, key in parts[0].union(*parts[1:], all=True):
            keys[which].add(key)
    return AssignmentAccess(IdSet(keys[0]), IdSet(keys[1]))


class ServiceRequestQuerySet(ScopedQuerySet):
    view_permission = "services.view_servicerequest"
    edit_permission = "services.assign_servicerequest"

    def of_people(self, people: frozenset[int]) -> Q:
        return Q(keeper__in=people)

    def exportable_for(self, people: frozenset[int]) -> Q:
        """Return the condition on owners, or on assignees."""
        return self.of_people(people) | Q(assignee__in=people)

    def own(self, user: User) -> Q:
        """Return the condition on assigned requests, those helped with, and those created until they are archived.

        Access to the request alone, not to its customer.
        """
        own = Q(assignee=user.pk) | (Q(created_by=user.pk) & ~Q(status="archived"))
        helped_ids = assignment_access(user).requests
        return own | Q(pk__in=helped_ids) if helped_ids else own

    def mine(self, user: User) -> ServiceRequestQuerySet:
        """Return the requests of the user's customers, and those they work on."""
        return self.filter(self.belonging_to(user))

    def shared_with(self, user: User) -> Q:
        """Return the condition on requests of customers shared with the user."""
        shared = granted_ids(user, CustomerGrant, self.view_permission)
        return Q(customer__in=shared) if shared else Q()

    def open(self) -> ServiceRequestQuerySet:
        return self.exclude(status="archived")

    def in_work(self) -> ServiceRequestQuerySet:
        """Return requests that are assigned and not archived."""
        return self.filter(status__in=("assigned", "handled"))

    def to_handle(self, user: User) -> ServiceRequestQuerySet:
        return self.filter(status="assigned", assignee=user)

    def to_feed_back(self, user: User) -> ServiceRequestQuerySet:
        return self.filter(status="handled", assignee=user)

    def overdue(self, now: datetime | Now | None = None) -> ServiceRequestQuerySet:
        """Return requests not handled in time; the clock stops while waiting for the customer."""
        condition = Q(due_at__lt=now or timezone.now(), status__in=("new", "assigned"), waiting_since=None)
        return self.filter(condition)

    def due_soon(self, now: datetime, until: datetime) -> ServiceRequestQuerySet:
        """Return requests due between now and until."""
        return self.filter(due_at__range=(now, until), status__in=("new", "assigned"), waiting_since=None)

    def to_decide(self) -> ServiceRequestQuerySet:
        """Return requests returned twice or more, on whose 改派 the supervisor has to decide."""
        return self.exclude(to_decide_since=None)
