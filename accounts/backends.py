"""Signing in by name and password; what a person may do is asked of the user himself."""

from __future__ import annotations

from functools import cache

from django.contrib.auth.backends import ModelBackend
from django.db import DEFAULT_DB_ALIAS

from kit.sql.counts import Statement

from .models import User


class RoleBackend(ModelBackend):
    def get_user(self, user_id: int) -> User | None:
        found = person().ask(user_id)
        user = User.from_db(DEFAULT_DB_ALIAS, columns(), found[0]) if found else None
        return user if user is not None and self.user_can_authenticate(user) else None


@cache
def person() -> Statement:
    return Statement(User.objects.filter(pk=0).order_by().values_list(*columns()))


@cache
def columns() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]
