"""两步验证: a code of the telephone after the password (TOTP), and recovery codes for the day it is lost."""

from __future__ import annotations

import secrets
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.utils.crypto import salted_hmac

from accounts.sessions.models import end_sessions
from kit.audit.log import log_event
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope
from kit.transitions import transition

CODE_DIGITS = 6
RECOVERY_CODES = 10
RECOVERY_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
OWN_ACCOUNT = ""  # no permission: users may do it to their own account
WRONG_CODE = "验证码不正确。请核对手机时间，等下一个验证码出现后再试。"


def totp_devices() -> models.Manager[Any]:
    return apps.get_model("otp_totp", "TOTPDevice")._default_manager


def recovery_devices() -> models.Manager[Any]:
    return apps.get_model("otp_static", "StaticDevice")._default_manager


def digest(user_id: int, code: str) -> str:
    """Return the 16 characters stored for a recovery code: the library keeps no more, and they reveal no code."""
    plain = code.lower().replace("-", "").replace(" ", "")
    return salted_hmac("recovery code", f"{user_id}:{plain}", algorithm="sha256").hexdigest()[:16]


def new_code() -> str:
    """Return a recovery code like k7mf9-3hxwq: 49 bits."""
    return "-".join("".join(secrets.choice(RECOVERY_CHARACTERS) for _ in range(5)) for _ in range(2))


class SecondFactor(AbstractUser):
    """The user's second factor, as users switch it on and off themselves."""

    class Meta:
        abstract = True

    @property
    def has_second_factor(self) -> bool:
        return totp_devices().filter(user=self, confirmed=True).exists()

    @property
    def must_have_second_factor(self) -> bool:
        return settings.CRM_REQUIRE_ADMIN_TOTP and self.has_perm("accounts.administer")

    @property
    def recovery_codes_left(self) -> int:
        return apps.get_model("otp_static", "StaticToken")._default_manager.filter(device__user=self).count()

    def passes_second_factor(self, code: str) -> bool:
        """Whether this is a code of the telephone not used before, or a recovery code. A right one is used up."""
        plain = code.replace(" ", "")
        is_totp = plain.isdecimal() and len(plain) == CODE_DIGITS
        with transaction.atomic():
            rows = (totp_devices() if is_totp else recovery_devices()).select_for_update()
            device = rows.filter(user=self, confirmed=True).first()
            passed = device is not None and device.verify_token(plain if is_totp else digest(self.pk, plain))
            if passed and not is_totp:
                log_event(self, "使用恢复码", self, 剩余=self.recovery_codes_left)
        return passed

    @transition(OWN_ACCOUNT, "开启")
    def turn_on_second_factor(self, *, by: AbstractUser, key: str, code: str, keep: str | None) -> list[str]:
        """Return the recovery codes, shown once. keep: the session that goes on; the others never gave a code."""
        device = totp_devices().create(user=self, name="手机", key=key, confirmed=True)
        refuse_if(not device.verify_token(code.replace(" ", "")), WRONG_CODE).enforce()
        codes = self._new_codes()
        end_sessions(self, keep=keep)
        log_event(by, "开启两步验证", self)
        return codes

    @turn_on_second_factor.guard
    def can_turn_on_second_factor(self, by: AbstractUser) -> Verdict:
        return first_objection(_require_own(self, by), refuse_if(self.has_second_factor, "两步验证已经开启。"))

    @transition(OWN_ACCOUNT, "更换")
    def renew_recovery_codes(self, *, by: AbstractUser) -> list[str]:
        log_event(by, "更换恢复码", self)
        return self._new_codes()

    @renew_recovery_codes.guard
    def can_renew_recovery_codes(self, by: AbstractUser) -> Verdict:
        return first_objection(_require_own(self, by), self._refuse_if_off())

    @transition(OWN_ACCOUNT, "关闭")
    def turn_off_second_factor(self, *, by: AbstractUser) -> None:
        self._delete_devices()
        log_event(by, "关闭两步验证", self)

    @turn_off_second_factor.guard
    def can_turn_off_second_factor(self, by: AbstractUser) -> Verdict:
        return first_objection(
            _require_own(self, by),
            self._refuse_if_off(),
            refuse_if(self.must_have_second_factor, "系统管理员必须使用两步验证，不能关闭。"),
        )

    def _refuse_if_off(self) -> Verdict:
        return refuse_if(not self.has_second_factor, "两步验证没有开启。")

    def _new_codes(self) -> list[str]:
        recovery_devices().filter(user=self).delete()
        device, codes = recovery_devices().create(user=self, name="恢复码"), [new_code() for _ in range(RECOVERY_CODES)]
        tokens: Any = device.token_set
        tokens.bulk_create(tokens.model(device=device, token=digest(self.pk, code)) for code in codes)
        return codes

    def _delete_devices(self) -> None:
        totp_devices().filter(user=self).delete()
        recovery_devices().filter(user=self).delete()


def _require_own(user: AbstractUser, by: AbstractUser) -> Verdict:
    return require_scope(by.pk == user.pk, "两步验证由本人设置。")
