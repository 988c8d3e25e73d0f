"""Taking back 指派, 改派 and 延后 of many opportunities: each by itself."""

from __future__ import annotations

from functools import partial

from accounts.models import Notification, User
from accounts.taking_back import lock_former_people, tell_assignees, unless_there
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if
from kit.sql.row_locks import lock_in_order
from kit.sql.transactions import in_transaction
from kit.transitions import Guard
from kit.undo.journal import Journal
from kit.undo.kinds import EachRecord, RestoredRows, Subject, undoable_each
from kit.undo.models import UndoEntry, UndoRow

from .forecast_changes import ForecastChange
from .models import Opportunity

# They stand in the journal.
ASSIGNED, REASSIGNED, POSTPONED = "marketing.assigned", "marketing.reassigned", "marketing.postponed"
LIST = "marketing:opportunity_list"


@in_transaction
def watch_assignees(journal: Journal, keys: list[int]) -> None:
    rows = Opportunity.objects.filter(pk__in=keys)
    journal.watch(rows, "assignee", "assigned_at", "assigned_by", "status", strictly=True, record="pk")


@in_transaction
def watch_forecast(journal: Journal, keys: list[int]) -> None:
    journal.watch(Opportunity.objects.filter(pk__in=keys), "expected_on", strictly=True, record="pk")
    changes = ForecastChange.objects.filter(opportunity__in=keys)
    journal.watch(changes, "opportunity", "at", with_new=True, record="opportunity")


def keys_of(rows: list[UndoRow]) -> set[int]:
    return {row.record_key for row in rows if row.record_key is not None}


@in_transaction
def lock(rows: list[UndoRow]) -> None:
    lock_former_people(rows, "assignee_id")
    lock_in_order(*Opportunity.objects.filter(pk__in=keys_of(rows)))


def judge(guard: Guard, rows: list[UndoRow], by: User) -> dict[int, Subject]:
    seen = Opportunity.objects.visible_to(by).filter(pk__in=keys_of(rows)).select_related("assignee", "created_by")
    left, planned = unless_there(rows, "assignee_id"), planned_since(rows)
    return {
        one.pk: Subject(
            one, first_objection(guard.verdict(one, by), left.get(one.pk, ALLOWED), planned.get(one.pk, ALLOWED))
        )
        for one in seen
    }


def planned_since(rows: list[UndoRow]) -> dict[int, Verdict]:
    """Return {key: refusal} of opportunities that would be unassigned again, but have a plan by now."""
    unassigned = {row.key for row in rows if row.old.get("status") == Opportunity.Status.UNASSIGNED}
    planned = Opportunity.objects.filter(pk__in=unassigned, items__isnull=False).values_list("pk", flat=True)
    return {key: refuse_if(True, "之后已经制定了开发计划，没有恢复。") for key in set(planned)}


def follow_assignees(entry: UndoEntry, rows: RestoredRows, by: User) -> None:
    tell_assignees("机会", Notification.Kind.OPPORTUNITY, entry, rows, by)


ASSIGNMENT = EachRecord(lock, partial(judge, Opportunity.reassign), follow_assignees)
FORECAST = EachRecord(lock, partial(judge, Opportunity.update_forecast))
CHANGES = (
    undoable_each(ASSIGNED, Opportunity.assign, ASSIGNMENT, back=LIST),
    undoable_each(REASSIGNED, Opportunity.reassign, ASSIGNMENT, back=LIST),
    undoable_each(POSTPONED, Opportunity.update_forecast, FORECAST, back=LIST),
)
