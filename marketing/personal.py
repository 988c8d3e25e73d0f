"""Personal data about a contact in opportunities and their plans; see customers/personal.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.models import Notification
from customers.models import Contact
from customers.personal import PersonalDataSource, notifications_about
from kit.domain.folding import fold_name, fold_number

from .opportunities.forecast_changes import ForecastChange
from .opportunities.models import Opportunity
from .plans.models import PlanItem


def opportunities_of(contact: Contact) -> models.QuerySet[Opportunity]:
    """Return the opportunities the customer came from, and those with the contact's name and one of their numbers."""
    condition = Q(customer=contact.customer)
    for number in contact.numbers:
        condition |= Q(contact_name__same_text=contact.name, contact_phone__same_number=number)
    return Opportunity.objects.filter(condition).order_by("pk")


def names_contact(row: Opportunity, contact: Contact) -> bool:
    """Whether the opportunity has this contact's name or one of their numbers."""
    numbers = map(fold_number, contact.numbers)
    return fold_name(row.contact_name) == fold_name(contact.name) or fold_number(row.contact_phone) in numbers


def _rows_of(model: type[PlanItem] | type[ForecastChange]) -> Callable[[Contact], models.QuerySet[Any]]:
    return lambda contact: model._default_manager.filter(opportunity__in=opportunities_of(contact)).order_by("pk")


OPPORTUNITY_TEXTS = ("contact_name", "contact_phone", "summary", "description", "source", "win_reason", "lost_reason")
PARTS = (
    # Plans and notifications first: after erasure the opportunities no longer name the contact.
    PersonalDataSource("计划项", PlanItem, _rows_of(PlanItem), ("text", "result"), ("on", "text", "result")),
    PersonalDataSource("预测变更", ForecastChange, _rows_of(ForecastChange), ("reason",), ("at", "reason")),
    PersonalDataSource(
        "机会通知",
        Notification,
        lambda contact: Notification.objects.filter(notifications_about(opportunities_of(contact))),
        ("text",),
        ("created_at", "text"),
    ),
    PersonalDataSource(
        "销售机会",
        Opportunity,
        opportunities_of,
        OPPORTUNITY_TEXTS,
        ("pk", "customer_name", *OPPORTUNITY_TEXTS, "created_at"),
        linked=names_contact,
        blanked=("contact_name", "contact_phone"),
    ),
)
IMPERSONAL: dict[type[models.Model], tuple[str, ...]] = {
    Opportunity: ("customer_name", "name_normalized", "name_pinyin")
}
