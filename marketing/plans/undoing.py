"""Taking back the deletion of a plan item."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import User
from kit.audit.log import log_event
from kit.domain.verdict import Verdict, first_objection, require_scope
from kit.sql.row_locks import lock_row
from kit.undo.kinds import RestoredRows, Undoable
from kit.undo.models import UndoEntry
from marketing.opportunities.models import Opportunity

from .models import ITEM_REMOVED, PlanItem


def own_entries(user: User) -> Q:
    return Q(by=user, object_id__in=Opportunity.objects.visible_to(user).values("pk"))


def opportunity_of(entry: UndoEntry) -> Opportunity:
    record = entry.record
    assert isinstance(record, Opportunity)  # plan items are journalled on their opportunity
    return record


def lock(entry: UndoEntry) -> None:
    lock_row(opportunity_of(entry))


def allowed(entry: UndoEntry, by: User) -> Verdict:
    return first_objection(
        require_scope(entry.by_id == by.pk, f"只有删除的人（{entry.by}）可以撤销。"),
        opportunity_of(entry).can_plan(by),
    )


def follow(entry: UndoEntry, rows: RestoredRows, by: User) -> str:
    for item in PlanItem.objects.filter(pk__in=rows.of(PlanItem)):
        log_event(by, "撤销删除计划", opportunity_of(entry), 计划项=item.dated_text())
    return ""


REMOVED_ITEM = Undoable(ITEM_REMOVED, own_entries, lock, allowed, follow=follow)
