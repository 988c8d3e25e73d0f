"""Churn cases that wait for their customer's owner: counted in the menu and on the home page."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Model, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.scopes.querysets import RowScope
from kit.domain.modules import Waiting

from .churn.models import ChurnCase
from .records.models import Customer


def count_work(user: User) -> dict[str, QuerySet[Model]]:
    """Return open cases, and those to be reviewed by today."""
    if not user.has_perm("customers.handle_churncase"):
        return {}
    mine = ChurnCase.objects.of_manager(user)
    return {"churn": mine, "churn_due": mine.to_review(timezone.localdate())}


def decisive_scopes(user: User) -> list[RowScope]:
    """Return the scope of customers, on whom notifications may be; the user's own cases depend on nothing else."""
    return [Customer.objects.view_scope(user)]


def list_work(user: User) -> list[QuerySet[Model]]:
    """Return cases to be reviewed by today, and new warnings."""
    if not user.has_perm("customers.handle_churncase"):
        return []
    mine = ChurnCase.objects.of_manager(user)
    return [mine.to_review(timezone.localdate()), mine.filter(status=ChurnCase.Status.WARNING)]


def list_late_work(user: User) -> list[QuerySet[Model]]:
    """Return cases whose day of review is past."""
    if not user.has_perm("customers.handle_churncase"):
        return []
    return [ChurnCase.objects.of_manager(user).to_review(timezone.localdate() - timedelta(days=1))]


WAITING = Waiting(count_work, decisive_scopes, list_work, list_late_work)
