"""What every signed-in answer carries."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from .sessions import keep_up

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
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user: Any = request.user
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not user.is_authenticated or name in UNHINDERED:
            return None
        if user.must_change_password:
            messages.error(request, "请先设置自己的密码，再开始使用。")
            return redirect("accounts:password")
        if user.must_have_second_factor and not user.has_second_factor:
            messages.error(request, "系统管理员必须使用两步验证，请先开启。")
            return redirect("accounts:second_factor_on")
        return None
