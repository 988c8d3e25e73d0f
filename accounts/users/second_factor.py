"""两步验证: a code of the telephone after the password (TOTP), and recovery codes for the day it is lost."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models, transaction
from django.utils.crypto import salted_hmac

from kit.audit.log import log_event
from kit.domain.verdict import Verdict, refuse_if

if TYPE_CHECKING:
    from .models import User

CODE_DIGITS = 6
RECOVERY_CODES = 10
RECOVERY_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
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


def has_second_factor(user: User) -> bool:
    return totp_devices().filter(user=user, confirmed=True).exists()


def recovery_codes_left(user: User) -> int:
    return apps.get_model("otp_static", "StaticToken")._default_manager.filter(device__user=user).count()


def check_code(user: User, code: str) -> bool:
    """Whether this is a code of the telephone not used before, or a recovery code. A right one is used up."""
    plain = code.replace(" ", "")
    is_totp = plain.isdecimal() and len(plain) == CODE_DIGITS
    with transaction.atomic():
        rows = (totp_devices() if is_totp else recovery_devices()).select_for_update()
        device = rows.filter(user=user, confirmed=True).first()
        passed = device is not None and device.verify_token(plain if is_totp else digest(user.pk, plain))
        if passed and not is_totp:
            log_event(user, "使用恢复码", user, 剩余=recovery_codes_left(user))
    return passed


def register_telephone(user: User, key: str, code: str) -> Verdict:
    """Register the telephone that shows this key; refuse it where its code is wrong, in the same transaction."""
    device = totp_devices().create(user=user, name="手机", key=key, confirmed=True)
    return refuse_if(not device.verify_token(code.replace(" ", "")), WRONG_CODE)


def new_recovery_codes(user: User) -> list[str]:
    """Replace the user's recovery codes. Return them in plain, which is kept nowhere."""
    recovery_devices().filter(user=user).delete()
    device, codes = recovery_devices().create(user=user, name="恢复码"), [new_code() for _ in range(RECOVERY_CODES)]
    tokens: Any = device.token_set
    tokens.bulk_create(tokens.model(device=device, token=digest(user.pk, code)) for code in codes)
    return codes


def delete_devices(user: User) -> None:
    totp_devices().filter(user=user).delete()
    recovery_devices().filter(user=user).delete()
