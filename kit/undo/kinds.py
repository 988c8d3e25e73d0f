"""What modules say of their changes that can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models
from django.db.models import Q

from kit.domain.verdict import Verdict, first_objection, require_scope
from kit.transitions import Guard

if TYPE_CHECKING:
    from .models import UndoEntry, UndoRow


@dataclass
class RestoredRows:
    """What was restored. keys: {model: keys} of all rows touched; inserted: those that had been deleted.

    rows: of the journal, where each record goes back by itself.
    kept: rows that stay as they are, where a kind lets them.
    """

    keys: dict[type[models.Model], set[int]] = field(default_factory=dict)
    inserted: list[models.Model] = field(default_factory=list)
    rows: list[UndoRow] = field(default_factory=list)
    kept: list[UndoRow] = field(default_factory=list)

    def of(self, model: type[models.Model]) -> set[int]:
        return self.keys.get(model, set())


class Subject(NamedTuple):
    """A record of a change, and whether the user may still do with it what brings it back."""

    record: models.Model
    verdict: Verdict


@dataclass(frozen=True)
class EachRecord:
    """How each record of a change goes back by itself: who changed one since keeps that one, and no other.

    Records come in batches, so that none of these makes a statement for each.
    lock: takes the locks of the change on the records of these rows.
    judge: {key: Subject} of the records that the user sees, deleted ones too; asked on locked rows.
    follow: as in Undoable, after the rows of a batch are back; it tells whom the change had told.
    """

    lock: Callable[[list[UndoRow]], None]
    judge: Callable[[list[UndoRow], Any], dict[int, Subject]]
    follow: Callable[[UndoEntry, RestoredRows, Any], None] = lambda entry, rows, by: None


@dataclass(frozen=True)
class Undoable:
    """One kind of change that can be taken back, lent in module.py by the module whose rows it changes.

    name: stored in the journal, never renamed.
    visible: the condition on entries of this kind that the user sees under 最近删除; also who gets at 撤销.
    lock: takes the locks of the change, in the order of the house; the entry is locked after them.
    allowed: whether the user may still do there what brings the rows back; asked on locked rows.
    check: raises Refused where bringing them back would break a rule, before anything is written.
    prepare: adapts a row that is about to be inserted again; returns what to tell about it, or "".
    keep: where rows that somebody changed since stay and do not refuse the rest: returns which of the others stay with
    them, given (unchanged, changed) rows; None: all or none.
    follow: refreshes what is derived from the rows, writes the timeline; returns what to tell, or "".
    each: in place of lock, check and follow, where each record goes back by itself.
    back: URL name of the page it leads back to, where no record has one.
    """

    name: str
    visible: Callable[[Any], Q]
    lock: Callable[[UndoEntry], None]
    allowed: Callable[[UndoEntry, Any], Verdict]
    check: Callable[[UndoEntry], None] = lambda entry: None
    prepare: Callable[[models.Model], str] = lambda row: ""
    keep: Callable[[list[UndoRow], list[UndoRow]], set[int]] | None = None
    follow: Callable[[UndoEntry, RestoredRows, Any], str] = lambda entry, rows, by: ""
    each: EachRecord | None = None
    back: str = "recent"


def undoable_each(name: str, permission: Guard, each: EachRecord, *, back: str = "recent") -> Undoable:
    """Return a kind whose records go back one by one, for whoever made the change, while they have the permission."""
    return Undoable(
        name,
        visible=lambda user: Q(by=user),
        lock=lambda entry: None,
        allowed=lambda entry, by: first_objection(
            require_scope(entry.by_id == by.pk, f"只有操作的人（{entry.by}）可以撤销。"),
            permission.rule.verdict(permission.model, by),
        ),
        each=each,
        back=back,
    )
