"""Marks of change: rows that say only that something was written, so that what was computed before is out of date."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

KEPT_DAYS = 2  # longer than any transaction lasts


class Mark(models.Model):
    """One written change. Triggers write these columns by name: another field here needs another trigger."""

    key = models.UUIDField(default=uuid.uuid4)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.key)

    @classmethod
    def old(cls) -> models.QuerySet[Any]:
        """Marks that nothing running can still be compared with."""
        return cls._default_manager.filter(at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
