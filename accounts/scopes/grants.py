"""Grants: one record for one user, with an optional last day (django-guardian)."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from guardian.models import UserObjectPermissionBase

from accounts.users.models import User
from kit.sql.id_sets import IdSet

VIEW_GRANT, EDIT_GRANT = "view", "change"


class Grant(UserObjectPermissionBase):
    """A user's permission on one record. Subclasses name the record: content_object with related_name="grants"."""

    until = models.DateField("截止日期", null=True, blank=True)  # the last day on which it holds
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="共享人")
    at = models.DateTimeField("共享时间", default=timezone.now)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.user}（{self.kind_label}）"

    @property
    def kind_label(self) -> str:
        return "可编辑" if self.may_edit else "只看"

    @property
    def is_over(self) -> bool:
        return self.until is not None and self.until < timezone.localdate()

    @property
    def may_edit(self) -> bool:
        return self.permission.codename.startswith(EDIT_GRANT)


class GrantedIds(NamedTuple):
    """The ids of the records of a model that are shared with a user today."""

    to_view: IdSet
    to_edit: IdSet


def granted_ids(user: User, grants: type[Grant], permission: str) -> IdSet:
    """Return the ids of the records shared with the user by this permission today; editing includes viewing.

    One query per model and request.
    """
    if not user.receives_shares:
        return IdSet()
    granted = user.session_facts.granted_ids
    if grants not in granted:
        granted[grants] = _read_granted_ids(user, grants)
    ids = granted[grants]
    return ids.to_edit if permission.split(".")[1].startswith(EDIT_GRANT) else ids.to_view


def _read_granted_ids(user: User, grants: type[Grant]) -> GrantedIds:
    in_force: Any = grants.objects.filter(Q(until__gte=timezone.localdate()) | Q(until=None), user=user)
    rows = list(in_force.values_list("content_object_id", "permission__codename"))
    return GrantedIds(
        IdSet(pk for pk, _ in rows), IdSet(pk for pk, codename in rows if codename.startswith(EDIT_GRANT))
    )


def grant_model_of(model: type[models.Model]) -> type[Grant]:
    """Return the grant model of a shared model."""
    related: Any = model._meta.get_field("grants").related_model
    return related
