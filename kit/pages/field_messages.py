"""Error messages of Django's own field validation, in Chinese and saying what to type."""

from __future__ import annotations

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

NUMBER_MESSAGES = {
    "min_value": "请填写不小于 %(limit_value)s 的数。",
    "max_value": "请填写不大于 %(limit_value)s 的数。",
    "max_digits": "数字太长，最多 %(max)s 位，请核对。",
    "max_decimal_places": "小数点后最多 %(max)s 位，请四舍五入后填写。",
    "max_whole_digits": "数字太大，小数点前最多 %(max)s 位，请核对单位。",
}
NOT_A_NUMBER_MESSAGES = (
    (forms.DecimalField, "请填写数字，例如 1200.50。"),
    (forms.IntegerField, "请填写整数，例如 60。"),
)


def apply_messages(field: forms.Field) -> None:
    """Set the messages of number fields that declare none, and leave NUL characters to the text gate."""
    field.validators = [
        validator for validator in field.validators if not isinstance(validator, ProhibitNullCharactersValidator)
    ]
    if not isinstance(field, forms.IntegerField):
        return
    field.error_messages = {**NUMBER_MESSAGES, **field.error_messages}
    if field.error_messages["invalid"] == type(field).default_error_messages["invalid"]:
        field.error_messages["invalid"] = next(
            message for field_class, message in NOT_A_NUMBER_MESSAGES if isinstance(field, field_class)
        )
