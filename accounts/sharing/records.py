"""Sharing one record with a colleague (协作人): object grants of django-guardian with an optional last day."""

from __future__ import annotations

from collections.abc import Sequence
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
from kit.audit.log import log_event, log_events
from kit.domain.verdict import (
    ALLOWED,
    Verdict,
    first_objection,
    refuse_if,
    require_scope,
)
from kit.sql.transactions import in_transaction
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
        refuse_if(not colleagues(self).filter(pk=person.pk).exists(), f"不能共享给{person}，请另选同事。").enforce()
        grant_together([self], person, by=by, kind=kind, until=until)

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
    return possible_colleagues(type(shared)).exclude(pk=shared.keeper_id or 0)


def possible_colleagues(model: type[SharedRecord]) -> models.QuerySet[User]:
    """Return the users records of this model may be shared with, unless they are their own."""
    people = User.objects.holding(f"{model._meta.app_label}.view_{model._meta.model_name}")
    return people.select_related("department").order_by("name", "pk")


@in_transaction
def grant_together(
    records: Sequence[SharedRecord], person: User, *, by: User, kind: str, until: date | None = None
) -> None:
    """Give the user a grant on each record in place of a former one, and tell them once.

    Call with the records locked and can_share() checked for each, and that the user is a colleague.
    """
    refuse_if(until is not None and until < timezone.localdate(), "截止日期已经过去，请另选日期。").enforce()
    model = type(records[0])
    grants: Any = grant_model_of(model)
    permission = Permission.objects.get(
        content_type=ContentType.objects.get_for_model(model), codename=f"{kind}_{model._meta.model_name}"
    )
    grants.objects.filter(content_object__in=[one.pk for one in records], user=person).delete()
    new = [grants(content_object=one, user=person, permission=permission, until=until, by=by) for one in records]
    grants.objects.bulk_create(new, batch_size=500)
    User.objects.filter(pk=person.pk, receives_shares=False).update(receives_shares=True)
    label = new[0].kind_label
    log_events(by, "共享", records, changes=lambda _: {"协作人": person, "权限": label, "截止日期": until})
    name, only = model._meta.verbose_name, records[0] if len(records) == 1 else None
    what = f"{name}「{only}」" if only is not None else f" {len(records)} 个{name}"
    notify(person, f"{by} 与您共享了{what}（{label}）", only)
