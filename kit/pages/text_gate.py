"""The gate for text from outside: invisible characters are removed, control characters refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from kit.domain.folding import clean_text, has_invisible
from kit.domain.text import CONTROL_CHARACTERS, CONTROL_CHARACTERS_REFUSED, refuse_control_characters
from kit.pages import public_pages


class GatedText(forms.Field):
    """Mix in before a field for typed input: removes invisible characters, refuses control characters."""

    default_validators = [refuse_control_characters]

    def to_python(self, value: Any) -> Any:
        return super().to_python(clean_text(value) if isinstance(value, str) else value)


TYPED_FIELDS = (forms.CharField, forms.IntegerField, forms.DateField, forms.TimeField, forms.DateTimeField)


def apply_text_gate(field: forms.Field) -> None:
    """Add the gate to a field for typed input, except passwords: they are compared character by character."""
    if (
        isinstance(field, GatedText)
        or not isinstance(field, TYPED_FIELDS)
        or isinstance(field.widget, forms.PasswordInput)
    ):
        return
    field_class: Any = type(field)
    field.__class__ = gated_field_class(field_class)  # type: ignore[assignment]


@cache
def gated_field_class(field_class: type[forms.Field]) -> type[forms.Field]:
    """Return the field class with the gate, under the same name."""
    return type(field_class.__name__, (GatedText, field_class), {})


class ManyRecordsField(forms.ModelMultipleChoiceField):
    """Refuse a key that is out of a database's range like any other invalid choice."""

    def _check_values(self, value: Iterable[Any]) -> models.QuerySet:
        if long_keys := [key for key in value if len(str(key)) > 18]:
            message = self.error_messages["invalid_choice"]
            raise ValidationError(message, code="invalid_choice", params={"value": str(long_keys[0])[:20]})
        return super()._check_values(value)  # type: ignore[misc]


class TextGateMiddleware:
    """Answer URLs with control characters or a broken encoding by an error page.

    Invisible characters are removed from the query string before a view reads it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = unquote_plus(request.META.get("QUERY_STRING", ""), errors="surrogateescape")
        if CONTROL_CHARACTERS.search(request.path_info) or CONTROL_CHARACTERS.search(query):
            if public_pages.is_public(request):  # the same answer as for any URL that does not exist
                return public_pages.refuse_public(404)
            return render(request, "400.html", {"reason": f"地址里{CONTROL_CHARACTERS_REFUSED}"}, status=400)
        if not query.isascii():
            clean_query(request)
        return self.get_response(request)


def clean_query(request: HttpRequest) -> None:
    """Replace request.GET and QUERY_STRING by the cleaned ones, where cleaning changes a value."""
    if any(has_invisible(value) for _, values in request.GET.lists() for value in values):
        parameters = request.GET.copy()
        for name, values in request.GET.lists():
            parameters.setlist(name, [clean_text(value) for value in values])
        request.META["QUERY_STRING"] = parameters.urlencode()
        request.GET = QueryDict(request.META["QUERY_STRING"])  # type: ignore[misc]
