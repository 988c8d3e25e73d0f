"""QuerySet of opportunities: scopes, stages, annotations."""

from __future__ import annotations

from datetime import date
from functools import cache

from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.contact_details.masking import detail_owner_ids
from accounts.models import User
from accounts.scopes.grants import grant_model_of, granted_ids
from accounts.scopes.querysets import ScopedQuerySet
from customers.models import Contact, Customer

DETAILS_PERMISSION = "marketing.assign_opportunity"  # over the owner: shows contact details


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
        """Return the condition on owners: the assignee, before 指派 the creator."""
        return Q(assignee__in=people) | Q(assignee=None, created_by__in=people)

    def own(self, user: User) -> Q:
        """Return no further condition: after 指派 the creator has no access as such (decision 39)."""
        return Q()

    def detailed_for(self, user: User) -> OpportunityQuerySet:
        """Return the rows whose phone the user sees in full: shows_details_to() as SQL."""
        people = detail_owner_ids(user, DETAILS_PERMISSION)
        if people is None:
            return self
        shared = granted_ids(user, grant_model_of(self.model), "marketing.change_opportunity")
        condition = self.of_people(people) | self.belonging_to(user) | Q(pk__in=shared)
        if user.has_perm("marketing.change_opportunity"):
            condition |= Q(status=OpportunityStatus.UNASSIGNED)
        return self.filter(condition)

    def owned_by(self, person: User | int | OuterRef) -> OpportunityQuerySet:
        """Return the rows of this owner: the assignee, before 指派 the creator."""
        return self.filter(Q(assignee=person) | Q(assignee=None, created_by=person))

    def open(self) -> OpportunityQuerySet:
        return self.filter(status__in=OPEN)

    def of_customer(self, customer: Customer) -> OpportunityQuerySet:
        """Return the rows of a customer: won ones, and open ones under the same name."""
        return self.filter(Q(customer=customer) | Q(status__in=OPEN, name_normalized=customer.name_normalized))

    def in_development(self) -> OpportunityQuerySet:
        """Return assigned and closed rows: those of 客户开发计划."""
        return self.exclude(status=OpportunityStatus.UNASSIGNED)

    def with_progress(self) -> OpportunityQuerySet:
        """Annotate items_all and items_done. Subqueries, so that a page counts its own rows only."""
        items = apps.get_model("marketing", "PlanItem").objects.filter(opportunity=OuterRef("pk")).order_by()
        count = items.values("opportunity").annotate(n=Count("pk")).values("n")
        return self.annotate(
            items_all=Coalesce(Subquery(count), 0),
            items_done=Coalesce(Subquery(count.exclude(result="")), 0),
        )

    def unplanned(self) -> OpportunityQuerySet:
        """Return assigned rows without a plan."""
        return self.filter(has_no_plan(), status=OpportunityStatus.ASSIGNED)

    def with_contact_refusal(self) -> OpportunityQuerySet:
        """Annotate refuses_contact: the contact, by now one of the customer's, is marked 请勿联系."""
        same = {"customer": OuterRef("customer"), "name": OuterRef("contact_name")}
        return self.annotate(refuses_contact=Exists(Contact.objects.filter(do_not_contact=True, **same)))

    def closed_since(self, day: date) -> OpportunityQuerySet:
        return self.filter(status__in=CLOSED, closed_at__date__gte=day)


@cache
def has_no_plan() -> Q:
    """The same object each time: counting statements are kept by their conditions."""
    return Q(~Exists(apps.get_model("marketing", "PlanItem")._default_manager.filter(opportunity=OuterRef("pk"))))
