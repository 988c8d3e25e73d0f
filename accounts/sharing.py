"""Sharing one record with a colleague (协作人): object grants of django-guardian with an optional last day."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from guardian.models import UserObjectPermissionBase

from .models import User

VIEW_GRANT, EDIT_GRANT = "view", "change"


class Grant(UserObjectPermissionBase):
    """One person's right to one record. Subclasses name the record: content_object with related_name="grants"."""

    until = models.DateField("截止日期", null=True, blank=True)  # the last day on which it holds
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="共享人")
    at = models.DateTimeField("共享时间", default=timezone.now)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True

    @property
    def may_edit(self) -> bool:
        return self.permission.codename.startswith(EDIT_GRANT)


def granted_ids(user: User, grants: type[Grant], permission: str) -> frozenset[int]:
    """Ids of the records shared with the person for this right today; a grant to edit lets see as well.

    One query per model and request, kept on the user.
    """
    cache: dict[Any, dict[str, frozenset[int]]] = user.__dict__.setdefault("_granted_ids", {})
    if grants not in cache:
        rows: Any = grants.objects.filter(user=user).filter(Q(until=None) | Q(until__gte=timezone.localdate()))
        found: dict[str, set[int]] = {VIEW_GRANT: set(), EDIT_GRANT: set()}
        for pk, codename in rows.values_list("content_object_id", "permission__codename"):
            found[VIEW_GRANT].add(pk)
            if codename.startswith(EDIT_GRANT):
                found[EDIT_GRANT].add(pk)
        cache[grants] = {kind: frozenset(ids) for kind, ids in found.items()}
    return cache[grants][EDIT_GRANT if permission.split(".")[1].startswith(EDIT_GRANT) else VIEW_GRANT]
