"""Which service requests: in view, in reach, at which stage."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.rows import ScopedQuerySet
from accounts.scopes import VIEW, people_in_scope
from accounts.sharing import granted_ids
from customers.models import CustomerGrant
from kit.sql.counts import filter_cached
from kit.sql.id_sets import IdSet


class AssignmentAccess(NamedTuple):
    """What a person sees for the work's sake: customers of his open requests, and requests he helps with."""

    customers: IdSet
    requests: IdSet


def assignment_access(user: User) -> AssignmentAccess:
    """One query per request of a browser, kept on the user; nobody asks who can have none."""
    if "_assignment_access" not in user.__dict__:
        user.__dict__["_assignment_access"] = _find_assignments(user)
    ties: AssignmentAccess = user.__dict__["_assignment_access"]
    return ties


def _find_assignments(user: User) -> AssignmentAccess:
    requests: Any = apps.get_model("services", "ServiceRequest")
    helpers: Any = apps.get_model("services", "ServiceHelper")
    parts = []
    if user.has_perm("services.handle_servicerequest"):
        mine = requests.objects.in_work().filter(assignee=user, customer__isnull=False)
        parts.append(mine.order_by().values_list(Value(0), "customer"))
    if user.receives_shares:
        parts.append(helpers.objects.filter(user=user).order_by().values_list(Value(1), "request"))
    found: list[set[int]] = [set(), set()]
    if parts:
        for which, key in parts[0].union(*parts[1:], all=True):
            found[which].add(key)
    return AssignmentAccess(IdSet(found[0]), IdSet(found[1]))


class ServiceRequestQuerySet(ScopedQuerySet):
    view_permission = "services.view_servicerequest"
    edit_permission = "services.assign_servicerequest"

    def of_people(self, people: frozenset[int]) -> Q:
        return Q(keeper__in=people)

    def in_reach(self, people: frozenset[int]) -> Q:
        """Their customers' requests, and those they work on."""
        return self.of_people(people) | Q(assignee__in=people)

    def own(self, user: User) -> Q:
        """Worked on, helped with; and made, until it is archived: the request alone, nothing of its customer."""
        mine = Q(assignee=user.pk) | (Q(created_by=user.pk) & ~Q(status="archived"))
        helped = assignment_access(user).requests
        return mine | Q(pk__in=helped) if helped else mine

    def visible_to(self, user: User) -> ServiceRequestQuerySet:
        """View scope, own work, and what hangs on customers shared with the person."""
        if not user.has_perm(self.view_permission):
            return self.none()
        people = people_in_scope(user, self.view_permission, VIEW)
        if people is None:
            return self
        rows = self.of_people(people.including(user.pk)) | self.own(user)
        shared = granted_ids(user, CustomerGrant, self.view_permission)
        return filter_cached(self, rows | Q(customer__in=shared) if shared else rows)

    @staticmethod
    def customers_served_by(user: User) -> IdSet:
        """Ids of the customers of his open requests: an assignment lets him see them."""
        return assignment_access(user).customers

    def open(self) -> ServiceRequestQuerySet:
        return self.exclude(status="archived")

    def in_work(self) -> ServiceRequestQuerySet:
        """Given to somebody and not archived."""
        return self.filter(status__in=("assigned", "handled"))

    def to_handle(self, user: User) -> ServiceRequestQuerySet:
        return self.filter(status="assigned", assignee=user)

    def to_feed_back(self, user: User) -> ServiceRequestQuerySet:
        return self.filter(status="handled", assignee=user)

    def overdue(self, now: datetime | Now | None = None) -> ServiceRequestQuerySet:
        """Not handled in time; the clock stands while the customer's answer is awaited."""
        late = Q(due_at__lt=now or timezone.now(), status__in=("new", "assigned"), waiting_since=None)
        return self.filter(late)

    def due_soon(self, now: datetime, until: datetime) -> ServiceRequestQuerySet:
        """Not late yet, but to be handled until then."""
        return self.filter(due_at__range=(now, until), status__in=("new", "assigned"), waiting_since=None)

    def to_decide(self) -> ServiceRequestQuerySet:
        """Returned a second time: the supervisor decides whether somebody else takes it."""
        return self.exclude(to_decide_since=None)
