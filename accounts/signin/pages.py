"""Signing in and out, one's password, appearance and notifications, the first administrator."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views import View

from accounts.roles.models import Role
from accounts.roles.shipped import ADMINISTRATOR
from accounts.sessions.models import ROW_KEY, end_sessions
from accounts.users.models import User
from kit.audit.log import log_event
from kit.pages.forms import CrmForm

from .forms import SIGN_IN_FAILED, SignInForm
from .own_password import after_wrong_password
from .second_factor_pages import ask_second_factor
from .unsent_forms import resume_form

SETUP_HOURS = 24


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
