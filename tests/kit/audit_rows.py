"""Rows of the audit trail as tests need them: made, erased, and tampered with."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from kit.audit.redaction import Erasure, redact
from kit.audit.verification import ERASURE_VERB

POSTGRES = connection.vendor == "postgresql"
GONE = "（已抹去）"


def entry(**values: Any) -> AuditEntry:
    """Add a row; what is not given is as of a failed sign-in just now."""
    return AuditEntry.objects.create(**{"at": timezone.now(), "actor_name": "系统", "verb": "登录失败", **values})


def named(**values: Any) -> AuditEntry:
    """Add a row that names a person."""
    return entry(object_text="高峰", changes={"手机": ["13812341234", "13900000000"], "客户": ["", "海河"]}, **values)


def erase(*entries: AuditEntry, verb: str = ERASURE_VERB) -> AuditEntry:
    """Erase name and numbers, leave the rest; return the event."""
    event = log_event(None, verb, text="联系人 7")
    with transaction.atomic():
        redact(
            [Erasure(one, GONE, {**one.changes, "手机": [GONE, GONE]}) for one in entries],
            event=event,
        )
    return event


def raw(sql: str, *params: Any) -> None:
    """Run a statement that no model would make."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def tamper(sql: str, *params: Any) -> None:
    """Go past the trigger, as somebody with the keys of the database would."""
    if POSTGRES:
        for table in ("entry", "seal", "redaction"):
            raw(f"ALTER TABLE audit_audit{table} DISABLE TRIGGER USER")
    raw(sql, *params)
