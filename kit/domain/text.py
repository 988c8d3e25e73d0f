"""The sign for an empty value, and the check of text from outside for control characters."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

DASH = "—"
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MESSAGE = "含有看不见的控制字符，请删除后重试。"


def refuse_control_characters(text: object) -> None:
    """Validate text from form fields, files and URLs alike."""
    if UNPRINTABLE.search(str(text)):
        raise ValidationError(MESSAGE, code="control_characters")
