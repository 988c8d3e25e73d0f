"""Maximum lengths of texts: counted by the server as by the browser, never cut off silently."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

COUNTER_MIN_LENGTH = 100  # characters: shorter fields hold names and numbers, which need no counter
TOO_LONG_MESSAGE = "最多 %(limit_value)d 字，现在 %(show_value)d 字，请删去 %(over)d 字。"


class TextLengthValidator(MaxLengthValidator):
    """Django's validator with a message that says how many characters to delete."""

    def __call__(self, value: Any) -> None:
        length, limit = self.clean(value), int(self.limit_value)  # type: ignore[call-overload]
        if length > limit:
            params = {"limit_value": limit, "show_value": length, "over": length - limit, "value": value}
            raise ValidationError(TOO_LONG_MESSAGE, code="max_length", params=params)


def normalize_newlines(text: str) -> str:
    """Return the text with newlines as one character: browsers count them as one and send two."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_widget_text(read: Callable[..., Any], widget: forms.Widget, data: Any, files: Any, name: str) -> Any:
    """Return what the widget's own value_from_datadict reads, with normalized newlines."""
    value = read(widget, data, files, name)
    return normalize_newlines(value) if isinstance(value, str) else value


def count_like_browser(field: forms.CharField) -> None:
    """Remove maxlength, by which browsers cut silently; the server checks the length, a counter shows it.

    Sets field.limit to the maximum of the counter, 0 for fields without one.
    """
    widget: Any = field.widget
    widget.value_from_datadict = partial(read_widget_text, type(widget).value_from_datadict, widget)
    field.limit = 0  # type: ignore[attr-defined]
    widget.attrs.pop("maxlength", None)
    if field.max_length is None:
        return
    field.validators = [validator for validator in field.validators if type(validator) is not MaxLengthValidator]
    if not any(isinstance(validator, TextLengthValidator) for validator in field.validators):
        field.validators.append(TextLengthValidator(int(field.max_length)))
    if isinstance(widget, forms.Textarea) or (isinstance(widget, forms.TextInput) and needs_counter(field)):
        field.limit = field.max_length  # type: ignore[attr-defined]
        widget.attrs["data-limit"] = field.max_length


def needs_counter(field: forms.CharField) -> bool:
    return not field.widget.is_hidden and (field.max_length or 0) >= COUNTER_MIN_LENGTH
