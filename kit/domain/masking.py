"""Masking of phone numbers, e-mail addresses and account numbers for users who may not see them in full."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

STARS = "****"
# An e-mail address, a phone number in groups, any longer run of digits.
CONTACT_DETAIL = re.compile(
    r"[a-z0-9.+_-]{1,64}@[a-z0-9.-]+|(?<!\d)(?:1\d\d|0\d{2,3})[ -]?\d{4}[ -]?\d{4}(?!\d)|\d{7,}", re.I
)
LONG_LENGTH, SHORT_LENGTH = 11, 7  # from 11 characters on 3 + 4 stay visible, from 7 on the last 2


def mask(value: str) -> str:
    """Return 138****1234 or g***@example.com; short numbers keep their last two characters or nothing."""
    text = str(value or "").strip()
    if not text:
        return ""
    if "@" in text:
        name, _, domain = text.partition("@")
        return f"{name[:1]}***@{domain}"
    if len(text) >= LONG_LENGTH:
        return f"{text[:3]}{STARS}{text[-4:]}"
    return f"{STARS}{text[-2:]}" if len(text) >= SHORT_LENGTH else STARS


def mask_in_text(text: str) -> str:
    """Return the text with the phone numbers and e-mail addresses in it masked; dates stay."""
    return CONTACT_DETAIL.sub(lambda match: mask(match[0]), text)


def refuse_masked(value: object) -> None:
    """Validate that a value sent back is not the masked one that was shown."""
    if "***" in str(value):
        raise ValidationError("这是隐去了中间几位的内容，请填写完整的号码，或留空。", code="masked")
