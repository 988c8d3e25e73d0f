"""User accounts: their data and permissions, and what administrators do to them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from axes.utils import reset as forget_failures
from django.conf import settings
from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.functional import cached_property

from accounts.departments.models import Department
from accounts.roles.administrators import (
    administration_lock,
    administrator_role_ids,
    check_not_last_administrator,
    check_role_change,
    verdict_of,
)
from accounts.roles.models import SCOPES, Role, Scope
from accounts.session_facts import SessionFacts
from accounts.sessions.models import end_sessions
from kit.audit.log import log_event, save_changes
from kit.domain.modules import modules
from kit.domain.shortened_numbers import refuse_shortened
from kit.domain.urls import record_url
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope
from kit.sql.readers import FixedQuery
from kit.sql.row_locks import lock_in_order
from kit.transitions import creation, transition

from .delegation import can_give, can_manage
from .department_moves import note_department_move
from .queryset import UserQuerySet, locking_failures
from .second_factor import (
    check_code,
    delete_devices,
    has_second_factor,
    new_recovery_codes,
    recovery_codes_left,
    register_telephone,
)

if TYPE_CHECKING:
    from basedata.models import DictionaryEntry

OWN_ACCOUNT = ""  # no permission: users may do it to their own account
MANAGE, REFUSAL = "accounts.change_user", "您的角色不能管理用户"
OWN_SECOND_FACTOR = "两步验证由本人设置。"
LIST_FIELDS = ("groups", "regions", "industries")
READABLE_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is mistaken for another


def has_open_work(user: User) -> bool:
    """Return whether a module has work for a successor of this user."""
    return any(module.leaving.in_hand(user) for module in modules() if module.leaving)


def generate_password() -> str:
    """Return one like k7mf-93hx-wq2d-a8re: read out on the telephone, typed once."""
    return "-".join("".join(secrets.choice(READABLE_CHARACTERS) for _ in range(4)) for _ in range(4))


class RolePermission(NamedTuple):
    """A permission as one role grants it."""

    code: str | None
    role_name: str
    view_scope: Scope
    edit_scope: Scope
    permission: str


class CrmUserManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    pass


@cache
def role_permissions_query() -> FixedQuery:
    return FixedQuery(
        Role.objects.filter(user=0).values_list(
            "code", "name", "view_scope", "edit_scope", "permissions__content_type__app_label", "permissions__codename"
        )
    )


class User(AbstractUser):
    class Theme(models.TextChoices):
        AUTO = "auto", "跟随系统"
        LIGHT = "light", "浅色"
        DARK = "dark", "深色"

    class Density(models.TextChoices):
        COMPACT = "compact", "紧凑"
        ROOMY = "roomy", "宽松"

    must_change_password = models.BooleanField("须修改密码", default=False, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField("姓名", max_length=50)
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="members", verbose_name="部门"
    )
    mobile = models.CharField("手机", max_length=50, blank=True, validators=[refuse_shortened])
    email = models.EmailField("邮箱", blank=True)
    groups = models.ManyToManyField(  # type: ignore[assignment]
        Group, blank=True, related_name="user_set", related_query_name="user", verbose_name="角色"
    )
    regions = models.ManyToManyField(
        "basedata.DictionaryEntry",
        blank=True,
        related_name="+",
        limit_choices_to={"category": "地区"},
        verbose_name="负责分区",
    )
    industries = models.ManyToManyField(
        "basedata.DictionaryEntry",
        blank=True,
        related_name="+",
        limit_choices_to={"category": "行业"},
        verbose_name="行业特长",
    )
    email_notifications = models.BooleanField(
        "接收邮件通知", default=True, help_text="需要填写邮箱，并由公司启用邮件通知"
    )
    default_views = models.JSONField("默认视图", default=dict, blank=True, editable=False)  # {list: key of its view}
    theme = models.CharField("外观", max_length=5, choices=Theme, default=Theme.AUTO)
    density = models.CharField("列表", max_length=7, choices=Density, default=Density.COMPACT)
    has_key_shortcuts = models.BooleanField(
        "单键快捷键", default=True, help_text="J、K 换行，Enter 打开，X 选择；不用鼠标时方便，用读屏或语音输入时请关闭"
    )
    # Set once something was shared with this user; spares everybody else the query in every request.
    receives_shares = models.BooleanField("有共享记录", default=False, editable=False)
    is_demo = models.BooleanField("演示账号", default=False, editable=False)

    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[CrmUserManager] = CrmUserManager()

    class Meta:
        verbose_name = "用户"
        verbose_name_plural = "用户"
        ordering = ["name", "pk"]
        permissions = [
            ("administer", "管理用户、角色、部门与系统设置"),
            ("serve_customers", "担任客户经理（可被指派机会、负责客户）"),
        ]

    locks_before_records = True  # in every transition that is given a user, see kit.transitions
    one_time_password: str  # on an account just created, and nowhere else

    def __str__(self) -> str:
        return self.name or self.username

    def get_absolute_url(self) -> str:
        return record_url("accounts:user_detail", self.pk)

    @classmethod
    def sql_label(cls) -> Coalesce:
        """Return str() of a row as an expression, where only that is read."""
        return Coalesce(NullIf("name", Value("")), "username")

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @cached_property
    def session_facts(self) -> SessionFacts:
        return SessionFacts()

    @cached_property
    def role_permissions(self) -> list[RolePermission]:
        """Everything the user's roles grant, in one query per request."""
        return [
            RolePermission(code, name, SCOPES[view], SCOPES[edit], f"{app_label}.{codename}")
            for code, name, view, edit, app_label, codename in role_permissions_query().read(self.pk)
        ]

    @cached_property
    def permission_names(self) -> frozenset[str]:
        return frozenset(granted.permission for granted in self.role_permissions)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether a role grants the permission, or the user is the superuser for rescue. obj is not asked."""
        return self.is_active and (self.is_superuser or perm in self.permission_names)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (
            self.is_superuser or any(name.startswith(f"{app_label}.") for name in self.permission_names)
        )

    @property
    def role_names(self) -> str:
        return "、".join(dict.fromkeys(granted.role_name for granted in self.role_permissions)) or "未分配角色"

    @property
    def is_administrator(self) -> bool:
        return self.has_perm("accounts.administer")

    def holds_role(self, code: str) -> bool:
        return any(granted.code == code for granted in self.role_permissions)

    def locked_parent(self) -> Group | None:
        """Return what is locked before the account: administrators who change each other take turns."""
        return administration_lock()

    @property
    def has_second_factor(self) -> bool:
        return has_second_factor(self)

    @property
    def must_have_second_factor(self) -> bool:
        return settings.CRM_REQUIRE_ADMIN_TOTP and self.is_administrator

    @property
    def recovery_codes_left(self) -> int:
        return recovery_codes_left(self)

    def passes_second_factor(self, code: str) -> bool:
        """Whether this is a code of the telephone not used before, or a recovery code. A right one is used up."""
        return check_code(self, code)

    @property
    def administers(self) -> bool:
        """Do the roles make this user an administrator, whether the account is active or not?"""
        has_role = getattr(self, "holds_administration", None)  # set by with_state()
        if has_role is None:
            has_role = self.groups.filter(pk__in=administrator_role_ids()).exists()
        return has_role or self.is_superuser

    @property
    def is_locked(self) -> bool:
        locked = getattr(self, "locked", None)  # set by with_state()
        return locking_failures(self.username).exists() if locked is None else locked

    @creation("accounts.add_user", "新建")
    @classmethod
    def create(
        cls,
        *,
        by: User,
        groups: Iterable[Group],
        regions: Iterable[DictionaryEntry] = (),
        industries: Iterable[DictionaryEntry] = (),
        **values: Any,
    ) -> User:
        """Return a new account with its one-time password, which is kept nowhere else."""
        user = cls(**values, must_change_password=True)
        verdict_of(check_role_change, by, user, groups).enforce()
        can_give(by, user, list(groups), user.department).enforce()
        user.one_time_password = generate_password()
        user.set_password(user.one_time_password)
        user.save()
        for name, rows in zip(LIST_FIELDS, (groups, regions, industries), strict=True):
            getattr(user, name).set(rows)
        roles = "、".join(role.name for role in groups)
        log_event(by, "新建", user, 用户名=user.username, 部门=user.department, 角色=roles)
        return user

    def ensure_active(self) -> None:
        """Lock the user and refuse a disabled one: for new work, which has no transition yet."""
        lock_in_order(self)
        active = type(self)._base_manager.filter(pk=self.pk, is_active=True)
        refuse_if(not active.exists(), f"{self} 已停用，请另选客户经理。").enforce()

    @transition(MANAGE, "编辑", refusal=REFUSAL)
    def edit(self, *, by: User, **values: Any) -> None:
        """Change columns, and the lists of groups, regions and industries, each given in full."""
        lists = {name: list(values.pop(name)) for name in LIST_FIELDS if name in values}
        roles = lists.get("groups", list(self.groups.all()))
        verdict_of(check_role_change, by, self, roles).enforce()
        department = values.get("department", self.department)
        can_give(by, self, roles, department).enforce()
        if department != self.department:
            note_department_move(self)
        save_changes(by, "编辑", self, facts=replace_lists(self, lists), **values)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return self._in_managers_scope(by)

    @transition(MANAGE, "解锁", refusal=REFUSAL)
    def unlock(self, *, by: User) -> None:
        forget_failures(username=self.username)
        log_event(by, "解锁", self)

    @unlock.guard
    def can_unlock(self, by: User) -> Verdict:
        return first_objection(self._in_managers_scope(by), refuse_if(not self.is_locked, "账号没有被锁定。"))

    @transition(MANAGE, "停用", refusal=REFUSAL)
    def disable(self, *, by: User, hand_over: Callable[[], dict[str, Any]] = dict) -> None:
        """Close the account, end its sessions and hand over its work: all or nothing.

        hand_over: moves the open work and returns what went to whom, for the audit log.
        """
        if self.administers:
            verdict_of(check_not_last_administrator, self).enforce()
        self._set_active(False)
        end_sessions(self)
        log_event(by, "停用", self, changes={"状态": ("正常", "停用"), **hand_over()})

    @disable.guard
    def can_disable(self, by: User) -> Verdict:
        return first_objection(
            self._in_managers_scope(by),
            refuse_if(self.pk == by.pk, "不能停用自己的账号，请由另一位系统管理员操作。"),
            refuse_if(not self.is_active, "账号已经停用。"),
        )

    @transition(MANAGE, "交接工作", refusal=REFUSAL)
    def hand_over(self, *, by: User, hand_over: Callable[[], dict[str, Any]]) -> None:
        log_event(by, "交接工作", self, changes=hand_over())

    @hand_over.guard
    def can_hand_over(self, by: User) -> Verdict:
        """For work that reached a disabled account; supervisors move single records of active users."""
        verdict = first_objection(self._in_managers_scope(by), refuse_if(self.is_active, "账号在用：停用时一并交接。"))
        return verdict and refuse_if(not has_open_work(self), "没有未完成的工作。")

    @transition(MANAGE, "启用", refusal=REFUSAL)
    def enable(self, *, by: User) -> None:
        """Open the account again with its former roles and password."""
        self._set_active(True)
        log_event(by, "启用", self, 状态=("停用", "正常"))

    @enable.guard
    def can_enable(self, by: User) -> Verdict:
        return first_objection(self._in_managers_scope(by), refuse_if(self.is_active, "账号没有停用。"))

    @transition(MANAGE, "重置密码", refusal=REFUSAL)
    def reset_password(self, *, by: User) -> str:
        """Return a new one-time password, which is kept nowhere; end every session."""
        password = generate_password()
        self.set_password(password)
        self.must_change_password, self.version = True, self.version + 1
        self.save(update_fields=["password", "must_change_password", "version"])
        end_sessions(self)
        log_event(by, "重置密码", self)
        return password

    @reset_password.guard
    def can_reset_password(self, by: User) -> Verdict:
        return first_objection(
            self._in_managers_scope(by),
            refuse_if(self.pk == by.pk, "自己的密码请在「修改密码」里更换。"),
            refuse_if(not self.is_active, "账号已经停用，启用后再重置密码。"),
        )

    @transition(MANAGE, "重置两步验证", refusal=REFUSAL)
    def reset_second_factor(self, *, by: User) -> None:
        """Switch it off and end every session, since nobody knows who holds the telephone."""
        delete_devices(self)
        end_sessions(self)
        log_event(by, "重置两步验证", self)

    @reset_second_factor.guard
    def can_reset_second_factor(self, by: User) -> Verdict:
        """For an administrator to help a user who lost telephone and codes."""
        return first_objection(
            self._in_managers_scope(by),
            refuse_if(self.pk == by.pk, "自己的两步验证请在「个人资料」里管理。"),
            self._refuse_if_off(),
        )

    @transition(MANAGE, "结束登录", refusal=REFUSAL)
    def end_sessions(self, *, by: User) -> int:
        ended = end_sessions(self)
        log_event(by, "结束登录", self, 登录数=ended)
        return ended

    @end_sessions.guard
    def can_end_sessions(self, by: User) -> Verdict:
        return first_objection(
            self._in_managers_scope(by), refuse_if(self.pk == by.pk, "自己的登录请在「个人资料」里结束。")
        )

    @transition(OWN_ACCOUNT, "开启")
    def turn_on_second_factor(self, *, by: User, key: str, code: str, keep: str | None) -> list[str]:
        """Return the recovery codes, shown once. keep: the session that goes on; the others never gave a code."""
        register_telephone(self, key, code).enforce()
        codes = new_recovery_codes(self)
        end_sessions(self, keep=keep)
        log_event(by, "开启两步验证", self)
        return codes

    @turn_on_second_factor.guard
    def can_turn_on_second_factor(self, by: User) -> Verdict:
        return first_objection(
            require_scope(by.pk == self.pk, OWN_SECOND_FACTOR), refuse_if(self.has_second_factor, "两步验证已经开启。")
        )

    @transition(OWN_ACCOUNT, "更换")
    def renew_recovery_codes(self, *, by: User) -> list[str]:
        log_event(by, "更换恢复码", self)
        return new_recovery_codes(self)

    @renew_recovery_codes.guard
    def can_renew_recovery_codes(self, by: User) -> Verdict:
        return first_objection(require_scope(by.pk == self.pk, OWN_SECOND_FACTOR), self._refuse_if_off())

    @transition(OWN_ACCOUNT, "关闭")
    def turn_off_second_factor(self, *, by: User) -> None:
        delete_devices(self)
        log_event(by, "关闭两步验证", self)

    @turn_off_second_factor.guard
    def can_turn_off_second_factor(self, by: User) -> Verdict:
        return first_objection(
            require_scope(by.pk == self.pk, OWN_SECOND_FACTOR),
            self._refuse_if_off(),
            refuse_if(self.must_have_second_factor, "系统管理员必须使用两步验证，不能关闭。"),
        )

    def _refuse_if_off(self) -> Verdict:
        return refuse_if(not self.has_second_factor, "两步验证没有开启。")

    @transition(OWN_ACCOUNT, "选择默认视图")
    def choose_list_view(self, page: str, key: str, name: str, *, by: User) -> None:
        """Open a list from the menu with this view; an empty key: without any."""
        others = {url_name: view for url_name, view in self.default_views.items() if url_name != page}
        self.default_views = {**others, page: key} if key else others
        self.save(update_fields=["default_views"])
        log_event(by, "选择默认视图", self, 列表=page, 视图=name)

    @choose_list_view.guard
    def can_choose_list_view(self, by: User) -> Verdict:
        return require_scope(by.pk == self.pk, "默认视图由本人选择。")

    @transition(OWN_ACCOUNT, "修改")
    def edit_profile(self, *, by: User, **values: Any) -> None:
        save_changes(by, "修改个人资料", self, **values)

    @edit_profile.guard
    def can_edit_profile(self, by: User) -> Verdict:
        return require_scope(by.pk == self.pk, "个人资料由本人修改。")

    def _in_managers_scope(self, by: User) -> Verdict:
        """Administrators' accounts are managed by administrators, the rescue account by the command line."""
        return first_objection(
            require_scope(by.is_administrator or not self.administers, "系统管理员的账号只能由系统管理员管理。"),
            require_scope(by.is_superuser or not self.is_superuser, "救援账号不在页面上管理。"),
            can_manage(by, self),
        )

    def _set_active(self, active: bool) -> None:
        self.is_active, self.version = active, self.version + 1
        self.save(update_fields=["is_active", "version"])


def replace_lists(user: User, lists: dict[str, list[Any]]) -> dict[str, tuple[str, str]]:
    """Set many-to-many fields; return {verbose name: (old, new)} of those that changed."""
    changes = {}
    for name, rows in lists.items():
        before = list(getattr(user, name).all())
        if {row.pk for row in before} != {row.pk for row in rows}:
            getattr(user, name).set(rows)
            label = str(User._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            changes[label] = ("、".join(map(str, before)), "、".join(map(str, rows)))
    return changes
