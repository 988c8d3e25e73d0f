"""The common password of the demo accounts: CRM_DEMO_PASSWORD, or one generated once and stored in var/."""

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
    """Return the configured, the stored, or a new readable password like lomefi-tasuke-64."""
    configured = settings.CRM_DEMO_PASSWORD
    if configured:
        return configured
    if stored := stored_password():
        return stored
    words = ("".join(secrets.choice(SYLLABLES) for _ in range(3)) for _ in range(3))
    password = f"{'-'.join(words)}-{secrets.randbelow(90) + 10}"
    _store(password)
    return password


def stored_password() -> str:
    path = password_file()
    return path.read_text().strip() if path.exists() else ""


def _store(password: str) -> None:
    path = password_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(password + "\n")


def matches_password(password: str, user: User) -> bool:
    return bool(password) and check_password(password, user.password)
