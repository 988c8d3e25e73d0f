"""The demo accounts' common password: given by CRM_DEMO_PASSWORD, or made once and kept in var/."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import check_password

from accounts.models import User

SYLLABLES = tuple(f"{consonant}{vowel}" for consonant in "bdfghjklmnprstwz" for vowel in ("a", "e", "i", "o", "u"))


def password_file() -> Path:
    return Path(settings.VAR_DIR) / "demo_password"


def choose_password() -> str:
    """The given one, the kept one, or a new readable one like lomefi-tasuke-64."""
    given = settings.CRM_DEMO_PASSWORD
    if given:
        return given
    if kept := kept_password():
        return kept
    words = ("".join(secrets.choice(SYLLABLES) for _ in range(3)) for _ in range(3))
    password = f"{'-'.join(words)}-{secrets.randbelow(90) + 10}"
    _keep(password)
    return password


def kept_password() -> str:
    path = password_file()
    return path.read_text().strip() if path.exists() else ""


def _keep(password: str) -> None:
    path = password_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(password + "\n")


def opens(password: str, user: User) -> bool:
    return bool(password) and check_password(password, user.password)
