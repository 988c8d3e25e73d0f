"""How a phone number, an e-mail address or an account looks to whoever may not see it in full."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

STARS = "****"
# An e-mail address, a phone number in groups, any longer run of digits.
CONTACT_DETAIL = re.compile(
    r"[a-z0-9.+_-]{1,64}@[a-z0-9.-]+|(?<!\d)(?:1\d\d|0\d{2,3})[ -]?\d{4}[ -]?\d{4}(?!\d)|\d{7,}", re.I
)
LONG_LENGTH, SHORT_LENGTH = 11, 7  # characters from which three and four, or the last two, may stay


def masked(value: str) -> str:
    """138****1234, g***@example.com; short numbers keep their last two characters or nothing."""
    text = str(value or "").strip()
    if not text:
        return ""
    if "@" in text:
        name, _, domain = text.partition("@")
        return f"{name[:1]}***@{domain}"
    if len(text) >= LONG_LENGTH:
        return f"{text[:3]}{STARS}{text[-4:]}"
    return f"{STARS}{text[-2:]}" if len(text) >= SHORT_LENGTH else STARS


def masked_in(text: str) -> str:
    """A text with the numbers and e-mail addresses in it masked; a date is none."""
    return CONTACT_DETAIL.sub(lambda found: masked(found[0]), text)


def refuse_masked(value: object) -> None:
    """A validator: what was masked on its way out is no number when it comes back."""
    if "***" in str(value):
        raise ValidationError("这是隐去了中间几位的内容，请填写完整的号码，或留空。", code="masked")
