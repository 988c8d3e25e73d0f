"""Signing in and out, one's password, appearance and notifications, the first administrator."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from kit.audit.log import log_event
from kit.pages.forms import CrmForm

from . import mail
from .models import Notification, Role, User
from .own_password import after_wrong_password
from .resume import resume_form
from .roles import ADMINISTRATOR
from .second_factor_pages import ask_second_factor
from .sessions import ROW_KEY, end_sessions

SIGN_IN_FAILED = "用户名或密码不正确，或账号暂时不能登录。连续 5 次失败将锁定 15 分钟。"
SETUP_HOURS = 24


class SignInForm(CrmForm, AuthenticationForm):
    """Say the same for unknown, wrong, disabled and locked."""

    error_messages = {"invalid_login": SIGN_IN_FAILED, "inactive": SIGN_IN_FAILED}

    def clean_username(self) -> str:
        """Cut to the column of failed sign-ins: no username is as long as that."""
        return str(self.cleaned_data["username"])[:255]


@method_decorator(login_not_required, name="dispatch")
class SignIn(auth_views.LoginView):
    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let the writer of an unsent form sign in over another user who is signed in now."""
        if request.method == "POST" and request.POST.get("kept"):
            self.redirect_authenticated_user = False
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        flags = {name: name in self.request.GET for name in ("expired", "ended")}
        return super().get_context_data(kept=self.request.POST.get("kept", ""), **flags, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Lead to the requested page, or to sending an unsent form once more."""
        signed_form = self.request.POST.get("kept", "")
        if form.get_user().has_second_factor:
            return ask_second_factor(self.request, form.get_user(), self.get_success_url(), signed_form)
        response = super().form_valid(form)
        return resume_form(self.request, signed_form) or response


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer while locked with the same page and words as for a wrong password. Called by django-axes."""
    form = SignInForm(request, initial={"username": request.POST.get("username", "")[:150]})
    context = {"form": form, "failed": SIGN_IN_FAILED, "kept": request.POST.get("kept", "")}
    return render(request, "accounts/login.html", context, status=200)


class CrmPasswordChangeForm(CrmForm, PasswordChangeForm):
    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("old_password") and data.get("old_password") == data.get("new_password2"):
            self.add_error("new_password1", "新密码不能和原来的密码相同。")
        return data


class PasswordChange(auth_views.PasswordChangeView):
    form_class = CrmPasswordChangeForm
    template_name = "accounts/password.html"
    success_url = reverse_lazy("home")
    extra_context = {"title": "修改密码", "help_anchor": "account"}

    def form_invalid(self, form: Any) -> HttpResponse:
        return after_wrong_password(self.request, form, "old_password") or super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        after_wrong_password(self.request, form, "old_password")
        with transaction.atomic():
            response = super().form_valid(form)
            user: Any = self.request.user
            User.objects.filter(pk=user.pk).update(must_change_password=False)
            end_sessions(user, keep=self.request.session.get(ROW_KEY))
            log_event(user, "修改密码", user)
        messages.success(self.request, "密码已修改，其他设备上的登录已失效。")
        return response


class ChangeTheme(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        theme = request.POST.get("theme", "")
        if theme in User.Theme.values:
            User.objects.filter(pk=request.user.pk).update(theme=theme)
        target = request.POST.get("next", "")
        safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
        return redirect(target if safe else "home")


class NotificationList(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Notification.visible(cast(User, request.user))
        context = {"title": "通知", "rows": rows, "help_anchor": "notifications"}
        return render(request, "accounts/notifications.html", {**context, "by_mail": bool(settings.CRM_EMAIL_URL)})


class SwitchMail(View):
    """Set whether one's own notifications come by e-mail too."""

    def post(self, request: HttpRequest) -> HttpResponse:
        on = request.POST.get("on") == "1"
        mail.set_email_choice(cast(User, request.user), on)
        messages.success(request, "以后的通知也会发到您的邮箱。" if on else "不再给您发送邮件，通知仍在这里。")
        return redirect("notifications")


class ReadAllNotifications(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        Notification.objects.filter(recipient=cast(User, request.user)).unread().update(read_at=timezone.now())
        return redirect("notifications")


class OpenNotification(View):
    """Mark a notification as read and lead to its record."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = get_object_or_404(Notification, pk=pk, recipient=request.user)
        row.mark_read()
        target = row.record
        return redirect(target.get_absolute_url() if target is not None else "notifications")


class FirstAdministratorForm(CrmForm, forms.Form):
    username = forms.CharField(label="用户名", max_length=150, validators=[User.username_validator])
    name = forms.CharField(label="姓名", max_length=50)
    password = forms.CharField(
        label="密码",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="至少 8 个字符，不能全是数字",
        strip=False,
    )
    repeated = forms.CharField(
        label="密码确认", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False
    )

    def clean_username(self) -> str:
        username = self.cleaned_data["username"]
        if User.objects.filter(username=username).exists():
            raise forms.ValidationError("这个用户名已有人使用，请另选。")
        return username

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"])
        return self.cleaned_data["password"]

    def clean_repeated(self) -> str:
        """Compare with the typed password, whether or not that is good enough."""
        if self.cleaned_data["repeated"] != self.data.get("password"):
            raise forms.ValidationError("两次输入的密码不一致，请重新输入。")
        return ""


@method_decorator(login_not_required, name="dispatch")
class FirstAdministrator(View):
    """The one-time URL printed at the start of an empty installation."""

    def dispatch(self, request: HttpRequest, *args: Any, token: str, **kwargs: Any) -> Any:
        try:
            signing.loads(token, salt="setup", max_age=SETUP_HOURS * 3600)
        except signing.BadSignature as error:
            raise Http404 from error
        if User.objects.administrators().exists():
            return self.used()
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(FirstAdministratorForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = FirstAdministratorForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        data = form.cleaned_data
        with transaction.atomic():
            role = Role.objects.select_for_update().get(code=ADMINISTRATOR)
            if User.objects.administrators().exists():
                return self.used()
            user = User.objects.create_user(data["username"], password=data["password"], name=data["name"])
            user.groups.add(role)
            log_event(None, "新建", user, 角色=role)
        login(request, user, backend="accounts.backends.RoleBackend")
        return redirect("home")

    def used(self) -> HttpResponse:
        return render(self.request, "accounts/setup_used.html", {"title": "这个地址已经用过"}, status=410)

    def show(self, form: forms.Form) -> HttpResponse:
        return render(self.request, "accounts/setup.html", {"form": form, "title": "创建第一位系统管理员"})
