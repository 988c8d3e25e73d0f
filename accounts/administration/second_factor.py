"""两步验证: a code of the telephone after the password (TOTP), and recovery codes for the day it is lost."""

from __future__ import annotations

import secrets
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.utils.crypto import salted_hmac

from kit.audit.log import log_event
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope, transition

from ..sessions import end_sessions

DIGITS, CODES = 6, 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
WRONG = "验证码不正确。请核对手机时间，等下一个验证码出现后再试。"


def devices() -> Any:
    return apps.get_model("otp_totp", "TOTPDevice")._default_manager


def recovery() -> Any:
    return apps.get_model("otp_static", "StaticDevice")._default_manager


def digest(user_id: int, code: str) -> str:
    """What is stored of a recovery code: the library keeps 16 characters, which hold no code that could be typed."""
    plain = code.lower().replace("-", "").replace(" ", "")
    return salted_hmac("recovery code", f"{user_id}:{plain}", algorithm="sha256").hexdigest()[:16]


def new_code() -> str:
    """Like k7mf9-3hxwq: 49 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(2))


class SecondFactor(models.Model):
    class Meta:
        abstract = True

    @property
    def has_second_factor(self) -> bool:
        return devices().filter(user=self, confirmed=True).exists()

    @property
    def must_have_second_factor(self) -> bool:
        return settings.CRM_REQUIRE_ADMIN_TOTP and self.is_administrator  # type: ignore[attr-defined]

    @property
    def recovery_codes_left(self) -> int:
        return apps.get_model("otp_static", "StaticToken")._default_manager.filter(device__user=self).count()

    def passes_second_factor(self, code: str) -> bool:
        """Is this a code of his telephone not used before, or one of his recovery codes? A right one is used up."""
        plain = code.replace(" ", "")
        by_telephone = plain.isdecimal() and len(plain) == DIGITS
        with transaction.atomic():
            rows = (devices() if by_telephone else recovery()).select_for_update()
            device = rows.filter(user=self, confirmed=True).first()
            passed = device is not None and device.verify_token(plain if by_telephone else digest(self.pk, plain))
            if passed and not by_telephone:
                log_event(self, "使用恢复码", self, 剩余=self.recovery_codes_left)  # type: ignore[arg-type]
        return passed

    def can_turn_on_second_factor(self, by: Any) -> Verdict:
        return first_objection(_own(self, by), refuse_if(self.has_second_factor, "两步验证已经开启。"))

    @transition
    def turn_on_second_factor(self, *, by: Any, key: str, code: str, keep: str | None) -> list[str]:
        """Gives the recovery codes, shown once. keep: the session that goes on; the others never gave a code."""
        self.can_turn_on_second_factor(by).enforce()
        device = devices().create(user=self, name="手机", key=key, confirmed=True)
        refuse_if(not device.verify_token(code.replace(" ", "")), WRONG).enforce()
        codes = self._new_codes()
        end_sessions(self, keep=keep)
        log_event(by, "开启两步验证", self)
        return codes

    def can_renew_recovery_codes(self, by: Any) -> Verdict:
        return first_objection(_own(self, by), self._unless_off())

    @transition
    def renew_recovery_codes(self, *, by: Any) -> list[str]:
        self.can_renew_recovery_codes(by).enforce()
        log_event(by, "更换恢复码", self)
        return self._new_codes()

    def can_turn_off_second_factor(self, by: Any) -> Verdict:
        return first_objection(
            _own(self, by),
            self._unless_off(),
            refuse_if(self.must_have_second_factor, "系统管理员必须使用两步验证，不能关闭。"),
        )

    @transition
    def turn_off_second_factor(self, *, by: Any) -> None:
        self.can_turn_off_second_factor(by).enforce()
        self._forget_devices()
        log_event(by, "关闭两步验证", self)

    def can_reset_second_factor(self, by: Any) -> Verdict:
        """By an administrator, for somebody who lost telephone and codes."""
        return first_objection(
            self._kept(by),  # type: ignore[attr-defined]
            refuse_if(self.pk == by.pk, "自己的两步验证请在「个人资料」里管理。"),
            self._unless_off(),
        )

    @transition
    def reset_second_factor(self, *, by: Any) -> None:
        """Off; signed out everywhere, since nobody knows who holds the telephone."""
        self.can_reset_second_factor(by).enforce()
        self._forget_devices()
        end_sessions(self)
        log_event(by, "重置两步验证", self)

    def _unless_off(self) -> Verdict:
        return refuse_if(not self.has_second_factor, "两步验证没有开启。")

    def _new_codes(self) -> list[str]:
        recovery().filter(user=self).delete()
        device, codes = recovery().create(user=self, name="恢复码"), [new_code() for _ in range(CODES)]
        tokens: Any = device.token_set
        tokens.bulk_create(tokens.model(device=device, token=digest(self.pk, code)) for code in codes)
        return codes

    def _forget_devices(self) -> None:
        devices().filter(user=self).delete()
        recovery().filter(user=self).delete()


def _own(person: Any, by: Any) -> Verdict:
    return require_scope(by.pk == person.pk, "两步验证由本人设置。")
