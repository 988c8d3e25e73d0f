"""Verdicts: may this user do this to this record now? Yes, or no with a reason; and the locks under which one holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import models

from kit.domain.actor import Actor


class Kind(Enum):
    ALLOWED = "allowed"
    NO_PERMISSION = "no_right"  # none of the user's roles has the permission: the control is hidden, the answer 403
    NOT_YOURS = "not_yours"  # the record is out of the user's scope: the control is disabled, the answer 403
    STATE = "state"  # the record's state refuses: the control is disabled, the answer 409


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
        """Raise Refused with the reason unless allowed."""
        if not self:
            raise Refused(self)


class Refused(Exception):
    """A transition was requested that its guard does not allow; str() is the reason."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


ALLOWED = Verdict()


def require_permission(by: Actor | None, permission: str, reason: str) -> Verdict:
    """Refuse users without the permission. by: None is the system, which needs none."""
    if by is None or by.has_perm(permission):
        return ALLOWED
    return Verdict(Kind.NO_PERMISSION, reason)


def require_scope(in_scope: bool, reason: str) -> Verdict:
    """Refuse users in whose scope the record does not lie."""
    return ALLOWED if in_scope else Verdict(Kind.NOT_YOURS, reason)


def refuse_if(condition: bool, reason: str) -> Verdict:
    """Refuse because of the record's state, when the condition is true."""
    return Verdict(Kind.STATE, reason) if condition else ALLOWED


def first_objection(*verdicts: Verdict) -> Verdict:
    """Return the first verdict that refuses, or ALLOWED."""
    return next((verdict for verdict in verdicts if not verdict), ALLOWED)


def lock_row(row: models.Model) -> None:
    """Re-read the row and lock it to the end of the transaction.

    Rows with `locks_before_records` are locked FOR NO KEY UPDATE: inserting a row that refers to one does not wait.
    """
    weak = getattr(row, "locks_before_records", False)
    row.refresh_from_db(from_queryset=type(row)._base_manager.select_for_update(no_key=weak))


def lock_before_records(*arguments: Any) -> None:
    """Lock those arguments of a transition that come before its row. Call before the row itself is locked."""
    lock_in_order(*(value for value in arguments if getattr(value, "locks_before_records", False)))


def lock_in_order(*rows: models.Model) -> None:
    """Lock rows of several models to the end of the transaction, ordered by model label and key.

    Labels in alphabetical order put accounts.User before everything that refers to users.
    """
    for label, model in sorted({row._meta.label: row._meta.model for row in rows}.items()):
        keys = {row.pk for row in rows if row._meta.label == label}
        list(model._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))
