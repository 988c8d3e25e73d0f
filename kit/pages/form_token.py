"""What every form of a signed-in page carries, signed: who had it before them, and on which page.

A session ends, a form stays open: whatever ended the one, the other still says whose words it brings (decision 42).
It gives no right: it is asked only when a form is not accepted, and so that nothing is saved in somebody else's name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

NAME = "form_token"  # of the hidden input
SALT = "form token"
GOOD_FOR = 86400  # seconds
COOKIE, COOKIE_REFRESH = "was_here", 3600  # so often at most the cookie is written for being used


class Written(NamedTuple):
    person: int
    page: str  # its path, ours in any case: signed by us


def form_token(request: Any) -> str:
    """Made once for all forms of an answer; empty for visitors."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    key_and_token: tuple[int, str] | None = getattr(request, "made_form_token", None)
    if key_and_token is None or key_and_token[0] != user.pk:  # somebody signed in during this request
        key_and_token = user.pk, signing.dumps([user.pk, page_path(request)], salt=SALT)
        request.made_form_token = key_and_token
    return key_and_token[1]


def page_path(request: Any) -> str:
    """The path of the page that one sees: a form put into a page by htmx belongs to that."""
    htmx = getattr(request, "htmx", None)
    current_path = (htmx.current_url_abs_path or "").partition("?")[0] if htmx else ""
    return current_path if current_path and is_own_path(current_path) else request.path


def is_own_path(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def written_by(request: HttpRequest) -> Written | None:
    """Who had the posted form before them; None without a token, with a forged and with an old one."""
    token = request.POST.get(NAME, "") if request.method == "POST" else ""
    try:
        return Written(*signing.loads(token, salt=SALT, max_age=GOOD_FOR)) if token else None
    except signing.BadSignature:
        return None


def remember_here(request: HttpRequest, response: HttpResponse) -> None:
    """This browser may send a form with files for as long as its token is good, also when no session is left."""
    if was_here(request, COOKIE_REFRESH):
        return
    response.set_signed_cookie(
        cookie_name(), "1", salt=COOKIE, max_age=GOOD_FOR + COOKIE_REFRESH, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def was_here(request: HttpRequest, seconds: int = GOOD_FOR + COOKIE_REFRESH) -> bool:
    """Whether somebody was signed in with this browser so lately: says not who, and gives no right."""
    return request.get_signed_cookie(cookie_name(), default=None, salt=COOKIE, max_age=seconds) is not None


def cookie_name() -> str:
    return f"__Host-{COOKIE}" if settings.SESSION_COOKIE_SECURE else COOKIE
