"""What the trail may know about a person: its words, erased by redaction.py with a record of it."""

from __future__ import annotations

from django.db import models

from .models import AuditEntry, AuditRedaction, AuditSeal

ERASED_HERE: dict[type[models.Model], tuple[str, ...]] = {AuditEntry: ("object_text", "changes")}
PARTS = ()
IMPERSONAL: dict[type[models.Model], tuple[str, ...]] = {
    AuditEntry: ("actor_name", "verb", "salt"),  # of our own people
    AuditSeal: ("previous_hash", "row_ids", "hash"),
    AuditRedaction: ("digest", "after"),
}
