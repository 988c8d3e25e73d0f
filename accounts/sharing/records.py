"""Sharing one record with a colleague (协作人): object grants of django-guardian with an optional last day."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from accounts.notifications.models import notify
from accounts.scopes.grants import Grant, grant_model_of, granted_ids
from accounts.scopes.rule import EDIT, scope_includes
from accounts.users.models import User
from kit.audit.log import log_event
from kit.domain.verdict import (
    ALLOWED,
    Verdict,
    first_objection,
    refuse_if,
    require_scope,
)
from kit.transitions import transition


class SharedRecord(models.Model):
    """A record that its owner and the owner's supervisors share one by one. keeper_id is the owner's id."""

    share_permission: ClassVar[str]

    class Meta:
        abstract = True

    @property
    def keeper_id(self) -> int | None:
        raise NotImplementedError

    @transition(lambda model: model.share_permission, "共享")
    def share(self, person: User, *, by: User, kind: str, until: date | None = None) -> None:
        """Give the user a grant in place of a former one. kind: "view" or "change"."""
        refuse_if(until is not None and until < timezone.localdate(), "截止日期已经过去，请另选日期。").enforce()
        refuse_if(not colleagues(self).filter(pk=person.pk).exists(), f"不能共享给{person}，请另选同事。").enforce()
        grants: Any = grant_model_of(type(self)).objects
        permission = Permission.objects.get(
            content_type=ContentType.objects.get_for_model(self), codename=f"{kind}_{self._meta.model_name}"
        )
        grants.filter(content_object=self, user=person).delete()
        grant = grants.create(content_object=self, user=person, permission=permission, until=until, by=by)
        User.objects.filter(pk=person.pk, receives_shares=False).update(receives_shares=True)
        log_event(by, "共享", self, 协作人=person, 权限=grant.kind_label, 截止日期=until)
        notify(person, f"{by} 与您共享了{self._meta.verbose_name}「{self}」（{grant.kind_label}）", self)

    @share.guard
    def can_share(self, by: User) -> Verdict:
        return first_objection(self._in_sharing_scope(by), self.while_shareable(by))

    def while_shareable(self, by: User) -> Verdict:
        """Refuse a new grant by the record's state; a grant may be withdrawn in every state."""
        return ALLOWED

    @transition(lambda model: model.share_permission, "共享")
    def withdraw_share(self, grant: Grant, *, by: User) -> None:
        log_event(by, "取消共享", self, 协作人=(grant.user, None), 权限=(grant.kind_label, None))
        grant.delete()

    @withdraw_share.guard
    def can_withdraw_share(self, by: User) -> Verdict:
        return self._in_sharing_scope(by)

    def _in_sharing_scope(self, by: User) -> Verdict:
        return require_scope(
            scope_includes(by, self.share_permission, EDIT, self.keeper_id),
            f"只有负责这个{self._meta.verbose_name}的人和他的主管可以共享。",
        )

    def shared_for_editing(self, with_: User) -> bool:
        app_label, name = self._meta.app_label, self._meta.model_name
        return self.pk in granted_ids(with_, grant_model_of(type(self)), f"{app_label}.change_{name}")


def colleagues(shared: SharedRecord) -> models.QuerySet[User]:
    """Return the users a record may be shared with: active ones who may view such records, but its owner."""
    view = f"{shared._meta.app_label}.view_{shared._meta.model_name}"
    return User.objects.holding(view).exclude(pk=shared.keeper_id).select_related("department").order_by("name", "pk")
