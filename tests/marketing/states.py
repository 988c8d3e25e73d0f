"""An opportunity in each of its states, and all that an action could change of it."""

from __future__ import annotations

from accounts.models import Notification
from customers.models import Customer
from kit.audit.models import AuditEntry
from marketing.models import ForecastChange, Opportunity, OpportunityGrant, PlanItem
from tests import factories

STATES = ("unassigned", "assigned", "won", "lost")


def record_in(state, company, **values):
    """Return an opportunity of colleague's in that state; from 已指派 on, manager is its assignee."""
    people = (company.colleague, company.supervisor, company.manager)
    if state == "unassigned":
        return factories.opportunity(company.colleague, **values)
    return {"assigned": factories.assigned, "won": factories.won, "lost": factories.lost}[state](*people, **values)


def everything(record):
    """Return all that an action could change."""
    return (
        Opportunity.objects.filter(pk=record.pk).values().first(),
        list(PlanItem.objects.filter(opportunity=record.pk).values()),
        ForecastChange.objects.count(),
        OpportunityGrant.objects.count(),
        Customer.objects.count(),
        AuditEntry.objects.count(),
        Notification.objects.count(),
    )
