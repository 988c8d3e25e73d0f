"""Who had the work before a change that is taken back: they must still be there to have it again."""

from __future__ import annotations

from collections.abc import Iterable

from kit.domain.verdict import ALLOWED, Verdict, refuse_if
from kit.sql.transactions import in_transaction
from kit.undo.kinds import RestoredRows
from kit.undo.models import UndoEntry, UndoRow

from .models import Notification, User, notify_many


def former_people(rows: Iterable[UndoRow], column: str) -> dict[int, int]:
    """Return {record: key of the user who had it}. column: in which the rows name them, such as manager_id."""
    return {row.record_key or 0: row.old[column] for row in rows if row.old.get(column) and not row.is_deletion}


@in_transaction
def lock_former_people(rows: Iterable[UndoRow], column: str) -> None:
    """Keep them from leaving to the end of the transaction. Users come before all records."""
    keys = set(former_people(rows, column).values())
    list(User.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def unless_there(rows: Iterable[UndoRow], column: str) -> dict[int, Verdict]:
    """Return {record: refusal} of those whose former owner has left."""
    former = former_people(rows, column)
    left = {user.pk: user for user in User.objects.filter(pk__in=set(former.values()), is_active=False)}
    return {
        record: refuse_if(key in left, f"原来的负责人{left.get(key)}已停用，没有恢复。") if key in left else ALLOWED
        for record, key in former.items()
    }


@in_transaction
def tell_assignees(noun: str, kind: str, entry: UndoEntry, rows: RestoredRows, by: User) -> None:
    """Send one notification to each who has some again, or has them no more; what they no longer see is not named."""
    gained = [row.old["assignee_id"] for row in rows.rows if row.old.get("assignee_id")]
    lost = [row.new["assignee_id"] for row in rows.rows if row.new.get("assignee_id")]
    people = User.objects.filter(pk__in={*gained, *lost} - {by.pk}, is_active=True).order_by("pk")
    notify_many(
        Notification.about(None, person.pk, f"{by} 撤销了{entry.verb}，{keys.count(person.pk)} 个{noun}{what}", kind)
        for keys, what in ((gained, "仍由您负责"), (lost, "不再由您负责"))
        for person in people
        if person.pk in keys
    )
