"""Monthly reports that wait for a user: counted in the menu and on the home page."""

from __future__ import annotations

from django.db.models import Model, QuerySet

from accounts.models import User
from accounts.scopes.querysets import RowScope
from kit.domain.modules import Waiting

from .models import MonthlyReport


def count_work(user: User) -> dict[str, QuerySet[Model]]:
    """Return reports that were returned to their author, and those to be reviewed."""
    return {"monthly": to_write_or_review(user)} if user.has_perm("reports.view_monthlyreport") else {}


def decisive_scopes(user: User) -> list[RowScope]:
    return [MonthlyReport.objects.view_scope(user)]


def list_work(user: User) -> list[QuerySet[Model]]:
    return [to_write_or_review(user)] if user.has_perm("reports.view_monthlyreport") else []


def list_late_work(user: User) -> list[QuerySet[Model]]:
    """Return nothing: a report that is owed is no row yet."""
    return []


def to_write_or_review(user: User) -> QuerySet[MonthlyReport]:
    return MonthlyReport.objects.returned_to(user) | MonthlyReport.objects.waiting_for(user)


WAITING = Waiting(count_work, decisive_scopes, list_work, list_late_work)
