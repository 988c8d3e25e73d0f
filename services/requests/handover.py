"""Hand over open requests with their customer, from the former account manager to the new one (移交)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F
from django.utils import timezone

from accounts.models import User, notify
from kit.audit.log import log_events
from kit.sql.transactions import in_transaction
from kit.undo.journal import Journal

from .models import ServiceRequest
from .notes import ServiceHelper


@in_transaction
def watch_requests(journal: Journal, customers: list[int], to: User) -> None:
    """Note what hand_over_requests() may touch, when these customers go to that user."""
    rows = ServiceRequest.objects.in_work().filter(customer__in=customers, assignee=F("customer__manager"))
    fields = ("assignee", "assigned_at", "assigned_by", "to_decide_since")
    journal.watch(rows, *fields, strictly=True, record="customer")
    helpers = ServiceHelper.objects.filter(request__in=rows.values("pk"), user=to)
    journal.watch(helpers, record="request__customer")


@in_transaction
def hand_over_requests(former: Mapping[int, int], to: User, *, by: User, reason: str) -> int:
    """Reassign the former owners' open requests and return their number; requests of other assignees stay with them.

    former: {customer id: id of its owner before}. The transaction that moves the customers has locked them.
    """
    open_rows = ServiceRequest.objects.in_work().filter(customer__in=list(former)).order_by("pk")
    rows = open_rows.select_for_update(of=("self",)).select_related("assignee")
    requests = [one for one in rows if one.customer_id and one.assignee_id == former[one.customer_id] != to.pk]
    if not requests:
        return 0
    keys = [one.pk for one in requests]
    ServiceRequest.objects.filter(pk__in=keys).update(
        assignee=to, assigned_at=timezone.now(), assigned_by=by, to_decide_since=None, version=F("version") + 1
    )
    ServiceHelper.objects.filter(request__in=keys, user=to).delete()
    log_events(by, "移交", requests, changes=lambda one: {"分配给": (one.assignee, to), "原因": reason})
    if to.pk != by.pk:
        only = requests[0] if len(requests) == 1 else None
        notify(to, f"{by} 随客户移交给您 {len(requests)} 个处理中的服务请求：{reason}", only)
    return len(requests)
