"""Who may give whom which role, and that somebody always remains who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from kit.domain.verdict import ALLOWED, Verdict, lock_row, refuse_if

from ..roles import ADMINISTRATOR

if TYPE_CHECKING:
    from collections.abc import Iterable

LAST = "这是最后一位可用的系统管理员，不能停用或收回角色。请先指定另一位系统管理员。"


def administrator_roles() -> models.QuerySet:
    """The ids of the roles that make an administrator."""
    holds = {"permissions__codename": "administer", "permissions__content_type__app_label": "accounts"}
    return Group.objects.filter(**holds).values_list("pk", flat=True)


def administration() -> Group | None:
    """The row that everybody locks first who changes an account or a role."""
    return Group.objects.filter(role__code=ADMINISTRATOR).first()


def lock_administration() -> None:
    """Whoever changes who administers waits here for whoever does so too. Call in a transaction, before other locks."""
    if first := administration():
        lock_row(first)
    list(Group.objects.filter(pk__in=administrator_roles()).order_by("pk").select_for_update().values_list("pk"))


def check_role_change(by: Any, person: Any, roles: Iterable[Group]) -> None:
    """Raises ValidationError when `by` may not give `person` exactly these roles."""
    before = set(person.groups.values_list("pk", flat=True)) if person.pk else set()
    after = {role.pk for role in roles}
    if before == after:
        return
    if by.pk == person.pk:
        raise ValidationError("不能改变自己的角色，请由另一位系统管理员操作。")
    administrator_ids = set(administrator_roles())
    if (before ^ after) & administrator_ids and not by.is_administrator:
        raise ValidationError("只有系统管理员可以授予或收回「系统管理员」。")
    if before & administrator_ids and not after & administrator_ids:
        check_not_last_administrator(person)


def check_not_last_administrator(person: Any) -> None:
    """Raises ValidationError when nobody else would remain. Call in a transaction.

    The others are counted under the lock that everybody takes first who relieves or disables an administrator. Their
    own rows are not locked: two who remove each other would wait for each other.
    """
    lock_administration()
    others = get_user_model()._default_manager.administrators().exclude(pk=person.pk)  # type: ignore[attr-defined]
    if person.is_active and not others.exists():
        raise ValidationError(LAST)


def verdict_of(check: Any, *args: Any) -> Verdict:
    """What a check that raises ValidationError says, as a verdict about the state of things."""
    try:
        check(*args)
    except ValidationError as error:
        return refuse_if(True, error.messages[0])
    return ALLOWED
