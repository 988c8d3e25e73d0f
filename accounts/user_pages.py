"""用户: list, one account, creating and changing it, and what administrators do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from kit.audit.models import AuditEntry
from kit.pages.actions import Action, ActionView, Control, controls
from kit.pages.history import RecordHistory
from kit.pages.lists import Column, RecordList
from kit.pages.records import RecordCreate, RecordDetail, RecordUpdate

from .administration.administrators import lock_administration
from .filters import UserFilter
from .forms import UserForm
from .models import User, UserQuerySet
from .rights import describe_permissions

LIST = ("用户", "accounts:user_list")
CRUMBS = (("权限管理", ""), LIST)
EDIT = Action("edit", "编辑", "edit", "accounts:user_update", "btn-primary")
PASSWORD = Action("reset_password", "重置密码", "key", "accounts:user_reset_password")
UNLOCK = Action("unlock", "解锁", "lock", "accounts:user_unlock", dialog=True)
SESSIONS = Action("end_sessions", "结束登录", "logout", "accounts:user_end_sessions", dialog=True)
FACTOR = Action("reset_second_factor", "重置两步验证", "shield-lock", "accounts:user_reset_second_factor", dialog=True)
DISABLE = Action("disable", "停用", "player-stop", "user_disable", "btn-warn")
ENABLE = Action("enable", "启用", "circle-check", "accounts:user_enable", dialog=True)
HAND_OVER = Action("hand_over", "交接工作", "arrows-exchange", "user_hand_over")


def account_state(user: User) -> tuple[str, str]:
    """Return (tone, label) of an account's state."""
    if not user.is_active:
        return "sq", "停用"
    return ("amber", "已锁定") if user.is_locked else ("green", "正常")


def state_cell(user: User) -> str:
    return format_html('<span class="st {}">{}</span>', *account_state(user))


def name_cell(user: User) -> str:
    return format_html(
        '<a href="{}">{}</a><small class="sm">{}</small>', user.get_absolute_url(), user.name, user.username
    )


def join_related(relation: str) -> Callable[[User], str]:
    return lambda user: "、".join(str(row) for row in getattr(user, relation).all())


class UserList(RecordList):
    model = User
    title, crumbs, help = "用户", (("权限管理", ""),), "users"
    select_related = ("department",)
    filterset_class = UserFilter
    columns = (
        Column("姓名 / 用户名", "name", sort="name", html=name_cell, css="m-t"),
        Column("状态", account_state, html=state_cell, css="m-r"),
        Column("部门", "department"),
        Column("角色", join_related("groups")),
        Column("负责分区", join_related("regions")),
        Column("行业特长", join_related("industries")),
        Column("手机", "mobile", css="nw"),
    )
    default_sort = "name"
    row_actions = (EDIT, PASSWORD, UNLOCK, DISABLE, ENABLE)
    tab_field, default_tab = "state", "active"
    tab_choices = (("active", "在用"), ("locked", "已锁定"), ("disabled", "停用"))
    create = ("新建用户", "accounts:user_create", "accounts.add_user")
    empty_text = "没有这样的账号。新建用户后，把一次性密码告诉本人。"

    def rows(self) -> UserQuerySet:
        return super().rows().with_state().prefetch_related("groups", "regions", "industries")

    def in_tab(self, rows: UserQuerySet, tab: str) -> UserQuerySet:
        conditions = {"active": {"is_active": True}, "locked": {"is_active": True, "locked": True}}
        return rows if tab == "all" else rows.filter(**conditions.get(tab, {"is_active": False}))

    def row_controls(self, row: User) -> list[Control]:
        """Leave out what is not possible now, without a reason: 解锁 stands only where an account is locked."""
        return [control for control in super().row_controls(row) if control.allowed or control.action is EDIT]


class UserPage:
    """Mixin for the pages of one account."""

    model = User
    crumbs, help = CRUMBS, "users"
    select_related = ("department",)


