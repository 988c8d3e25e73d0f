"""The addresses by which a browser rings a number or writes an e-mail."""

from __future__ import annotations

import re
from urllib.parse import quote

from .folding import DIGITS, looks_like_number

# Extensions cannot be dialled in one go; of several numbers the first is dialled.
BEHIND_THE_NUMBER = re.compile(r"转|分机|[#*/、,，;；]")
MIN_DIGITS, MAX_DIGITS = 5, 17


def dial_url(text: str) -> str:
    """Return the tel: URL of the first number; nothing for what is not plainly one."""
    number = BEHIND_THE_NUMBER.split(text.translate(DIGITS))[0].strip()
    digits = re.sub("[^0-9]", "", number)
    if not (looks_like_number(number) and MIN_DIGITS <= len(digits) <= MAX_DIGITS):
        return ""
    return f"tel:{'+' if number.startswith('+') else ''}{digits}"


def mail_url(address: str) -> str:
    return f"mailto:{quote(address, safe='@')}"
