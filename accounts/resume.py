"""A form that could not be accepted because the sign-in had ended: kept, signed, and offered once more."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

SALT = "kept form"
KEPT_SECONDS = 3600
MAX_KEPT = 200_000  # characters of one form
# What the page itself wrote into hidden inputs, and secrets.
NOT_SHOWN = ("opened", "submission", "confirm_existing", "confirm_fixed", "confirmed", "key", "code")


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


def typed(request: HttpRequest) -> list[str]:
    """What a signed-in person wrote into a form that was refused: nothing but his own words, to be copied.

    An address that leads nowhere had no form of ours; ticks and the keys of chosen rows alone are no text.
    """
    if request.method != "POST" or request.resolver_match is None or not request.user.is_authenticated:
        return []
    words = [word for word in words_of(posted(request)) if word != "on"]
    is_text = any(not word.isdecimal() for word in words)
    return words if is_text and sum(map(len, words)) <= MAX_KEPT else []


def words_of(pairs: Any) -> list[str]:
    return [value for name, value in pairs if name not in NOT_SHOWN and value.strip()]


def offer(request: HttpRequest, path: str, pairs: Any, *, files: bool, status: int = 200) -> HttpResponse:
    shown = words_of(pairs)
    context = {"title": "继续提交", "path": path, "pairs": pairs, "shown": shown, "files": files}
    return render(request, "accounts/resume.html", context, status=status)
