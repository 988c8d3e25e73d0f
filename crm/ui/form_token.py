"""What every form of a signed-in page carries, signed: who had it before them, and on which page.

A session ends, a form stays open: whatever ended the one, the other still says whose words it brings (decision 42).
It gives no right: it is asked only when a form is not accepted, and so that nothing is saved in somebody else's name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core import signing
from django.http import HttpRequest
from django.urls import Resolver404, resolve

NAME = "form_token"  # of the hidden input
SALT = "form token"
GOOD_FOR = 86400  # seconds


class Written(NamedTuple):
    person: int
    page: str  # its path, ours in any case: signed by us


def form_token(request: Any) -> str:
    """Made once for all forms of an answer; empty for visitors."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    made: tuple[int, str] | None = getattr(request, "made_form_token", None)
    if made is None or made[0] != user.pk:  # somebody signed in during this request
        made = user.pk, signing.dumps([user.pk, page_of(request)], salt=SALT)
        request.made_form_token = made
    return made[1]


def page_of(request: Any) -> str:
    """The path of the page that one sees: a form put into a page by htmx belongs to that."""
    htmx = getattr(request, "htmx", None)
    around = (htmx.current_url_abs_path or "").partition("?")[0] if htmx else ""
    return around if around and is_ours(around) else request.path


def is_ours(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def written_by(request: HttpRequest) -> Written | None:
    """Who had the posted form before them; None without a token, with a forged and with an old one."""
    sent = request.POST.get(NAME, "") if request.method == "POST" else ""
    try:
        return Written(*signing.loads(sent, salt=SALT, max_age=GOOD_FOR)) if sent else None
    except signing.BadSignature:
        return None
