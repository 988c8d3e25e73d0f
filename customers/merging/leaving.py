"""Hand-over of a leaving 客户经理: all customers go to one successor, with their related rows."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from customers.churn.models import ChurnCase
from customers.insight.models import AlertPause
from customers.interactions.models import Interaction
from customers.records.models import Customer
from kit.domain.verdict import refuse_if
from kit.sql.transactions import in_transaction

from .bulk import move_customers


def customers_left_by(person: User) -> list[tuple[str, int]]:
    """Return the work to hand over: [("客户", 12), …]; includes deleted customers, which may be restored."""
    customers = Customer.objects.filter(manager=person)
    follow_ups = Interaction.objects.filter(customer__in=customers, follow_up_on__isnull=False, followed_up_at=None)
    return [
        ("客户", customers.count()),
        ("未结束的客户流失", ChurnCase.objects.open().filter(customer__in=customers).count()),
        ("未完成的跟进", follow_ups.count()),
        ("暂不提醒", AlertPause.objects.in_force(timezone.localdate()).filter(customer__in=customers).count()),
    ]


@in_transaction
def hand_over_customers(person: User, to: User, *, by: User, reason: str) -> int:
    """Move all customers or none, in the transaction that disables the user; needs no other permission than that."""
    refuse_if(not User.objects.account_managers().filter(pk=to.pk).exists(), f"{to} 不是在职的客户经理。").enforce()
    rows = Customer.objects.filter(manager=person).order_by("pk").select_for_update(of=("self",))
    return move_customers(list(rows.select_related("manager")), to, by=by, reason=reason)
