"""What modules say of their changes that can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from kit.domain.verdict import Verdict

if TYPE_CHECKING:
    from .models import UndoEntry, UndoRow


@dataclass
class RestoredRows:
    """What was restored. keys: {model: keys} of all rows touched; inserted: those that had been deleted.

    kept: rows that stay as they are, where a kind lets them.
    """

    keys: dict[type[models.Model], set[int]] = field(default_factory=dict)
    inserted: list[models.Model] = field(default_factory=list)
    kept: list[UndoRow] = field(default_factory=list)

    def of(self, model: type[models.Model]) -> set[int]:
        return self.keys.get(model, set())


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
    """

    name: str
    visible: Callable[[Any], Q]
    lock: Callable[[UndoEntry], None]
    allowed: Callable[[UndoEntry, Any], Verdict]
    check: Callable[[UndoEntry], None] = lambda entry: None
    prepare: Callable[[models.Model], str] = lambda row: ""
    keep: Callable[[list[UndoRow], list[UndoRow]], set[int]] | None = None
    follow: Callable[[UndoEntry, RestoredRows, Any], str] = lambda entry, rows, by: ""
