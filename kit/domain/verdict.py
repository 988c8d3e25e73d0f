"""The answer to "may this person do this to this record, now?": yes, or no with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import models, transaction

from kit.domain.actor import Actor

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=models.Model)


class Kind(Enum):
    ALLOWED = "allowed"
    NO_PERMISSION = "no_right"  # none of the person's roles holds the right: the control is hidden, the answer 403
    NOT_YOURS = "not_yours"  # the right, but not over this record: shown disabled, 403
    STATE = "state"  # the record's state refuses: shown disabled, 409


@dataclass(frozen=True)
class Verdict:
    kind: Kind = Kind.ALLOWED
    reason: str = ""

    def __bool__(self) -> bool:
        return self.kind is Kind.ALLOWED

    @property
    def hidden(self) -> bool:
        return self.kind is Kind.NO_PERMISSION

    def enforce(self) -> None:
        """Raises Refused with the reason unless allowed."""
        if not self:
            raise Refused(self)


class Refused(Exception):
    """A transition was asked for that its guard does not allow."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


ALLOWED = Verdict()


def require_permission(by: Actor | None, permission: str, reason: str) -> Verdict:
    """by: a user, or None for the system, which needs no right."""
    if by is None or by.has_perm(permission):
        return ALLOWED
    return Verdict(Kind.NO_PERMISSION, reason)


def require_scope(belongs: bool, reason: str) -> Verdict:
    """Refuses people the record does not belong to."""
    return ALLOWED if belongs else Verdict(Kind.NOT_YOURS, reason)


def refuse_if(objection: bool, reason: str) -> Verdict:
    """Refuses when the record's state objects."""
    return Verdict(Kind.STATE, reason) if objection else ALLOWED


def first_objection(*verdicts: Verdict) -> Verdict:
    return next((verdict for verdict in verdicts if not verdict), ALLOWED)


def transition(method: Callable[Concatenate[M, P], R]) -> Callable[Concatenate[M, P], R]:
    """Runs a model method in one transaction on the row as it stands now, locked.

    A model may name a relation in `locked_with`: that row is locked first, so that parts do not change while their
    whole closes. A person who is given something is held before all of it: disabling locks them first and their work
    next, so the two wait for each other and never lock up, and what the method asks about them stays true. So is a
    customer that the row comes to point at, as merging locks it first and what hangs on it next. A model's
    await_turn(verb) comes before every row, for verbs that take turns with work that holds no rows. On SQLite
    transactions are IMMEDIATE, so the transaction itself is the lock.
    """

    @wraps(method)
    def locked(self: M, /, *args: P.args, **kwargs: P.kwargs) -> R:
        given = [*args, *(value for name, value in kwargs.items() if name != "by")]
        with transaction.atomic():
            if await_turn := getattr(self, "await_turn", None):
                await_turn(method.__name__)
            lock_before_records(*given)
            if whole := getattr(self, getattr(self, "locked_with", ""), None):
                lock_row(whole)
            lock_row(self)
            return method(self, *args, **kwargs)

    return locked


def lock_row(row: models.Model) -> None:
    """Re-reads the row and keeps it locked to the end of the transaction.

    People and customers are locked weakly: a row that only names one (a notification, a trail's) does not wait.
    """
    weak = getattr(row, "locks_before_records", False)
    row.refresh_from_db(from_queryset=type(row)._base_manager.select_for_update(no_key=weak))


def lock_before_records(*given: Any) -> None:
    """Holds the people and customers among what a row is given. Call before the row itself is locked."""
    lock_in_order(*(value for value in given if getattr(value, "locks_before_records", False)))


def lock_in_order(*rows: Any) -> None:
    """Keeps whoever is given work, and what the work is about, as they are to the end of the transaction.

    People first, then customers, each in the order of their keys.
    """
    found: dict[str, Any] = {row._meta.label: row._meta.concrete_model for row in rows}
    for label, model in sorted(found.items()):
        keys = {row.pk for row in rows if row._meta.label == label}
        list(model._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))
