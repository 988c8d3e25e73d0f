"""Moves of users between departments, so that figures of a month stay with the department of that month.

Moves are stored from their first release on: before it, and for who never moved, today's department counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from accounts.departments.models import Department
from kit.sql.transactions import in_transaction

if TYPE_CHECKING:
    from .models import User


class DepartmentMove(models.Model):
    """Where a user stood until a day. What that day brings still counts there: nothing counted before changes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="department_moves")
    department = models.ForeignKey(Department, models.SET_NULL, null=True, related_name="+", verbose_name="原部门")
    until = models.DateField("最后一天", editable=False)

    class Meta:
        verbose_name = "部门变动"
        verbose_name_plural = "部门变动"
        default_permissions = ()
        ordering = ["until", "pk"]

    def __str__(self) -> str:
        return f"{self.user} {self.department} {self.until}"


@in_transaction
def note_department_move(user: User) -> None:
    """Store the department that a user leaves today. Call before it changes."""
    DepartmentMove.objects.create(user=user, department=user.department, until=timezone.localdate())


class DepartmentHistory:
    """The departments of some users on any day, read in two queries."""

    def __init__(self, user_ids: Iterable[int]) -> None:
        keys = set(user_ids)
        rows = get_user_model()._default_manager.filter(pk__in=keys).order_by()
        self._today: dict[int, int | None] = dict(rows.values_list("pk", "department_id"))
        self._moves: dict[int, list[tuple[date, int | None]]] = {}
        moves = DepartmentMove.objects.filter(user__in=keys).order_by("until", "pk")
        for user, until, department in moves.values_list("user_id", "until", "department_id"):
            self._moves.setdefault(user, []).append((until, department))

    def department_on(self, user: int, day: date) -> int | None:
        """Return the department's id: what the first move after the day left, else today's."""
        for until, department in self._moves.get(user, ()):
            if day <= until:
                return department
        return self._today.get(user)
