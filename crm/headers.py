"""What every answer carries, and how large a request may be."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render

from kit.pages import public_pages
from kit.pages.form_token import is_remembered_browser

WITHOUT_SESSION = 2 * 1024 * 1024  # bytes: a visitor sends the sign-in form, with a form inside that came too late


class SecurityHeadersMiddleware:
    """Headers Django has no setting for. The opener and content policies come from the middleware before it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if public_pages.is_public(request):  # the URL is a key: no other site learns it, nor our static files
            response.headers["Referrer-Policy"] = "strict-origin"
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class CompressedPagesMiddleware(GZipMiddleware):
    """Compress pages, and nothing else: static files are stored compressed, workbooks and pictures are already.

    Against BREACH the length is padded at random by Django, and the CSRF token of a page is another each time.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response


# U+202A–E, U+2066–9, U+061C, U+200E, U+200F as UTF-8: they turn round what stands beside them.
TURNING = re.compile(b"\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c")


class PlainDirectionMiddleware:
    """Take signs that turn text round out of pages: 「txt.exe」 must not read as 「exe.txt」, wherever it came from."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.streaming and response.headers.get("Content-Type", "").startswith("text/html"):
            content = TURNING.sub(b"", response.content)
            if len(content) != len(response.content):
                response.content = content
                response.headers["Content-Length"] = str(len(content))
        return response


class RequestSizeMiddleware:
    """Refuse a body that is larger than any form of the product before a byte of it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        size = int(length) if length.isascii() and length.isdecimal() and len(length) <= 15 else None
        large = size is None or size > WITHOUT_SESSION
        is_user = large and (is_remembered_browser(request) or is_signed_in(request))
        limit = settings.CRM_REQUEST_MAX_BYTES if is_user else WITHOUT_SESSION
        if size is None or size > limit:
            if public_pages.is_public(request):
                return public_pages.refuse_public(413)
            reason = f"提交的内容超过 {limit // 1024 // 1024} MB，没有接收。请减少附件或分几次上传。"
            return render(request, "400.html", {"reason": reason}, status=413)
        return self.get_response(request)


def is_signed_in(request: HttpRequest) -> bool:
    """Return whether the cookie is of a signed-in user; looked up only for sizes that a visitor may not send."""
    return SESSION_KEY in SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME)).load()
