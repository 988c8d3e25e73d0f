"""Forms that could not be accepted because the sign-in ended: signed, and offered once more to their writer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import reswap, retarget

from kit.pages.form_token import FIELD_NAME, FormAuthor, form_author

SALT = "kept form"
MAX_AGE_SECONDS = 86400
MAX_CHARACTERS = 200_000  # of one form
MACHINE_FIELDS = ("csrfmiddlewaretoken", FIELD_NAME)
# Hidden inputs that the page itself filled, and secrets.
HIDDEN_FIELDS = (
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


def sign_form(request: HttpRequest, origin: FormAuthor) -> str:
    """Return the posted texts as a signed value for their writer; empty when there is nothing to keep.

    It travels in the page: nothing of visitors who have not signed in is stored here.
    """
    pairs, files = typed_pairs(request), chosen_file_names(request)
    if not (pairs or files) or is_too_long(pairs):
        return ""
    values = {"person": origin.person, "path": request.path, "page": origin.page, "pairs": pairs, "files": files}
    return signing.dumps(values, salt=SALT, compress=True)


def typed_pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the typed (name, value) pairs; none at all of a form with passwords."""
    if any("password" in name for name in request.POST):
        return []
    lists = request.POST.lists()
    return [(name, str(value)) for name, values in lists if name not in MACHINE_FIELDS for value in values]


def chosen_file_names(request: HttpRequest) -> list[str]:
    """Return the names of the chosen files: they are not kept, but the user is told which to choose again."""
    return [str(file.name)[:200] for _, files in request.FILES.lists() for file in files]


def is_too_long(pairs: list[tuple[str, str]]) -> bool:
    return sum(len(name) + len(value) for name, value in pairs) > MAX_CHARACTERS


def resume_form(request: HttpRequest, signed_form: str) -> HttpResponse | None:
    """Return the page that sends the form again; None when it is old, forged or another user's."""
    try:
        values: dict[str, Any] = signing.loads(signed_form, salt=SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        return None
    if values["person"] != request.user.pk:
        return None
    return render_offer(request, values)


def render_sign_in(request: Any, origin: FormAuthor) -> HttpResponse:
    """Return the sign-in page with the form inside, which shows no word of it before its writer has signed in."""
    from .forms import SignInForm  # views import the models' forms, which need the app registry

    signed_in = request.user.is_authenticated
    context = {"form": SignInForm(request), "next": request.path, "kept": sign_form(request, origin), "expired": True}
    context |= {"too_long": is_too_long(typed_pairs(request)), "other": signed_in}
    if request.htmx:
        return reswap(retarget(render(request, "accounts/login.html", context), "body"), "innerHTML")
    return render(request, "accounts/login.html", context, status=401)


def offer_refused_form(request: HttpRequest, **more: Any) -> HttpResponse | None:
    """Return the page that offers a refused form of the signed-in user once more; None when it is empty."""
    pairs, files, origin = typed_pairs(request), chosen_file_names(request), form_author(request)
    if not (pairs or files):
        return None
    values = {"path": request.path, "page": origin.page if origin else "", "pairs": pairs, "files": files}
    return render_offer(request, {**values, **more}, status=403)


def typed_texts(request: HttpRequest) -> list[str]:
    """Return what a signed-in user typed into a refused form: nothing but their own words, to be copied.

    A URL that leads nowhere had no form of ours; ticks and the keys of chosen rows alone are no text.
    """
    if request.method != "POST" or request.resolver_match is None or not request.user.is_authenticated:
        return []
    texts = [text for text in visible_texts(typed_pairs(request)) if text != "on"]
    has_words = any(not text.isdecimal() for text in texts)
    return texts if has_words and sum(map(len, texts)) <= MAX_CHARACTERS else []


def visible_texts(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the values that the user typed. Where a page has a form for each row, names end in "-" and its key."""
    return [value for name, value in pairs if name.partition("-")[0] not in HIDDEN_FIELDS and value.strip()]


def render_offer(request: Any, values: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render the page that sends a form again. values: of sign_form(), and a URL to visit first, with first_words."""
    page = values["page"] or values["path"]
    context = {"title": "继续提交", **values, "page": page, "shown": visible_texts(values["pairs"])}
    if request.htmx:
        return reswap(retarget(render(request, "accounts/resume.html", context), "body"), "innerHTML")
    return render(request, "accounts/resume.html", context, status=status)
