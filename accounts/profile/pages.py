"""个人资料: one's own data, password, second factor and sessions."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from accounts.sessions.models import UserSession, end_sessions
from accounts.users.models import User
from kit.audit.log import log_event
from kit.pages.form_page import FormPage
from kit.pages.page import render_page

from .forms import ProfileForm


class Profile(View):
    title, help = "个人资料", "account"
    crumbs: tuple[tuple[str, str], ...] = ()
    template_name = "accounts/profile.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = cast(User, request.user)
        return render_page(
            self,
            person=user,
            sign_ins=UserSession.objects.filter(user=user).alive()[:50],
            here=request.session.session_key,
            has_second_factor=user.has_second_factor,
            codes_left=user.recovery_codes_left,
        )


class EditProfile(FormPage):
    do, form, title = User.edit_profile, ProfileForm, "修改个人资料"
    crumbs, help = (("个人资料", "accounts:profile"),), "account"
    may_leave_view = True  # one's own account, whatever one's permissions

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, pk=request.user.pk, **kwargs)

    def rows(self) -> QuerySet[User]:
        return User.objects.filter(pk=self.request.user.pk)

    def back_url(self, record: User) -> str:
        return reverse("accounts:profile")

    def success_url(self, record: User, result: Any) -> str:
        return reverse("accounts:profile")


class EndSession(View):
    """End another of one's own sessions; 退出系统 ends the present one."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        here, user = request.session.session_key, cast(User, request.user)
        row = get_object_or_404(UserSession.objects.exclude(session_key=here), pk=pk, user=user)
        with transaction.atomic():
            end_sessions(user, only=row.pk)
            log_event(user, "结束登录", user, 登录=row.device, 来源=row.address)
        messages.success(request, "已结束这处登录。")
        return redirect("accounts:profile")


class EndOtherSessions(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        user = cast(User, request.user)
        with transaction.atomic():
            ended = end_sessions(user, keep=request.session.session_key)
            log_event(user, "结束登录", user, 登录数=ended)
        messages.success(request, f"已结束其他 {ended} 处登录。")
        return redirect("accounts:profile")


class ChangeLook(View):
    """Change how pages look to oneself, and go back to the page. field: theme or density."""

    field = ""

    def post(self, request: HttpRequest) -> HttpResponse:
        value, field = request.POST.get(self.field, ""), User._meta.get_field(self.field)
        if value in dict(getattr(field, "choices", None) or ()):
            User.objects.filter(pk=request.user.pk).update(**{self.field: value})
        target = request.POST.get("next", "")
        safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
        return redirect(target if safe else "home")
