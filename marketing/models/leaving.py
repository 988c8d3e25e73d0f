"""An assignee leaves: his open opportunities are 改派 to one successor."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from accounts.models import User, notify
from kit.audit.log import log_events
from kit.domain.verdict import refuse_if

from .opportunity import Opportunity
from .plan import PlanItem


def opportunities_left_by(person: User) -> list[tuple[str, int]]:
    """What waits for a successor. Those nobody was assigned yet stay with his supervisor, who assigns them."""
    assigned = Opportunity.objects.filter(assignee=person, status=Opportunity.Status.ASSIGNED)
    items = PlanItem.objects.filter(opportunity__in=assigned, result="")
    return [("已指派的销售机会", assigned.count()), ("未执行的计划项", items.count())]


def hand_over_opportunities(person: User, to: User, *, by: User, reason: str) -> int:
    """All or none; whoever may disable the person may hand over. Call in his transaction."""
    refuse_if(not User.objects.account_managers().filter(pk=to.pk).exists(), f"{to} 不是在职的客户经理。").enforce()
    rows = Opportunity.objects.filter(assignee=person, status=Opportunity.Status.ASSIGNED)
    moving = list(rows.order_by("pk").select_for_update(of=("self",)))
    keys = [opportunity.pk for opportunity in moving]
    Opportunity.objects.filter(pk__in=keys).update(
        assignee=to, assigned_at=timezone.now(), assigned_by=by, version=F("version") + 1
    )
    log_events(by, "改派", moving, changes=lambda opportunity: {"指派给": (person, to), "原因": reason})
    if moving:
        named = f"机会「{moving[0].summary}」" if len(moving) == 1 else f" {len(moving)} 个销售机会"
        notify(to, f"{by} 将{named}改派给您：{reason}", moving[0] if len(moving) == 1 else None)
    return len(moving)
