"""The gate for text from outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from crm import outside

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MESSAGE = "含有看不见的控制字符，请删除后重试。"


def refuse_control_characters(text: object) -> None:
    """The one gate: a validator for form fields, files and addresses alike."""
    if UNPRINTABLE.search(str(text)):
        raise ValidationError(MESSAGE, code="control_characters")


class ManyRows(forms.ModelMultipleChoiceField):
    """Several rows; a key longer than any a database keeps is no choice, like every other unknown one."""

    def _check_values(self, value: Any) -> Any:
        if too_long := [key for key in value if len(str(key)) > 18]:
            messages = self.error_messages["invalid_choice"]
            raise ValidationError(messages, code="invalid_choice", params={"value": str(too_long[0])[:20]})
        return super()._check_values(value)  # type: ignore[misc]


class TextGateMiddleware:
    """Addresses and query strings with control characters or broken encoding get a page that says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = unquote_plus(request.META.get("QUERY_STRING", ""), errors="surrogateescape")
        if UNPRINTABLE.search(request.path_info) or UNPRINTABLE.search(query):
            if outside.is_outward(request):  # one answer to whatever is no link of ours
                return outside.refuse(404)
            return render(request, "400.html", {"reason": f"地址里{MESSAGE}"}, status=400)
        return self.get_response(request)
