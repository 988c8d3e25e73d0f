"""Error pages in Chinese, each with a way on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.resume import offer, posted, typed
from crm.verdict import Kind, Refused


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", {"reason": "请求的内容不完整或太大，请返回后重试。"}, status=400)


def refusal(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    """The page of a refused act. What the person had typed stands below the reason, so that nothing is lost."""
    return render(request, f"{status}.html", {**context, "typed": typed(request)}, status=status)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, 403, reason=str(exception) or "您的角色没有这项权限。")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Says so without touching database or session: they may be what failed."""
    return render(None, "500.html", status=500)  # type: ignore[arg-type]


class RefusalMiddleware:
    """A refused act becomes a page with the reason: 403 for missing rights, 409 for the record's state."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        status = 409 if exception.verdict.kind is Kind.STATE else 403
        reason = exception.verdict.reason.removesuffix("。") + "。"
        return refusal(request, status, reason=reason, record_url=record_above(request.path))


def record_above(path: str) -> str:
    """The record's own page behind the address of one of its actions, else empty."""
    match = re.match(r"(/[a-z]+/[a-z]*/?\d+/).+", path)
    return match[1].replace("/development/", "/opportunities/") if match else ""


class MethodMiddleware:
    """Somebody who types the address of a button gets a page instead of an empty answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and not response.content:
            page = render(request, "405.html", status=405)
            page["Allow"] = response["Allow"]
            return page
        return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form opened before signing in anew carries a token of before: sent from our own page, it is offered again."""
    ours = request.headers.get("Sec-Fetch-Site") == "same-origin"  # set by the browser, no page can forge it
    if ours and request.user.is_authenticated and (pairs := posted(request)):
        return offer(request, request.path, pairs, files=bool(request.FILES), status=403)
    text = "页面停留太久或浏览器没有保存登录信息，这次提交没有生效。请返回、刷新页面后再试一次。"
    return render(request, "403.html", {"reason": text}, status=403)
