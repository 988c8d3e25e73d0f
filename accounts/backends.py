"""Signing in by name and password; what a person may do is asked of the user himself."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend

from .models import User


class RoleBackend(ModelBackend):
    def get_user(self, user_id: int) -> User | None:
        user = User.objects.select_related("department").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
