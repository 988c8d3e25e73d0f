"""Taking back 分配 and 改派 of many service requests: each by itself."""

from __future__ import annotations

from accounts.models import Notification, User
from accounts.taking_back import lock_former_people, tell_assignees, unless_there
from customers.models import TimelineEntry
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if
from kit.sql.row_locks import lock_in_order
from kit.sql.transactions import in_transaction
from kit.undo.journal import Journal
from kit.undo.kinds import EachRecord, RestoredRows, Subject, undoable_each
from kit.undo.models import UndoEntry, UndoRow

from .models import ServiceRequest
from .notes import ServiceHelper

ASSIGNED, REASSIGNED = "services.assigned", "services.reassigned"  # they stand in the journal
FIELDS = ("assignee", "assigned_at", "assigned_by", "status", "minutes_to_assign", "to_decide_since")


@in_transaction
def watch_assignees(journal: Journal, keys: list[int]) -> None:
    journal.watch(ServiceRequest.objects.filter(pk__in=keys), *FIELDS, strictly=True, record="pk")
    journal.watch(ServiceHelper.objects.filter(request__in=keys), record="request")


def keys_of(rows: list[UndoRow]) -> set[int]:
    return {row.record_key for row in rows if row.record_key is not None}


@in_transaction
def lock(rows: list[UndoRow]) -> None:
    lock_former_people(rows, "assignee_id")
    lock_in_order(*ServiceRequest.objects.filter(pk__in=keys_of(rows)))


def judge(rows: list[UndoRow], by: User) -> dict[int, Subject]:
    seen = ServiceRequest.objects.visible_to(by).filter(pk__in=keys_of(rows)).select_related("assignee", "kind")
    left, helped = unless_there(rows, "assignee_id"), helped_since(rows)
    return {
        one.pk: Subject(
            one,
            first_objection(
                ServiceRequest.reassign.verdict(one, by), left.get(one.pk, ALLOWED), helped.get(one.pk, ALLOWED)
            ),
        )
        for one in seen
    }


def helped_since(rows: list[UndoRow]) -> dict[int, Verdict]:
    """Return {key: refusal} of requests that would be new again, but have helpers by now."""
    new = {row.key for row in rows if row.old.get("status") == ServiceRequest.Status.NEW}
    helped = ServiceHelper.objects.filter(request__in=new).values_list("request", flat=True)
    return {key: refuse_if(True, "之后已经邀请了协办人，没有恢复。") for key in set(helped)}


def follow(entry: UndoEntry, rows: RestoredRows, by: User) -> None:
    refresh_timeline(rows.of(ServiceRequest))
    tell_assignees("服务请求", Notification.Kind.ASSIGNED, entry, rows, by)


@in_transaction
def refresh_timeline(keys: set[int]) -> None:
    """Write the state of requests anew into the timeline of their customers."""
    requests = ServiceRequest.objects.filter(pk__in=keys, customer__isnull=False).select_related("kind")
    texts = {one.get_absolute_url(): one.timeline_text[:500] for one in requests}
    customers = {one.customer_id for one in requests}
    entries = TimelineEntry.objects.filter(customer__in=customers, kind=TimelineEntry.Kind.SERVICE, url__in=list(texts))
    changed = list(entries)
    for entry in changed:
        entry.text = texts[entry.url]
    TimelineEntry.objects.bulk_update(changed, ["text"])


EACH = EachRecord(lock, judge, follow)
CHANGES = (
    undoable_each(ASSIGNED, ServiceRequest.assign, EACH, back="services:dispatch"),
    undoable_each(REASSIGNED, ServiceRequest.reassign, EACH, back="services:archive"),
)
