"""Forms of signing in and of one's own password."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from accounts.users.models import User
from kit.pages.forms import Block, CrmForm

from .own_password import INCORRECT


class OwnPasswordForm(CrmForm, forms.Form):
    """Ask for the password again, before a change of the second factor."""

    password = forms.CharField(
        label="当前密码", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}), strip=False
    )
    blocks: ClassVar[tuple[Block, ...]] = (Block("确认是您本人", "", (("password", 3),)),)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by

    def clean_password(self) -> str:
        if not self.by.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError("密码不正确。", code=INCORRECT)
        return ""

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "password"}


SIGN_IN_FAILED = "用户名或密码不正确，或账号暂时不能登录。连续 5 次失败将锁定 15 分钟。"


class SignInForm(CrmForm, AuthenticationForm):
    """Say the same for unknown, wrong, disabled and locked."""

    error_messages = {"invalid_login": SIGN_IN_FAILED, "inactive": SIGN_IN_FAILED}

    def clean_username(self) -> str:
        """Cut to the column of failed sign-ins: no username is as long as that."""
        return str(self.cleaned_data["username"])[:255]
