"""Reports hold figures and a manager's remarks on them, no contact's data; see customers/personal.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .models import CompositionSnapshot, MonthlyReport, Submission

if TYPE_CHECKING:
    from django.db import models

    from customers.personal import PersonalDataSource

PARTS: tuple[PersonalDataSource, ...] = ()
IMPERSONAL: dict[type[models.Model], tuple[str, ...]] = {
    MonthlyReport: ("figures", "remarks"),  # what was submitted never changes
    Submission: ("figures", "remarks", "comment"),
    CompositionSnapshot: ("basis", "group"),
}
