"""两步验证: the page after the password, and switching it on and off."""

from __future__ import annotations

import time
from base64 import b32encode
from binascii import unhexlify
from typing import Any

import segno
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.apps import apps
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.signals import user_login_failed
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts.users.models import User
from kit.pages.form_page import FormPage
from kit.pages.forms import Block, CrmForm
from kit.pages.page import render_page

from .forms import OwnPasswordForm
from .own_password import after_wrong_password
from .unsent_forms import resume_form

REDIRECT = HttpResponseRedirect.status_code
PENDING_KEY = "second_factor"
PENDING_MINUTES = 10
WRONG_CODE = "验证码或恢复码不正确，或账号暂时不能登录。每个验证码只能用一次，请等下一个。连续 5 次失败将锁定 15 分钟。"
KEY_SALT = "second factor key"


def ask_second_factor(request: HttpRequest, user: User, next_url: str, signed_form: str = "") -> HttpResponse:
    """Go on to the code after a right password; nobody is signed in before that is right too."""
    request.session.cycle_key()
    request.session[PENDING_KEY] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "at": int(time.time()),
        "next": next_url,
        "kept": signed_form,
    }
    return redirect("login_code")


def pending_user(request: HttpRequest) -> User | None:
    """Return the user whose password was right in this session within ten minutes; it and a device must still hold."""
    pending = request.session.get(PENDING_KEY) or {}
    if time.time() - pending.get("at", 0) > PENDING_MINUTES * 60:
        return None
    user = User.objects.filter(pk=pending["user"], is_active=True).first()
    if user is None or not constant_time_compare(pending["password"], user.get_session_auth_hash()):
        return None
    return user if user.has_second_factor else None


class CodeForm(CrmForm, forms.Form):
    code = forms.CharField(
        label="验证码或恢复码",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )


@method_decorator([login_not_required, never_cache], name="dispatch")
class SecondStep(View):
    """Count failures with those of the password: five lock the username at this IP address."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        user = pending_user(request)
        if user is None:
            return redirect("login")
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(CodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, name = CodeForm(request.POST), {"username": self.user.username}
        if not form.is_valid():
            return self.show(form)
        allowed = AxesProxyHandler.is_allowed(request, name)
        if allowed and self.user.passes_second_factor(form.cleaned_data["code"]):
            pending = request.session.pop(PENDING_KEY)
            login(request, self.user, backend="accounts.backends.RoleBackend")
            return resume_form(request, pending["kept"]) or redirect(pending["next"])
        user_login_failed.send(sender=__name__, credentials=name, request=request)
        if not AxesProxyHandler.is_allowed(request, name):
            request.session.pop(PENDING_KEY, None)
        form.add_error(None, WRONG_CODE)
        return self.show(form)

    def show(self, form: forms.Form) -> HttpResponse:
        return render(self.request, "accounts/login_code.html", {"form": form})


# One's own device


class TurnOnForm(OwnPasswordForm):
    """Carry the key, signed, with the form: nothing is stored before the first code is right."""

    key = forms.CharField(widget=forms.HiddenInput)
    code = forms.CharField(
        label="手机上显示的验证码",
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    blocks = (
        Block("输入验证码", "确认手机已经添加好。", (("code", 3),)),
        *OwnPasswordForm.blocks,
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        self.salt = f"{KEY_SALT} {by.pk}"
        self.device = apps.get_model("otp_totp", "TOTPDevice")(user=by, name="手机")
        if sent_key := self.key_of(self.data.get("key", "")):
            self.device.key = sent_key
        self.initial["key"] = signing.dumps(self.device.key, salt=self.salt)

    def key_of(self, text: str) -> str:
        try:
            return signing.loads(text, salt=self.salt, max_age=3600)
        except signing.BadSignature:
            return ""

    def clean_key(self) -> str:
        if not self.key_of(self.cleaned_data["key"]):
            raise forms.ValidationError("页面已过期，请重新打开后再试。")
        return self.device.key

    @property
    def qr_code(self) -> str:
        return segno.make(self.device.config_url, micro=False).svg_data_uri(scale=5, border=2)

    @property
    def key_in_words(self) -> str:
        """The key in groups of four letters, to be typed in where no camera is."""
        text = b32encode(unhexlify(self.device.key)).decode().rstrip("=")
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


class OwnPasswordPage(FormPage):
    """A form about one's own account that asks for the current password."""

    form: type[CrmForm] = OwnPasswordForm
    crumbs, help = (("个人资料", "accounts:profile"),), "account"

    def get_record(self) -> User:
        return User.objects.get(pk=self.request.user.pk)

    def form_options(self, record: User) -> dict[str, Any]:
        return {"by": self.request.user}

    def invalid(self, record: User, form: Any) -> HttpResponse:
        return after_wrong_password(self.request, form, "password") or super().invalid(record, form)

    def send(self, record: User, form: Any) -> HttpResponse:
        after_wrong_password(self.request, form, "password")
        return super().send(record, form)

    def back_url(self, record: User) -> str:
        return reverse("accounts:profile")

    def success_url(self, record: User, result: Any) -> str:
        return reverse("accounts:profile")


def show_codes(page: FormPage, answer: HttpResponse, codes: list[str]) -> HttpResponse:
    """Show the recovery codes, now and never again, before the page the answer redirects to.

    Without codes the form was refused or sent again: answer as it is.
    """
    if not codes or answer.status_code != REDIRECT:
        return answer
    context: dict[str, Any] = {"title": "恢复码", "codes": codes, "back_url": answer["Location"]}
    return render_page(page, template="accounts/recovery_codes.html", **context)


class TurnOn(OwnPasswordPage):
    do, form, title = User.turn_on_second_factor, TurnOnForm, "开启两步验证"
    submit_label, message = "开启", "两步验证已开启，其他设备上的登录已失效。"
    template_name = "accounts/second_factor_on.html"
    codes: list[str] = []

    def carry_out(self, record: User, form: TurnOnForm) -> None:
        keep = self.request.session.session_key
        self.codes = record.turn_on_second_factor(by=self.request.user, keep=keep, **form.values())

    def send(self, record: User, form: TurnOnForm) -> HttpResponse:
        return show_codes(self, super().send(record, form), self.codes)


class RenewCodes(OwnPasswordPage):
    do, title = User.renew_recovery_codes, "更换恢复码"
    submit_label, message = "更换", "原来的恢复码已作废。"
    codes: list[str] = []

    def carry_out(self, record: User, form: OwnPasswordForm) -> None:
        self.codes = record.renew_recovery_codes(by=self.request.user)

    def send(self, record: User, form: OwnPasswordForm) -> HttpResponse:
        return show_codes(self, super().send(record, form), self.codes)


class TurnOff(OwnPasswordPage):
    do, title = User.turn_off_second_factor, "关闭两步验证"
    submit_label, message, danger = "关闭", "两步验证已关闭。", True
