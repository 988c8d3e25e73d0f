"""An assignee leaves: his open requests go to one successor."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from accounts.models import User, notify
from kit.audit.log import log_events
from kit.domain.verdict import refuse_if

from .parts import ServiceHelper
from .request import ServiceRequest


def requests_left_by(person: User) -> list[tuple[str, int]]:
    """What waits for a successor. New ones that nobody was given yet stay with his supervisor, who gives them."""
    return [("在办的服务请求", ServiceRequest.objects.in_work().filter(assignee=person).count())]


def hand_over_all_requests(person: User, to: User, *, by: User, reason: str) -> int:
    """All or none; whoever may disable the person may hand over. Call in his transaction."""
    refuse_if(not User.objects.account_managers().filter(pk=to.pk).exists(), f"{to} 不是在职的客户经理。").enforce()
    rows = ServiceRequest.objects.in_work().filter(assignee=person).order_by("pk")
    moving = list(rows.select_for_update(of=("self",)))
    keys = [one.pk for one in moving]
    ServiceRequest.objects.filter(pk__in=keys).update(
        assignee=to, assigned_at=timezone.now(), assigned_by=by, to_decide_since=None, version=F("version") + 1
    )
    ServiceHelper.objects.filter(request__in=keys, user=to).delete()
    log_events(by, "改派", moving, changes=lambda one: {"分配给": (person, to), "原因": reason})
    if moving:
        only = moving[0] if len(moving) == 1 else None
        notify(to, f"{by} 将 {len(moving)} 个在办的服务请求改派给您：{reason}", only)
    return len(moving)
