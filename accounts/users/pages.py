"""用户: list, one account, creating and changing it, and what administrators do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from accounts.roles.administrators import lock_administration
from accounts.roles.permissions import describe_permissions
from kit.audit.models import AuditEntry
from kit.lists.columns import Column
from kit.lists.list_page import ListPage, NewLink
from kit.lists.list_tabs import Tabs
from kit.pages.buttons import Button, Control, controls
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage
from kit.pages.page import render_page
from kit.pages.record_page import RecordPage

from .filters import UserFilter
from .forms import UserForm
from .models import User, UserQuerySet

REDIRECT = HttpResponseRedirect.status_code
LIST = ("用户", "accounts:user_list")
CRUMBS = (("权限管理", ""), LIST)
EDIT = Button(User.edit, "edit", "accounts:user_update", "btn-primary")
PASSWORD = Button(User.reset_password, "key", "accounts:user_reset_password")
UNLOCK = Button(User.unlock, "lock", "accounts:user_unlock", dialog=True)
SESSIONS = Button(User.end_sessions, "logout", "accounts:user_end_sessions", dialog=True)
FACTOR = Button(User.reset_second_factor, "shield-lock", "accounts:user_reset_second_factor", dialog=True)
DISABLE = Button(User.disable, "player-stop", "user_disable", "btn-warn")
ENABLE = Button(User.enable, "circle-check", "accounts:user_enable", dialog=True)
HAND_OVER = Button(User.hand_over, "arrows-exchange", "user_hand_over")
STATES = (("active", "在用"), ("locked", "已锁定"), ("disabled", "停用"))


def account_state(user: User) -> tuple[str, str]:
    """Return (tone, label) of an account's state."""
    if not user.is_active:
        return "sq", "停用"
    return ("amber", "已锁定") if user.is_locked else ("green", "正常")


def state_cell(user: User) -> str:
    return format_html('<span class="st {}">{}</span>', *account_state(user))


def name_cell(user: User) -> str:
    return format_html(
        '<a href="{}">{}</a><small class="sm in">{}</small>', user.get_absolute_url(), user.name, user.username
    )


def join_related(relation: str) -> Callable[[User], str]:
    return lambda user: "、".join(str(row) for row in getattr(user, relation).all())


def in_state(users: QuerySet[User], state: str) -> QuerySet[User]:
    """Return the users of a tab; the rows are with_state()."""
    conditions: dict[str, dict[str, bool]] = {
        "active": {"is_active": True},
        "locked": {"is_active": True, "locked": True},
    }
    return users.filter(**conditions.get(state, {"is_active": False}))


class UserList(ListPage):
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
    row_buttons = (EDIT, PASSWORD, UNLOCK, DISABLE, ENABLE)
    tabs = Tabs("state", STATES, "active", narrow=in_state)
    new = NewLink(User.create, "accounts:user_create", "新建用户")
    empty_text = "没有这样的账号。新建用户后，把一次性密码告诉本人。"

    def rows(self) -> UserQuerySet:
        return super().rows().with_state().prefetch_related("groups", "regions", "industries")

    def row_controls(self, row: User) -> list[Control]:
        """Leave out what is not possible now, without a reason: 解锁 stands only where an account is locked."""
        return [control for control in super().row_controls(row) if control.allowed or control.action is EDIT]


class UserDetail(RecordPage):
    model, template_name = User, "accounts/user_detail.html"
    crumbs, help = CRUMBS, "users"
    select_related = ("department",)

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


class UserHistory(HistoryPage):
    model, crumbs, help = User, CRUMBS, "users"


def show_password(page: FormPage, answer: HttpResponse, user: User, password: str) -> HttpResponse:
    """Show the one-time password, now and never again, before the page the answer redirects to.

    Without a password the form was refused or sent again: answer as it is.
    """
    if not password or answer.status_code != REDIRECT:
        return answer
    head: dict[str, Any] = {"title": "一次性密码", "back_url": answer["Location"]}
    return render_page(page, template="accounts/one_time_password.html", person=user, password=password, **head)


class UserCreate(FormPage):
    do, form = User.create, UserForm
    title, crumbs, help = "新建用户", CRUMBS, "users"
    may_leave_view = True  # accounts have no scope
    created: User | None = None

    def form_options(self, record: User) -> dict[str, Any]:
        return {"by": self.request.user}

    def carry_out(self, record: User, form: UserForm) -> User:
        self.created = User.create(by=self.request.user, **form.values())
        return self.created

    def send(self, record: User, form: UserForm) -> HttpResponse:
        answer, user = super().send(record, form), self.created
        return show_password(self, answer, user, user.one_time_password) if user else answer

    def back_url(self, record: User) -> str:
        return reverse("accounts:user_list")


class UserUpdate(FormPage):
    do, form, title = User.edit, UserForm, "编辑用户"
    crumbs, help = CRUMBS, "users"
    select_related = ("department",)

    def form_options(self, record: User) -> dict[str, Any]:
        return {"by": self.request.user}

    @transaction.atomic
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        lock_administration()  # before the account: administrators who change each other take turns
        return super().post(request, **kwargs)


class AccountDialog(FormPage):
    """A question about one account; a subclass says what follows in consequence()."""

    crumbs, help = CRUMBS, "users"
    select_related = ("department",)
    submit_label = "确定"

    def context(self, record: User, form: Any) -> dict[str, Any]:
        return {"named": f"用户：{record}", "details": record.username, "consequence": self.consequence(record)}

    def consequence(self, record: User) -> str:
        raise NotImplementedError


class ResetPassword(AccountDialog):
    do, title, question = User.reset_password, "重置密码", "确认重置密码？"
    message = "密码已重置。"
    password = ""

    def consequence(self, record: User) -> str:
        return "原来的密码立即失效，本人在所有设备上退出登录。下一页显示一次性密码，本人登录后必须修改。"

    def carry_out(self, record: User, form: Any) -> None:
        self.password = record.reset_password(by=self.request.user)

    def send(self, record: User, form: Any) -> HttpResponse:
        return show_password(self, super().send(record, form), record, self.password)


class Unlock(AccountDialog):
    do, title, question = User.unlock, "解锁", "确认解锁？"
    message = "已解锁，可以再次登录。"

    def consequence(self, record: User) -> str:
        return "失败次数清零，各地址都可以再试。"


class Enable(AccountDialog):
    do, title, question = User.enable, "启用", "确认启用？"
    message = "账号已启用。原来的密码仍然有效，必要时请重置密码。"

    def consequence(self, record: User) -> str:
        roles = "、".join(role.name for role in record.groups.all()) or "没有角色"
        return f"恢复原来的角色（{roles}）；停用时交接出去的工作不会自动回来。"


class EndSessions(AccountDialog):
    do, title, question = User.end_sessions, "结束登录", "确认结束所有登录？"

    def consequence(self, record: User) -> str:
        count = record.sign_ins.alive().count()
        return f"现在有 {count} 处登录，全部立即失效；密码不变，可以重新登录。"

    def carry_out(self, record: User, form: Any) -> None:
        self.message = f"已结束 {record.end_sessions(by=self.request.user)} 处登录。"


class ResetSecondFactor(AccountDialog):
    do, title, question = User.reset_second_factor, "重置两步验证", "确认重置两步验证？"
    message, danger = "两步验证已关闭，请本人尽快重新开启。", True

    def consequence(self, record: User) -> str:
        return "先确认是本人：之后只凭密码就能登录，恢复码作废，所有登录立即结束。"
