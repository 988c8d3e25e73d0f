"""Headers of signed-in answers, what must be done first, and how long a sign-in lasts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.sessions.models import refresh_sign_in
from kit.audit.log import log_event
from kit.pages.form_token import FormAuthor, form_author, remember_browser

from .session_limits import USED_AT, expiry_reason
from .unsent_forms import chosen_file_names, offer_refused_form, render_sign_in, typed_pairs

USED_AT_STEP = 60  # seconds: a session is saved for being used no more often
# URL names that stay open while something has to be done first.
ALWAYS_OPEN = {"logout", "healthz", "readyz", "accounts:password", "accounts:theme", "accounts:second_factor_on"}


class NotingSessionMiddleware(SessionMiddleware):
    """Saves what a session only noted too, but makes no request wait for it: reading goes on while others write."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session: Any = getattr(request, "session", None)
        if session is not None and session.noted and not session.modified and not session.is_empty():
            session.save_notes()
        return super().process_response(request, response)


class NoStoreMiddleware:
    """Keep signed-in pages out of the caches of browsers and proxies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response


class SignInMiddleware:
    """Keep the list of sessions; lead to what must be done first: a password of one's own, the second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated:
            refresh_sign_in(request)
            remember_browser(request, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user: Any = request.user
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not user.is_authenticated or name in ALWAYS_OPEN:
            return None
        if user.must_change_password:
            return redirect_first(request, "accounts:password", "请先设置自己的密码，再开始使用。")
        if user.must_have_second_factor and not user.has_second_factor:
            return redirect_first(request, "accounts:second_factor_on", "系统管理员必须使用两步验证，请先开启。")
        return None


def redirect_first(request: HttpRequest, name: str, message: str) -> HttpResponse:
    """Lead to what must be done first; a form that was just sent waits on the page of the answer."""
    if form_author(request) and (page := offer_refused_form(request, first=reverse(name), first_words=message)):
        return page
    messages.error(request, message)
    return redirect(name)


class SessionLimitsMiddleware:
    """End a sign-in that was idle for too long, or that began too long ago.

    From here on request.user is the user itself: a page reads it a thousand times, each a detour through a lazy object.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        if request.user.is_authenticated:
            request.user = get_user(request)
            now = int(time.time())
            if reason := expiry_reason(request.session, now):
                self.end_sign_in(request, reason)
            elif is_user_action(request) and now - request.session.get(USED_AT, 0) >= USED_AT_STEP:
                request.session.note(USED_AT, now)
        return self.get_response(request)

    def end_sign_in(self, request: Any, reason: str) -> None:
        log_event(request.user, "登录超时", request.user, 原因=reason)
        request.expired_user_id = request.user.pk
        request.session.flush()
        request.user = AnonymousUser()


def is_user_action(request: Any) -> bool:
    """False for a page that polls by itself (a running job): that keeps nobody signed in."""
    return not (request.htmx and request.htmx.target == "job")


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Keep a form that was sent after the sign-in ended: signing in on the answer leads on to sending it again.

    So with a form that another user opened than the one signed in now: nothing is saved in a wrong name.
    """

    def process_view(self, request: Any, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        if request.user.is_authenticated and getattr(view_func, "login_required", True):
            origin = form_author(request)
            is_leaving = request.resolver_match.view_name == "logout"
            if origin and origin.person != request.user.pk and not is_leaving:
                return render_sign_in(request, origin)
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request: Any, view_func: Any) -> Any:
        expired_id = getattr(request, "expired_user_id", None)
        origin = form_author(request) or (FormAuthor(expired_id, "") if expired_id is not None else None)
        if origin is None or (expired_id is None and not (typed_pairs(request) or chosen_file_names(request))):
            return super().handle_no_permission(request, view_func)
        if request.method != "POST":
            query = urlencode({"next": request.get_full_path(), "expired": "1"})
            return HttpResponse(status=302, headers={"Location": f"{reverse('login')}?{query}"})
        return render_sign_in(request, origin)
