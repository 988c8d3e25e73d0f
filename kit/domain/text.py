"""The sign for an empty value, and the check of text from outside for control characters."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

DASH = "—"
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
CONTROL_CHARACTERS_REFUSED = "含有看不见的控制字符，请删除后重试。"


def refuse_control_characters(text: object) -> None:
    """Validate text from form fields, files and URLs alike."""
    if CONTROL_CHARACTERS.search(str(text)):
        raise ValidationError(CONTROL_CHARACTERS_REFUSED, code="control_characters")
