"""Query parameters a page does not know: it says so, and exports nothing for them.

A wrong value of a filter is an error of its field; here are the others: tab, order, page and unknown names. On the
page of one record a part (?tab=) that does not exist is 404, like a record that does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

T = TypeVar("T")
LIST_PARAMETERS = frozenset({"sort", "page", "page_size", "export", "reason"})
# Parameters that other programs append to a shared link: mail and search, WeChat, Alibaba.
TRACKING_PARAMETERS = re.compile(r"utm_\w+|\w*clid|spm|scm|from|scene|srcid|isappinstalled|nsukey|timestamp|_\w*")
CHECKBOX_VALUES = ("on", "true", "1", "false")
UNREADABLE_MESSAGE = "看不懂这个值，请重新选择。"
MAX_ECHO_LENGTH = 30  # characters of a wrong value that the page repeats


def shorten(value: str) -> str:
    """Return a wrong value as the page repeats it."""
    return value if len(value) <= MAX_ECHO_LENGTH else f"{value[:MAX_ECHO_LENGTH]}…"


def describe_unknown_names(query: Mapping[str, str], known_names: Iterable[str]) -> list[str]:
    """Return a sentence for each parameter with a value whose name the page does not know."""
    names = [name for name, value in query.items() if value.strip() and name not in {*known_names, *LIST_PARAMETERS}]
    return [
        f"这里没有「{shorten(name)}」这个条件，没有按它筛选。"
        for name in names
        if not TRACKING_PARAMETERS.fullmatch(name)
    ]


def describe_repeated_names(query: QueryDict, known_names: Iterable[str]) -> list[str]:
    """Return a sentence for each parameter that has several different values."""
    return [
        f"地址里有几个不同的「{name}」，只按最后一个「{shorten(query.getlist(name)[-1])}」显示。"
        for name in {*known_names, *LIST_PARAMETERS}
        if len(set(query.getlist(name))) > 1
    ]


def get_part_or_404(query: Mapping[str, str], name: str, parts: Iterable[T], default: T | None = None) -> T | None:
    """Return the part of a page the parameter names, the default without one; raise Http404 for an unknown one."""
    value = query.get(name, "")
    if not value:
        return default
    for part in parts:
        if str(part) == value:
            return part
    raise Http404


def refuse_ignored_values(form: forms.Form) -> None:
    """Add an error to each field whose value was ignored, such as 'abc' for yes or no. Call it in clean()."""
    for name, field in form.fields.items():
        value = str(form.data.get(name) or "").strip()
        if not value or name not in form.cleaned_data:
            continue
        is_checkbox = isinstance(field.widget, forms.CheckboxInput)
        if (is_checkbox and value.lower() not in CHECKBOX_VALUES) or form.cleaned_data[name] in (None, ""):
            form.add_error(name, ValidationError(UNREADABLE_MESSAGE, code="invalid"))


def list_objections(form: forms.BaseForm) -> list[str]:
    """Return a sentence for each error of the filters of a list or report."""
    labels = {name: str(field.label or name) for name, field in form.fields.items()}
    return [f"「{labels.get(name, name)}」：{text}" for name, texts in form.errors.items() for text in texts]


def refuse_export(request: HttpRequest, sentences: list[str]) -> HttpResponse:
    """Return the error page shown instead of a file that would hold other rows than requested."""
    reason = "没有导出：" + "".join(sentences) + "请回到列表改正条件后再导出。"
    return render(request, "400.html", {"reason": reason}, status=400)
