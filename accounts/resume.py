"""A form that could not be accepted, whatever ended the sign-in: kept, signed, and offered once more to its writer."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import reswap, retarget

from kit.pages.form_token import NAME, Written, written_by

SALT = "kept form"
KEPT_SECONDS = 86400
MAX_KEPT = 200_000  # characters of one form
NOT_TYPED = ("csrfmiddlewaretoken", NAME)
# What the page itself wrote into hidden inputs, and secrets.
NOT_SHOWN = (
    "opened",
    "submission",
    "confirm_existing",
    "confirm_fixed",
    "confirmed",
    "key",
    "code",
    "export",
    "conditions",
)


def keep(request: HttpRequest, written: Written) -> str:
    """The posted texts as a signed value for the person's own eyes; empty when there is nothing to keep.

    It travels in the page: nothing of somebody who has not signed in is stored here.
    """
    pairs, files = posted(request), chosen(request)
    if not (pairs or files) or is_long(pairs):
        return ""
    values = {"person": written.person, "path": request.path, "page": written.page, "pairs": pairs, "files": files}
    return signing.dumps(values, salt=SALT, compress=True)


def posted(request: HttpRequest) -> list[tuple[str, str]]:
    """What was typed; nothing at all of a form that carries passwords."""
    if any("password" in name for name in request.POST):
        return []
    lists = request.POST.lists()
    return [(name, str(value)) for name, values in lists if name not in NOT_TYPED for value in values]


def chosen(request: HttpRequest) -> list[str]:
    """The names of the files that were chosen: they are not kept, but one is told which to choose again."""
    return [str(file.name)[:200] for _, files in request.FILES.lists() for file in files]


def is_long(pairs: list[tuple[str, str]]) -> bool:
    return sum(len(name) + len(value) for name, value in pairs) > MAX_KEPT


def resume(request: HttpRequest, kept: str) -> HttpResponse | None:
    """The page that sends the kept form again; None when it is old, forged or somebody else's."""
    try:
        values: dict[str, Any] = signing.loads(kept, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return None
    if values["person"] != request.user.pk:
        return None
    return offer(request, values)


def ask_to_sign_in(request: Any, written: Written) -> HttpResponse:
    """The sign-in page with the form inside. Whoever sits there now reads no word of it before they signed in."""
    from .views import SignInForm  # views import the models' forms, which need the app registry

    signed_in = request.user.is_authenticated
    context = {"form": SignInForm(request), "next": request.path, "kept": keep(request, written), "expired": True}
    context |= {"too_long": is_long(posted(request)), "other": signed_in}
    if request.htmx:
        return reswap(retarget(render(request, "accounts/login.html", context), "body"), "innerHTML")
    return render(request, "accounts/login.html", context, status=401)


def offer_again(request: HttpRequest, **more: Any) -> HttpResponse | None:
    """A form of the person who is signed in, refused for its session's sake, to be sent once more; None when empty."""
    pairs, files, written = posted(request), chosen(request), written_by(request)
    if not (pairs or files):
        return None
    values = {"path": request.path, "page": written.page if written else "", "pairs": pairs, "files": files}
    return offer(request, {**values, **more}, status=403)


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


def offer(request: Any, values: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """values: as keep() has them; and first, an address to be visited before, with first_words."""
    page = values["page"] or values["path"]
    context = {"title": "继续提交", **values, "page": page, "shown": words_of(values["pairs"])}
    if request.htmx:
        return reswap(retarget(render(request, "accounts/resume.html", context), "body"), "innerHTML")
    return render(request, "accounts/resume.html", context, status=status)
