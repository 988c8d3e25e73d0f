"""Checks on the registration data of Chinese companies."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator

from kit.domain.credit_codes import CODE_CHARACTERS, code_check_character
from kit.domain.shortened_numbers import refuse_shortened

six_digits = RegexValidator(r"^[0-9]{6}\Z", "应为 6 位数字，例如 266000")
web_address = URLValidator(
    schemes=["http", "https"], message="应以 http:// 或 https:// 开头，例如 https://www.example.com"
)


def postcode(value: str) -> None:
    refuse_shortened(value)
    six_digits(value)


def refuse_line_breaks(value: str) -> None:
    """Refuse a name over several lines: it swallowed the rows below it."""
    if len(value.strip().splitlines()) > 1:
        raise ValidationError("名称里有换行，可能把几行当成了一行，请改成一行。", code="line_breaks")


def license_number(value: str) -> None:
    """Check the 18th character by GB 32100-2015; older registration numbers pass as they are."""
    refuse_shortened(value)
    code = re.sub(r"\s", "", value).upper()
    if len(code) != 18:
        return
    if any(char not in CODE_CHARACTERS for char in code):
        raise ValidationError("统一社会信用代码只含数字和大写字母（不含 I、O、S、V、Z），请核对。")
    if code[17] != code_check_character(code[:17]):
        raise ValidationError("统一社会信用代码的校验位不对，请核对是否抄错。")