class UserDetail(UserPage, RecordDetail):
    template_name = "accounts/user_detail.html"

    def context(self, record: User) -> dict[str, Any]:
        steps = (HAND_OVER, ENABLE, DISABLE, FACTOR, SESSIONS, UNLOCK, PASSWORD, EDIT)
        offered = controls(steps, record, self.request.user)
        roles = list(record.groups.prefetch_related("permissions__content_type").order_by("name"))
        permissions = {permission for role in roles for permission in role.permissions.all()}
        always_drawn = (EDIT,) if record.is_active else (EDIT, HAND_OVER)
        return {
            "drawn": [control for control in offered if control.allowed or control.action in always_drawn],
            "state": account_state(record),
            "roles": roles,
            "sentences": describe_permissions(permissions),
            "sign_ins": record.sign_ins.alive()[:5],
            "history": AuditEntry.objects.about(record)[:8],
        }


class UserHistory(UserPage, RecordHistory):
    pass


class ShowsPassword:
    """Show the one-time password, now and never again."""

    request: Any

    def carry_out(self, record: Any, form: Any) -> HttpResponse:
        answer = super().carry_out(record, form)  # type: ignore[misc]
        if not getattr(self, "account_and_password", None):
            return answer  # the form was sent again
        user, password = self.account_and_password
        context = {"person": user, "password": password, "title": "一次性密码", "back_url": answer["Location"]}
        return self.page(template="accounts/one_time_password.html", **context)  # type: ignore[attr-defined]

    def remember_password(self, user: User, password: str) -> None:
        self.account_and_password = user, password


class UserCreate(ShowsPassword, RecordCreate):
    model, form_class, permission = User, UserForm, "accounts.add_user"
    title, crumbs, help = "新建用户", CRUMBS, "users"

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"by": self.request.user}

    def perform(self, record: Any, form: Any) -> User:
        user = User.create(by=self.request.user, **form.values())
        self.remember_password(user, user.one_time_password)
        return user

    def check_still_visible(self, result: Any) -> None:
        """Accounts have no scope."""

    def back_url(self, record: Any) -> str:
        return reverse("accounts:user_list")


class UserUpdate(UserPage, RecordUpdate):
    form_class = UserForm
    title = "编辑用户"

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"by": self.request.user}

    @transaction.atomic
    def post(self, request: Any, **kwargs: Any) -> HttpResponse:
        lock_administration()  # before the account: administrators who change each other take turns
        return super().post(request, **kwargs)


class UserAction(UserPage, ActionView):
    submit_label = "确定"


class ResetPassword(ShowsPassword, UserAction):
    action, title, question = "reset_password", "重置密码", "确认重置密码？"
    message = "密码已重置。"

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        what = "原来的密码立即失效，本人在所有设备上退出登录。下一页显示一次性密码，本人登录后必须修改。"
        return {"named": f"用户：{record}", "details": record.username, "consequence": what}

    def perform(self, record: Any, form: Any) -> None:
        self.remember_password(record, record.reset_password(by=self.request.user))


class Unlock(UserAction):
    action, title, question = "unlock", "解锁", "确认解锁？"
    message = "已解锁，可以再次登录。"

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {
            "named": f"用户：{record}",
            "details": record.username,
            "consequence": "失败次数清零，各地址都可以再试。",
        }

    def perform(self, record: Any, form: Any) -> None:
        record.unlock(by=self.request.user)


class Enable(UserAction):
    action, title, question = "enable", "启用", "确认启用？"
    message = "账号已启用。原来的密码仍然有效，必要时请重置密码。"

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        roles = "、".join(role.name for role in record.groups.all()) or "没有角色"
        what = f"恢复原来的角色（{roles}）；停用时交接出去的工作不会自动回来。"
        return {"named": f"用户：{record}", "details": record.username, "consequence": what}


class EndSessions(UserAction):
    action, title, question = "end_sessions", "结束登录", "确认结束所有登录？"

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        count = record.sign_ins.alive().count()
        what = f"现在有 {count} 处登录，全部立即失效；密码不变，可以重新登录。"
        return {"named": f"用户：{record}", "details": record.username, "consequence": what}

    def perform(self, record: Any, form: Any) -> None:
        self.message = f"已结束 {record.end_sessions(by=self.request.user)} 处登录。"


class ResetSecondFactor(UserAction):
    action, title, question = "reset_second_factor", "重置两步验证", "确认重置两步验证？"
    message, danger = "两步验证已关闭，请本人尽快重新开启。", True

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        what = "先确认是本人：之后只凭密码就能登录，恢复码作废，所有登录立即结束。"
        return {"named": f"用户：{record}", "details": record.username, "consequence": what}
