"""Verdicts: may this user do this to this record now? Yes, or no with a reason; and the locks under which one holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

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
