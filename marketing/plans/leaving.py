"""Hand over the open opportunities of a user who leaves to one successor (改派)."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from accounts.models import User, notify
from kit.audit.log import log_events
from kit.domain.verdict import refuse_if
from kit.sql.transactions import in_transaction
from marketing.opportunities.models import Opportunity

from .models import PlanItem


def count_open_opportunities(person: User) -> list[tuple[str, int]]:
    """Return (label, number) of what waits for a successor.

    Unassigned opportunities are not counted: the supervisor assigns them.
    """
    assigned = Opportunity.objects.filter(assignee=person, status=Opportunity.Status.ASSIGNED)
    items = PlanItem.objects.filter(opportunity__in=assigned, result="")
    return [("已指派的销售机会", assigned.count()), ("未执行的计划项", items.count())]


@in_transaction
def hand_over_opportunities(person: User, to: User, *, by: User, reason: str) -> int:
    """Reassign all open opportunities and return their number; the permission is that for disabling the user."""
    refuse_if(not User.objects.account_managers().filter(pk=to.pk).exists(), f"{to} 不是在职的客户经理。").enforce()
    rows = Opportunity.objects.filter(assignee=person, status=Opportunity.Status.ASSIGNED)
    opportunities = list(rows.order_by("pk").select_for_update(of=("self",)))
    keys = [opportunity.pk for opportunity in opportunities]
    Opportunity.objects.filter(pk__in=keys).update(
        assignee=to, assigned_at=timezone.now(), assigned_by=by, version=F("version") + 1
    )
    log_events(by, "改派", opportunities, changes=lambda opportunity: {"指派给": (person, to), "原因": reason})
    count = len(opportunities)
    if count:
        only = opportunities[0] if count == 1 else None
        subject = f"机会「{only.summary}」" if only else f" {count} 个销售机会"
        notify(to, f"{by} 将{subject}改派给您：{reason}", only)
    return count
