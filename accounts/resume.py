"""A form that could not be accepted because the sign-in had ended: kept, signed, and offered once more."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

SALT = "kept form"
KEPT_SECONDS = 3600
MAX_KEPT = 200_000  # characters of one form
NOT_SHOWN = ("csrfmiddlewaretoken", "opened", "submission")


def keep(request: HttpRequest, person: int) -> str:
    """The posted texts as a signed value for the person's own eyes; empty when there is nothing to keep."""
    pairs = posted(request)
    if not pairs or sum(len(name) + len(value) for name, value in pairs) > MAX_KEPT:
        return ""
    values = {"person": person, "path": request.path, "pairs": pairs, "files": bool(request.FILES)}
    return signing.dumps(values, salt=SALT, compress=True)


def posted(request: HttpRequest) -> list[tuple[str, str]]:
    """What was typed; nothing at all of a form that carries passwords."""
    if any("password" in name for name in request.POST):
        return []
    lists = request.POST.lists()
    return [(name, str(value)) for name, values in lists if name != "csrfmiddlewaretoken" for value in values]


def resume(request: HttpRequest, kept: str) -> HttpResponse | None:
    """The page that sends the kept form again; None when it is old, forged or somebody else's."""
    try:
        values: dict[str, Any] = signing.loads(kept, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return None
    if values["person"] != request.user.pk:
        return None
    return offer(request, values["path"], values["pairs"], files=values["files"])


def offer(request: HttpRequest, path: str, pairs: Any, *, files: bool, status: int = 200) -> HttpResponse:
    shown = [value for name, value in pairs if name not in NOT_SHOWN and value.strip()]
    context = {"title": "继续提交", "path": path, "pairs": pairs, "shown": shown, "files": files}
    return render(request, "accounts/resume.html", context, status=status)
