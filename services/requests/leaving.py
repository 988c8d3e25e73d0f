"""Hand over the open requests of a user who leaves to one successor (改派)."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from accounts.models import User, notify
from kit.audit.log import log_events
from kit.domain.verdict import refuse_if
from kit.sql.transactions import in_transaction

from .models import ServiceRequest
from .notes import ServiceHelper


def count_open_requests(person: User) -> list[tuple[str, int]]:
    """Return (label, number) of what waits for a successor.

    Unassigned requests are not counted: the supervisor assigns them.
    """
    return [("处理中的服务请求", ServiceRequest.objects.in_work().filter(assignee=person).count())]


@in_transaction
def hand_over_all_requests(person: User, to: User, *, by: User, reason: str) -> int:
    """Reassign all open requests and return their number; the permission is that for disabling the user."""
    refuse_if(not User.objects.account_managers().filter(pk=to.pk).exists(), f"{to} 不是在职的客户经理。").enforce()
    rows = ServiceRequest.objects.in_work().filter(assignee=person).order_by("pk")
    requests = list(rows.select_for_update(of=("self",)))
    keys = [one.pk for one in requests]
    ServiceRequest.objects.filter(pk__in=keys).update(
        assignee=to, assigned_at=timezone.now(), assigned_by=by, to_decide_since=None, version=F("version") + 1
    )
    ServiceHelper.objects.filter(request__in=keys, user=to).delete()
    log_events(by, "改派", requests, changes=lambda one: {"分配给": (person, to), "原因": reason})
    if requests:
        only = requests[0] if len(requests) == 1 else None
        notify(to, f"{by} 将 {len(requests)} 个处理中的服务请求改派给您：{reason}", only)
    return len(requests)
