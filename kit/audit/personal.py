"""Personal data in the audit log: texts, erased by redaction.py, which records each erasure."""

from __future__ import annotations

from django.db import models

from .models import AuditEntry, AuditRedaction, AuditSeal

ERASED_HERE: dict[type[models.Model], tuple[str, ...]] = {AuditEntry: ("object_text", "changes")}
PARTS = ()
IMPERSONAL: dict[type[models.Model], tuple[str, ...]] = {
    AuditEntry: ("actor_name", "verb", "salt"),  # names of users, not of contacts
    AuditSeal: ("previous_hash", "row_ids", "hash"),
    AuditRedaction: ("digest", "after"),
}
