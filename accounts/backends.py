"""Sign-in by username and password; permissions come from the user model."""

from __future__ import annotations

from functools import cache

from django.contrib.auth.backends import ModelBackend
from django.db import DEFAULT_DB_ALIAS

from kit.sql.counts import Statement

from .models import User


class RoleBackend(ModelBackend):
    def get_user(self, user_id: int) -> User | None:
        rows = user_statement().ask(user_id)
        user = User.from_db(DEFAULT_DB_ALIAS, user_columns(), rows[0]) if rows else None
        return user if user is not None and self.user_can_authenticate(user) else None


@cache
def user_statement() -> Statement:
    return Statement(User.objects.filter(pk=0).order_by().values_list(*user_columns()))


@cache
def user_columns() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]
