"""People, their place in the company, and what their roles allow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Coalesce, NullIf
from django.urls import reverse
from django.utils.functional import cached_property

from kit.domain.shortened_numbers import refuse_shortened
from kit.sql.counts import Precompiled, Statement

from .administration.administrators import administrator_roles, check_not_last_administrator, check_role_change
from .administration.department import KeptDepartment
from .administration.role import KeptRole
from .administration.second_factor import SecondFactor
from .administration.user import KeptUser, failures_that_lock
from .notification import Notification, in_view, notify, notify_many
from .sessions import UserSession

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Notification",
    "UserSession",
    "check_not_last_administrator",
    "check_role_change",
    "in_view",
    "notify",
    "notify_many",
]


class DepartmentQuerySet(models.QuerySet["Department"]):
    view_permission = "accounts.view_department"

    def visible_to(self, user: User) -> DepartmentQuerySet:
        return self.all() if user.has_perm(self.view_permission) else self.none()


class Department(KeptDepartment):
    name = models.CharField("名称", max_length=50)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级部门"
    )

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        verbose_name = "部门"
        verbose_name_plural = "部门"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "name"],
                name="accounts_department_name",
                violation_error_message="同一上级部门下已有同名部门。",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(parent=None),
                name="accounts_department_top_name",
                violation_error_message="已有同名的最上级部门。",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("accounts:department_list")

    def clean(self) -> None:
        if self.pk and self.parent_id and self.parent_id in subtree_ids(self.pk):
            raise ValidationError({"parent": "上级部门不能是本部门或它的下级部门，请另选。"})


def subtree_ids(department_id: int) -> set[int]:
    """The department and all below it."""
    return descendants(department_id, dict(Department.objects.order_by().values_list("pk", "parent_id")))


def descendants(top: int, parents: Mapping[int, int | None]) -> set[int]:
    """top and everything under it in a tree given as {id: parent id}. Departments are few."""
    found, grown = {top}, True
    while grown:
        more = {pk for pk, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


class Scope(models.TextChoices):
    """Over whose records a right reaches, from narrow to wide."""

    NONE = "none", "无"
    SELF = "self", "本人"
    DEPARTMENT = "department", "本部门"
    SUBTREE = "subtree", "本部门及下级部门"
    ALL = "all", "全部"

    @property
    def width(self) -> int:
        return list(Scope).index(self)


SCOPES = {scope.value: scope for scope in Scope}


class RoleQuerySet(models.QuerySet["Role"]):
    view_permission = "accounts.view_role"

    def visible_to(self, user: User) -> RoleQuerySet:
        return self.all() if user.has_perm(self.view_permission) else self.none()


class Role(KeptRole, Group):
    """A Django group with its view and edit scope."""

    code = models.SlugField("代码", max_length=50, unique=True, null=True, blank=True, editable=False)
    view_scope = models.CharField("查看范围", max_length=10, choices=Scope, default=Scope.SELF)
    edit_scope = models.CharField("编辑范围", max_length=10, choices=Scope, default=Scope.SELF)

    objects = RoleQuerySet.as_manager()  # type: ignore[assignment, misc]

    class Meta:
        verbose_name = "角色"
        verbose_name_plural = "角色"

    @property
    def reach(self) -> str:
        """Both scopes in words."""
        seen, kept = (Scope(scope) for scope in (self.view_scope, self.edit_scope))
        sees = f"看得到{seen.label}的记录" if seen != Scope.NONE else "看不到业务记录"
        return f"{sees}，{f'能改动{kept.label}的记录' if kept != Scope.NONE else '不能改动'}"


class RoleRight(NamedTuple):
    """One right as one role grants it."""

    code: str | None
    role_name: str
    view_scope: Scope
    edit_scope: Scope
    permission: str


class UserQuerySet(models.QuerySet["User"]):
    view_permission = "accounts.view_user"

    def visible_to(self, user: User) -> UserQuerySet:
        """Accounts, for those who keep them."""
        return self.all() if user.has_perm(self.view_permission) else self.none()

    def with_state(self) -> UserQuerySet:
        """locked: kept from signing in by failures; holds_administration: his roles make him an administrator."""
        memberships = User.groups.through.objects.filter(user=OuterRef("pk"), group_id__in=administrator_roles())
        locked = Exists(failures_that_lock(OuterRef("username")))
        return self.annotate(locked=locked, holds_administration=Exists(memberships))

    def holding(self, permission: str) -> UserQuerySet:
        """Active people one of whose roles holds the right."""
        rows = self.all()
        rows.query.where.add(holders_of(permission), "AND")
        return rows

    def writing(self, permission: str) -> UserQuerySet:
        """Active people one of whose roles holds the right and edits anybody's records, if only their own."""
        rows = self.all()
        rows.query.where.add(holders_of(permission, writing=True), "AND")
        return rows

    def account_managers(self) -> UserQuerySet:
        """Active people who may be assigned opportunities and keep customers."""
        return self.holding("accounts.serve_customers")

    def administrators(self) -> UserQuerySet:
        return self.holding("accounts.administer")

    def wanting_mail(self) -> UserQuerySet:
        """Active people with an address who did not switch e-mail off; nobody where the company sends none."""
        wanting = self.filter(is_active=True, email_notifications=True).exclude(email="")
        return wanting if settings.CRM_EMAIL_URL else self.none()


