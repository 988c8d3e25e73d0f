"""What waits for a user in marketing: counted in the menu and on the home page."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Model, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.scopes.querysets import RowScope
from customers.models import Interaction
from kit.domain.modules import Waiting

from .opportunities.models import Opportunity
from .opportunities.querysets import OpportunityQuerySet
from .plans.models import PlanItem


def count_work(user: User) -> dict[str, QuerySet[Model]]:
    """Return plan items that are due, and opportunities to assign."""
    rows: dict[str, QuerySet[Model]] = {}
    if user.has_perm("marketing.develop_opportunity"):
        rows["due"] = due_items(user, timezone.localdate())
    if user.has_perm("marketing.assign_opportunity"):
        rows["unassigned"] = unassigned(user)
    return rows


def decisive_scopes(user: User) -> list[RowScope]:
    return [Opportunity.objects.view_scope(user), Opportunity.objects.edit_scope(user)]


def list_work(user: User) -> list[QuerySet[Model]]:
    """Return what waits today: plan items, follow-ups, opportunities without a plan, and those to assign."""
    today, rows = timezone.localdate(), list[QuerySet[Model]]()
    if user.has_perm("marketing.develop_opportunity"):
        rows += [due_items(user, today), agreed_follow_ups(user, today), developed_by(user).filter(items=None)]
    if user.has_perm("marketing.assign_opportunity"):
        rows.append(unassigned(user))
    return rows


def list_late_work(user: User) -> list[QuerySet[Model]]:
    """Return plan items and follow-ups whose day is past."""
    if not user.has_perm("marketing.develop_opportunity"):
        return []
    yesterday = timezone.localdate() - timedelta(days=1)
    return [due_items(user, yesterday), agreed_follow_ups(user, yesterday)]


def due_items(user: User, until: date) -> QuerySet[PlanItem]:
    """Return open plan items of the user's opportunities up to a day."""
    return PlanItem.objects.due(until).filter(opportunity__assignee=user)


def unassigned(user: User) -> QuerySet[Opportunity]:
    """Return the opportunities that the user may assign."""
    return Opportunity.objects.editable_by(user).filter(status=Opportunity.Status.UNASSIGNED)


def developed_by(user: User) -> OpportunityQuerySet:
    return Opportunity.objects.filter(assignee=user, status=Opportunity.Status.ASSIGNED)


def agreed_follow_ups(user: User, until: date) -> QuerySet[Interaction]:
    """Return open follow-ups with the user's customers up to a day."""
    rows = Interaction.objects.to_follow_up(until)
    return rows.filter(customer__manager=user, customer__deleted_at=None)


WAITING = Waiting(count_work, decisive_scopes, list_work, list_late_work)
