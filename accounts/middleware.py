"""What every signed-in answer carries, and how long a sign-in lasts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from kit.audit.log import log_event
from kit.pages.form_token import Written, remember_here, written_by

from .resume import ask_to_sign_in, chosen, offer_again, posted
from .sessions import keep_up

ENTERED, SEEN = "entered", "seen"  # seconds since 1970: signing in, the last request of a person
SEEN_STEP = 60  # so often at most a session is written for being used
# What stays open while something has to be done first.
UNHINDERED = {"logout", "healthz", "readyz", "accounts:password", "accounts:theme", "accounts:second_factor_on"}


class NoStoreMiddleware:
    """Signed-in pages are never kept by browsers or proxies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response


class SignInMiddleware:
    """Keeps the list of sessions; leads to what must be done first: a password of one's own, the second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated:
            keep_up(request)
            remember_here(request, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user: Any = request.user
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not user.is_authenticated or name in UNHINDERED:
            return None
        if user.must_change_password:
            return lead_to(request, "accounts:password", "请先设置自己的密码，再开始使用。")
        if user.must_have_second_factor and not user.has_second_factor:
            return lead_to(request, "accounts:second_factor_on", "系统管理员必须使用两步验证，请先开启。")
        return None


def lead_to(request: HttpRequest, name: str, words: str) -> HttpResponse:
    """What has to be done first; a form that was just sent waits meanwhile on the page of the answer."""
    if written_by(request) and (page := offer_again(request, first=reverse(name), first_words=words)):
        return page
    messages.error(request, words)
    return redirect(name)


class SessionLimitsMiddleware:
    """Ends a sign-in that was left alone for too long, or that began too long ago.

    From here on the user is the person himself: a page names him a thousand times, each a detour through a lazy object.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.user = get_user(request)
            now = int(time.time())
            if reason := over(request.session, now):
                self.end(request, reason)
            elif is_a_person(request) and now - request.session.get(SEEN, 0) >= SEEN_STEP:
                request.session[SEEN] = now
        return self.get_response(request)

    def end(self, request: Any, reason: str) -> None:
        log_event(request.user, "登录超时", request.user, 原因=reason)
        request.expired_user_id = request.user.pk
        request.session.flush()
        request.user = AnonymousUser()


def begin(session: Any) -> None:
    """Both clocks of a sign-in start."""
    session[ENTERED] = session[SEEN] = int(time.time())


def over(session: Any, now: int) -> str:
    """Why the sign-in is over, in words; empty while it lasts. A session without clocks starts them."""
    if ENTERED not in session:
        begin(session)
    idle, hours = settings.CRM_SESSION_IDLE_MINUTES, settings.CRM_SESSION_HOURS
    if now - session[ENTERED] >= hours * 3600:
        return f"登录已满 {hours} 小时"
    if idle and now - session.get(SEEN, 0) >= idle * 60:
        return f"{idle} 分钟没有操作"
    return ""


def is_a_person(request: Any) -> bool:
    """A page that asks again by itself (a running job) keeps nobody signed in."""
    return not (request.htmx and request.htmx.target == "job")


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """A form that was sent after the sign-in ended is kept: signing in on the answer leads on to sending it again.

    So is one that somebody else opened before the person who is signed in now: nothing is saved in a wrong name.
    """

    def process_view(self, request: Any, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        if request.user.is_authenticated and getattr(view_func, "login_required", True):
            written = written_by(request)
            is_leaving = request.resolver_match.view_name == "logout"
            if written and written.person != request.user.pk and not is_leaving:
                return ask_to_sign_in(request, written)
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request: Any, view_func: Any) -> Any:
        person = getattr(request, "expired_user_id", None)
        written = written_by(request) or (Written(person, "") if person is not None else None)
        if written is None or (person is None and not (posted(request) or chosen(request))):
            return super().handle_no_permission(request, view_func)
        if request.method != "POST":
            query = urlencode({"next": request.get_full_path(), "expired": "1"})
            return HttpResponse(status=302, headers={"Location": f"{reverse('login')}?{query}"})
        return ask_to_sign_in(request, written)
