"""Rows that belong to the whole company."""

from __future__ import annotations

from typing import Any

from django.db import models


class PlainRightQuerySet(models.QuerySet):
    """Rows of the whole company: whoever holds the right sees all of them."""

    view_permission: str

    def visible_to(self, user: Any) -> Any:
        return self if user.has_perm(self.view_permission) else self.none()
