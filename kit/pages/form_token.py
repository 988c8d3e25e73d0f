"""A signed token in every form of a signed-in page: which user opened the form, and on which page.

A form outlives the session it was opened in, and still says whose input it holds (decision 42). The token grants
no permission: it is read when a form is refused, and to save nothing under another user's name.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

FIELD_NAME = "form_token"  # name of the hidden input
SALT = "form token"
GOOD_FOR = 86400  # seconds
COOKIE, COOKIE_REFRESH = "was_here", 3600  # seconds between two writings of the cookie, at least


class FormAuthor(NamedTuple):
    """The user who opened a form, by key, and the path of the page it was on."""

    person: int
    page: str  # trusted: it was signed with the token


def form_token(request: HttpRequest | None) -> str:
    """Return the token for the forms of a response, signed once per request; empty without a signed-in user."""
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return ""
    key_and_token: tuple[int, str] | None = getattr(request, "made_form_token", None)
    if key_and_token is None or key_and_token[0] != user.pk:  # the user changes where one signs in
        key_and_token = user.pk, signing.dumps([user.pk, page_path(request)], salt=SALT)
        request.made_form_token = key_and_token  # type: ignore[attr-defined]
    return key_and_token[1]


def page_path(request: HttpRequest) -> str:
    """Return the path of the page in the browser: of the surrounding one for a form that htmx inserts."""
    htmx = getattr(request, "htmx", None)
    current_path = (htmx.current_url_abs_path or "").partition("?")[0] if htmx else ""
    return current_path if current_path and is_own_path(current_path) else request.path


def is_own_path(path: str) -> bool:
    """Return whether a view answers the path."""
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def form_author(request: HttpRequest) -> FormAuthor | None:
    """Return who opened the posted form; None if its token is missing, forged or expired."""
    token = request.POST.get(FIELD_NAME, "") if request.method == "POST" else ""
    try:
        return FormAuthor(*signing.loads(token, salt=SALT, max_age=GOOD_FOR)) if token else None
    except signing.BadSignature:
        return None


def remember_browser(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie that lets this browser upload files without a session, as long as form tokens are valid."""
    if is_remembered_browser(request, COOKIE_REFRESH):
        return
    response.set_signed_cookie(
        cookie_name(), "1", salt=COOKIE, max_age=GOOD_FOR + COOKIE_REFRESH, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def is_remembered_browser(request: HttpRequest, seconds: int = GOOD_FOR + COOKIE_REFRESH) -> bool:
    """Return whether a user was signed in with this browser within the seconds; it grants no permission."""
    return request.get_signed_cookie(cookie_name(), default=None, salt=COOKIE, max_age=seconds) is not None


def cookie_name() -> str:
    return f"__Host-{COOKIE}" if settings.SESSION_COOKIE_SECURE else COOKIE
