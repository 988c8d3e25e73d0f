"""Accounts as rows: what one may list, who holds a permission, who is locked out."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.roles.administrators import administrator_role_ids
from accounts.roles.models import Scope

if TYPE_CHECKING:
    from .models import User


def memberships() -> models.Manager[Any]:
    """Return which user (user_id) has which role (group_id)."""
    return get_user_model().groups.through._default_manager


def locking_failures(username: str | OuterRef) -> models.QuerySet[Any]:
    """Return the failed sign-ins that lock this username from some IP address now."""
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    attempts = apps.get_model("axes", "AccessAttempt")._default_manager
    return attempts.filter(
        username=username, failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=since
    )


class UserQuerySet(models.QuerySet["User"]):
    view_permission = "accounts.view_user"

    def visible_to(self, user: User) -> UserQuerySet:
        """Every account, for users who may manage accounts."""
        return self.all() if user.has_perm(self.view_permission) else self.none()

    def with_state(self) -> UserQuerySet:
        """Add locked (by failed sign-ins) and holds_administration (a role makes the user an administrator)."""
        administrations = memberships().filter(user=OuterRef("pk"), group_id__in=administrator_role_ids())
        locked = Exists(locking_failures(OuterRef("username")))
        return self.annotate(locked=locked, holds_administration=Exists(administrations))

    def holding(self, permission: str) -> UserQuerySet:
        """Active users one of whose roles grants the permission."""
        return self.filter(permission_condition(permission))

    def writing(self, permission: str) -> UserQuerySet:
        """Active users one of whose roles grants the permission and edits records, if only their own."""
        return self.filter(permission_condition(permission, writing=True))

    def account_managers(self) -> UserQuerySet:
        """Active users who may be assigned opportunities and own customers."""
        return self.holding("accounts.serve_customers")

    def administrators(self) -> UserQuerySet:
        return self.holding("accounts.administer")

    def wanting_email(self) -> UserQuerySet:
        """Active users with an e-mail address who did not switch e-mail off; none where the company sends none."""
        recipients = self.filter(is_active=True, email_notifications=True).exclude(email="")
        return recipients if settings.CRM_EMAIL_URL else self.none()


@cache
def permission_condition(permission: str, *, writing: bool = False) -> Q:
    """Return the condition of UserQuerySet.holding(), which is the same for every caller."""
    app_label, codename = permission.split(".")
    members = (
        memberships()
        .filter(group__permissions__codename=codename, group__permissions__content_type__app_label=app_label)
        .values("user_id")
    )
    if writing:
        members = members.exclude(group__role__edit_scope=Scope.NONE)
    return Q(is_active=True, pk__in=members)
