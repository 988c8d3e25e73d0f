"""Sign-in by username and password; permissions come from the user model."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend


class RoleBackend(ModelBackend):
    """Every session names this class, so it stays where it is."""
