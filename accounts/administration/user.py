"""A person's account as administrators keep it: opened, changed, unlocked, disabled, given a new password."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from axes.utils import reset as forget_failures
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from kit.audit.log import log_event, save_changes
from kit.domain.urls import record_url
from kit.domain.verdict import (
    Verdict,
    first_objection,
    lock_in_order,
    refuse_if,
    require_permission,
    require_scope,
    transition,
)

from ..sessions import end_sessions
from .administrators import (
    administration,
    administrator_roles,
    check_not_last_administrator,
    check_role_change,
    verdict_of,
)
from .delegation import may_give, may_keep

LISTS = ("groups", "regions", "industries")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another one

# Each says how much of its kind a person has in hand. The modules stand on this one, so crm.handover names theirs.
OPEN_WORK: list[Callable[[Any], int]] = []


def one_time_password() -> str:
    """Like k7mf-93hx-wq2d-a8re: read out on the telephone, typed once."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def failures_that_lock(username: Any) -> models.QuerySet:
    """Failed sign-ins of this name that lock it at some address now. username: a text or an OuterRef."""
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    attempts = apps.get_model("axes", "AccessAttempt")._default_manager
    return attempts.filter(
        username=username, failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=since
    )


class KeptUser(models.Model):
    must_change_password = models.BooleanField("须修改密码", default=False, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def get_absolute_url(self) -> str:
        return record_url("accounts:user_detail", self.pk)

    # Locked before the account itself by every transition, so that administrators who change each other take turns.
    locked_with = "administration"
    locks_before_records = True  # by every transition that gives him something, see kit.domain.verdict

    @property
    def administration(self) -> Group | None:
        return administration()

    @property
    def administers(self) -> bool:
        """Do his roles make him an administrator, at work or not?"""
        known = getattr(self, "holds_administration", None)  # set by with_state()
        if known is None:
            known = self.groups.filter(pk__in=administrator_roles()).exists()  # type: ignore[attr-defined]
        return known or self.is_superuser  # type: ignore[attr-defined]

    @property
    def is_locked(self) -> bool:
        known = getattr(self, "locked", None)  # set by with_state()
        return failures_that_lock(self.username).exists() if known is None else known  # type: ignore[attr-defined]

    @classmethod
    def create(cls, *, by: Any, groups: Iterable[Group], regions: Any = (), industries: Any = (), **values: Any) -> Any:
        """A new account whose one-time password is on the returned user, and nowhere else. Call in a transaction."""
        require_permission(by, "accounts.add_user", "您的角色不能新建用户").enforce()
        person: Any = cls(**values, must_change_password=True)
        verdict_of(check_role_change, by, person, groups).enforce()
        may_give(by, person, list(groups), person.department).enforce()
        person.one_time_password = one_time_password()
        person.set_password(person.one_time_password)
        person.save()
        for name, rows in zip(LISTS, (groups, regions, industries), strict=True):
            getattr(person, name).set(rows)
        roles = "、".join(role.name for role in groups)
        log_event(by, "新建", person, 用户名=person.username, 部门=person.department, 角色=roles)
        return person

    def ensure_active(self) -> None:
        """For new work, which has no transition yet: he is held, and was not disabled before that."""
        lock_in_order(self)
        rows: Any = type(self)._base_manager
        refuse_if(not rows.filter(pk=self.pk, is_active=True).exists(), f"{self} 已停用，请另选客户经理。").enforce()

    def can_edit(self, by: Any) -> Verdict:
        return self._kept(by)

    @transition
    def edit(self, *, by: Any, **values: Any) -> None:
        """values: columns, and the complete lists of groups, regions, industries."""
        self.can_edit(by).enforce()
        chosen = {name: list(values.pop(name)) for name in LISTS if name in values}
        roles = chosen.get("groups", list(self.groups.all()))  # type: ignore[attr-defined]
        verdict_of(check_role_change, by, self, roles).enforce()
        may_give(by, self, roles, values.get("department", self.department)).enforce()  # type: ignore[attr-defined]
        save_changes(by, "编辑", self, facts=replace_lists(self, chosen), **values)

    def can_unlock(self, by: Any) -> Verdict:
        return first_objection(self._kept(by), refuse_if(not self.is_locked, "账号没有被锁定。"))

    @transition
    def unlock(self, *, by: Any) -> None:
        self.can_unlock(by).enforce()
        forget_failures(username=self.username)  # type: ignore[attr-defined]
        log_event(by, "解锁", self)

    def can_disable(self, by: Any) -> Verdict:
        return first_objection(
            self._kept(by),
            refuse_if(self.pk == by.pk, "不能停用自己的账号，请由另一位系统管理员操作。"),
            refuse_if(not self.is_active, "账号已经停用。"),
        )

    @transition
    def disable(self, *, by: Any, hand_over: Callable[[], dict[str, Any]] = dict) -> None:
        """He cannot sign in any more, is out where he is signed in, and his work is somebody else's: all or nothing.

        hand_over: moves his open work and says what went to whom, for the trail.
        """
        self.can_disable(by).enforce()
        if self.administers:
            verdict_of(check_not_last_administrator, self).enforce()
        self._set_active(False)
        end_sessions(self)
        log_event(by, "停用", self, changes={"状态": ("正常", "停用"), **hand_over()})

    def can_hand_over(self, by: Any) -> Verdict:
        """For what reached him after he left; while he is at work his supervisors move single records."""
        verdict = first_objection(self._kept(by), refuse_if(self.is_active, "账号在用：停用时一并交接。"))
        return verdict and refuse_if(not any(left(self) for left in OPEN_WORK), "没有未完成的工作。")

    @transition
    def hand_over(self, *, by: Any, hand_over: Callable[[], dict[str, Any]]) -> None:
        self.can_hand_over(by).enforce()
        log_event(by, "交接工作", self, changes=hand_over())

    def can_enable(self, by: Any) -> Verdict:
        return first_objection(self._kept(by), refuse_if(self.is_active, "账号没有停用。"))

    @transition
    def enable(self, *, by: Any) -> None:
        """Back at work, with the roles he had; the way in is a new one-time password."""
        self.can_enable(by).enforce()
        self._set_active(True)
        log_event(by, "启用", self, 状态=("停用", "正常"))

    def can_reset_password(self, by: Any) -> Verdict:
        return first_objection(
            self._kept(by),
            refuse_if(self.pk == by.pk, "自己的密码请在「修改密码」里更换。"),
            refuse_if(not self.is_active, "账号已经停用，启用后再重置密码。"),
        )

    @transition
    def reset_password(self, *, by: Any) -> str:
        """The new one-time password, told to nobody else; signs him out everywhere."""
        self.can_reset_password(by).enforce()
        password = one_time_password()
        self.set_password(password)  # type: ignore[attr-defined]
        self.must_change_password, self.version = True, self.version + 1
        self.save(update_fields=["password", "must_change_password", "version"])  # type: ignore[misc]
        end_sessions(self)
        log_event(by, "重置密码", self)
        return password

    def can_end_sessions(self, by: Any) -> Verdict:
        return first_objection(self._kept(by), refuse_if(self.pk == by.pk, "自己的登录请在「个人资料」里结束。"))

    @transition
    def end_sessions(self, *, by: Any) -> int:
        self.can_end_sessions(by).enforce()
        ended = end_sessions(self)
        log_event(by, "结束登录", self, 登录数=ended)
        return ended

    def can_edit_profile(self, by: Any) -> Verdict:
        return require_scope(by.pk == self.pk, "个人资料由本人修改。")

    @transition
    def edit_profile(self, *, by: Any, **values: Any) -> None:
        self.can_edit_profile(by).enforce()
        save_changes(by, "修改个人资料", self, **values)

    def _kept(self, by: Any) -> Verdict:
        """Accounts of administrators are theirs to keep, the rescue account is the command line's."""
        return first_objection(
            require_permission(by, "accounts.change_user", "您的角色不能管理用户"),
            require_scope(by.is_administrator or not self.administers, "系统管理员的账号只能由系统管理员管理。"),
            require_scope(by.is_superuser or not self.is_superuser, "救援账号不在页面上管理。"),  # type: ignore[attr-defined]
            may_keep(by, self),
        )

    def _set_active(self, active: bool) -> None:
        self.is_active, self.version = active, self.version + 1
        self.save(update_fields=["is_active", "version"])  # type: ignore[misc]


def replace_lists(record: models.Model, chosen: dict[str, list[Any]]) -> dict[str, tuple[str, str]]:
    """Sets many-to-many fields; {verbose name: (old, new)} of those that changed."""
    found = {}
    for name, rows in chosen.items():
        held = list(getattr(record, name).all())
        if {row.pk for row in held} != {row.pk for row in rows}:
            getattr(record, name).set(rows)
            label = str(record._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            found[label] = ("、".join(map(str, held)), "、".join(map(str, rows)))
    return found
