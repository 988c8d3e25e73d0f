"""Who may give which role to whom, and that somebody always remains who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from kit.domain.verdict import ALLOWED, Verdict, refuse_if
from kit.sql.row_locks import lock_row
from kit.sql.transactions import in_transaction

from .shipped import ADMINISTRATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from accounts.users.models import User

LAST_ADMINISTRATOR = "这是最后一位可用的系统管理员，不能停用或收回角色。请先指定另一位系统管理员。"


def administrator_role_ids() -> models.QuerySet[Group, int]:
    """Return the ids of the roles that make an administrator."""
    grants_administration = {
        "permissions__codename": "administer",
        "permissions__content_type__app_label": "accounts",
    }
    return Group.objects.filter(**grants_administration).values_list("pk", flat=True)


def administration_lock() -> Group | None:
    """Return the row that every change of an account or a role locks first."""
    return Group.objects.filter(role__code=ADMINISTRATOR).first()


@in_transaction
def lock_administration() -> None:
    """Wait for every other change of who administers. Call it before other locks are taken."""
    if first := administration_lock():
        lock_row(first)
    rows = Group.objects.filter(pk__in=administrator_role_ids()).order_by("pk")
    list(rows.select_for_update().values_list("pk"))


def check_role_change(by: User, user: User, roles: Iterable[Group]) -> None:
    """Raise ValidationError when `by` may not give `user` exactly these roles."""
    before = set(user.groups.values_list("pk", flat=True)) if user.pk else set()
    after = {role.pk for role in roles}
    if before == after:
        return
    if by.pk == user.pk:
        raise ValidationError("不能改变自己的角色，请由另一位系统管理员操作。")
    retired = Group.objects.filter(pk__in=after - before, role__retired_at__isnull=False).first()
    if retired is not None:
        raise ValidationError(f"角色「{retired.name}」已停用，不能再授予别人。")
    administrator_ids = set(administrator_role_ids())
    if (before ^ after) & administrator_ids and not by.is_administrator:
        raise ValidationError("只有系统管理员可以授予或收回「系统管理员」。")
    if before & administrator_ids and not after & administrator_ids:
        check_not_last_administrator(user)


@in_transaction
def check_not_last_administrator(user: User) -> None:
    """Raise ValidationError when no administrator but this user would remain.

    The others are counted under the lock that every change takes first which demotes or disables an administrator.
    Their own rows are not locked: two who remove each other would wait for each other.
    """
    lock_administration()
    others = get_user_model().objects.administrators().exclude(pk=user.pk)
    if user.is_active and not others.exists():
        raise ValidationError(LAST_ADMINISTRATOR)


def verdict_of(check: Callable[..., None], *args: Any) -> Verdict:
    """Return the verdict on the state of things of a check that raises ValidationError."""
    try:
        check(*args)
    except ValidationError as error:
        return refuse_if(True, error.messages[0])
    return ALLOWED
