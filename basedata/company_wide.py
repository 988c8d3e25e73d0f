"""Rows that belong to the whole company."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from kit.domain.actor import Actor

M = TypeVar("M", bound=models.Model)


class CompanyWideQuerySet(models.QuerySet[M]):
    """Rows of the whole company: users with the permission see all of them."""

    view_permission: str

    def visible_to(self, user: Actor) -> Self:
        return self if user.has_perm(self.view_permission) else self.none()
