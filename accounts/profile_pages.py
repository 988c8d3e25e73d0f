"""个人资料: one's own data, password, second factor and sessions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views import View

from kit.audit.log import log_event
from kit.pages.records import RecordUpdate

from .forms import ProfileForm
from .second_factor_pages import OwnAccount
from .sessions import UserSession, end_sessions


class Profile(OwnAccount):
    title, crumbs = "个人资料", ()
    template_name = "accounts/profile.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        return self.page(
            person=user,
            sign_ins=UserSession.objects.filter(user=user).alive()[:50],
            here=request.session.session_key,
            has_second_factor=user.has_second_factor,
            codes_left=user.recovery_codes_left,
        )


class EditProfile(OwnAccount, RecordUpdate):
    form_class, verb, title = ProfileForm, "edit_profile", "修改个人资料"

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, pk=request.user.pk, **kwargs)


class EndSession(View):
    """End another of one's own sessions; 退出系统 ends the present one."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        here = request.session.session_key
        row = get_object_or_404(UserSession.objects.exclude(session_key=here), pk=pk, user=request.user)
        with transaction.atomic():
            end_sessions(request.user, only=row.pk)
            log_event(request.user, "结束登录", request.user, 登录=row.device, 来源=row.address)
        messages.success(request, "已结束这处登录。")
        return redirect("accounts:profile")


class EndOtherSessions(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            ended = end_sessions(request.user, keep=request.session.session_key)
            log_event(request.user, "结束登录", request.user, 登录数=ended)
        messages.success(request, f"已结束其他 {ended} 处登录。")
        return redirect("accounts:profile")