@cache
def holders_of(permission: str, *, writing: bool = False) -> Precompiled:
    """The condition of UserQuerySet.holding(): the same for everybody who asks, so made and compiled once."""
    app_label, codename = permission.split(".")
    members = User.groups.through.objects.filter(
        group__permissions__codename=codename, group__permissions__content_type__app_label=app_label
    ).values("user_id")
    if writing:
        members = members.exclude(group__role__edit_scope=Scope.NONE)
    return Precompiled(User.objects.filter(is_active=True, pk__in=members).query.where)


class CrmUserManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    pass


@cache
def rights_of() -> Statement:
    roles: Any = Role.objects
    return Statement(
        roles.filter(user=0).values_list(
            "code", "name", "view_scope", "edit_scope", "permissions__content_type__app_label", "permissions__codename"
        )
    )


class User(KeptUser, SecondFactor, AbstractUser):
    class Theme(models.TextChoices):
        AUTO = "auto", "跟随系统"
        LIGHT = "light", "浅色"
        DARK = "dark", "深色"

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
    theme = models.CharField("外观", max_length=5, choices=Theme, default=Theme.AUTO)
    # Once something was shared with him; spares everybody else the question in every request.
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

    def __str__(self) -> str:
        return self.name or self.username

    @classmethod
    def sql_label(cls) -> Any:
        """str() of a row, where only that is read."""
        return Coalesce(NullIf("name", Value("")), "username")

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @cached_property
    def rights(self) -> list[RoleRight]:
        """Everything the person's roles grant, in one query per request."""
        return [
            RoleRight(code, name, SCOPES[view], SCOPES[edit], f"{app_label}.{codename}")
            for code, name, view, edit, app_label, codename in rights_of().ask(self.pk)
        ]

    @cached_property
    def permission_names(self) -> frozenset[str]:
        return frozenset(right.permission for right in self.rights)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Rights come from roles alone; the superuser is for rescue."""
        return self.is_active and (self.is_superuser or perm in self.permission_names)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (
            self.is_superuser or any(name.startswith(f"{app_label}.") for name in self.permission_names)
        )

    @property
    def role_names(self) -> str:
        return "、".join(dict.fromkeys(right.role_name for right in self.rights)) or "未分配角色"

    @property
    def is_administrator(self) -> bool:
        return self.has_perm("accounts.administer")

    def holds_role(self, code: str) -> bool:
        return any(right.code == code for right in self.rights)
