"""Which opportunities: in view, in reach, at which stage."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.details import people_reached
from accounts.models import User
from accounts.rows import ScopedQuerySet
from accounts.sharing import granted_ids, grants_of
from customers.models import Contact

DETAILS_PERMISSION = "marketing.assign_opportunity"  # who assigns an opportunity sees whom to call


class OpportunityStatus(models.TextChoices):
    UNASSIGNED = "unassigned", "未分配"
    ASSIGNED = "assigned", "已指派"
    WON = "won", "开发成功"
    LOST = "lost", "开发失败"


OPEN = (OpportunityStatus.UNASSIGNED, OpportunityStatus.ASSIGNED)
CLOSED = (OpportunityStatus.WON, OpportunityStatus.LOST)


class OpportunityQuerySet(ScopedQuerySet):
    view_permission = "marketing.view_opportunity"
    edit_permission = "marketing.assign_opportunity"

    def of_people(self, people: frozenset[int]) -> Q:
        """Whose opportunity: its assignee's, before 指派 its creator's."""
        return Q(assignee__in=people) | Q(assignee=None, created_by__in=people)

    def own(self, user: User) -> Q:
        """None beside those kept: from 指派 on having made an opportunity gives nothing (decision 39)."""
        return Q()

    def detailed_for(self, user: User) -> OpportunityQuerySet:
        """Those whose phone the person sees in full: shows_details_to() as SQL."""
        people = people_reached(user, DETAILS_PERMISSION)
        if people is None:
            return self
        shared = granted_ids(user, grants_of(self.model), "marketing.change_opportunity")
        found = self.of_people(people) | self.belonging_to(user) | Q(pk__in=shared)
        if user.has_perm("marketing.change_opportunity"):
            found |= Q(status=OpportunityStatus.UNASSIGNED)
        return self.filter(found)

    def kept_by(self, person: Any) -> OpportunityQuerySet:
        return self.filter(Q(assignee=person) | Q(assignee=None, created_by=person))

    def open(self) -> OpportunityQuerySet:
        return self.filter(status__in=OPEN)

    def in_development(self) -> OpportunityQuerySet:
        """Everything that has been assigned, open or closed: the rows of 客户开发计划."""
        return self.exclude(status=OpportunityStatus.UNASSIGNED)

    def with_progress(self) -> OpportunityQuerySet:
        """items_all and items_done: how far the plan is. Subqueries, so that a page counts its own rows only."""
        items = apps.get_model("marketing", "PlanItem").objects.filter(opportunity=OuterRef("pk")).order_by()
        counted = items.values("opportunity").annotate(n=Count("pk")).values("n")
        return self.annotate(
            items_all=Coalesce(Subquery(counted), 0),
            items_done=Coalesce(Subquery(counted.exclude(result="")), 0),
        )

    def with_contact_refusal(self) -> OpportunityQuerySet:
        """refuses_contact: the person, a contact of the customer by now, asked not to be called any more."""
        same = {"customer": OuterRef("customer"), "name": OuterRef("contact_name")}
        return self.annotate(refuses_contact=Exists(Contact.objects.filter(do_not_contact=True, **same)))

    def closed_since(self, day: date) -> OpportunityQuerySet:
        return self.filter(status__in=CLOSED, closed_at__date__gte=day)
