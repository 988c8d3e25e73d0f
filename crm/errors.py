"""Error pages in Chinese, each with a way on."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.signin.unsent_forms import (
    MACHINE_FIELDS,
    chosen_file_names,
    is_too_long,
    offer_refused_form,
    render_sign_in,
    typed_pairs,
    typed_texts,
    visible_texts,
)
from crm.outages import Outage, outage_behind
from kit.domain.modules import modules
from kit.domain.urls import page_url, record_url
from kit.domain.verdict import Kind, Refused
from kit.pages import public_pages
from kit.pages.form_token import form_author
from services.ratings.pages import rate_without_cookie, typed_comment

TROUBLES = {
    Outage.BUSY: (
        "系统正忙",
        "数据库暂时没有应答，或者有人正在保存同一条记录。请过几秒再试；一直这样时请告诉系统管理员。",
    ),
    Outage.FULL: (
        "磁盘已满",
        "现在可以查看，不能保存：服务器的磁盘空间用完了。请告诉系统管理员，腾出空间后就能继续。",
    ),
}
RETRY_SECONDS = {Outage.BUSY: "5", Outage.FULL: "60"}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if public_pages.is_public(request):
        return public_pages.refuse_public(400)
    return render(request, "400.html", {"reason": "请求的内容不完整或太大，请返回后重试。"}, status=400)


def refusal(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    """Return the page of a refused action, with what the user had typed below the reason, so that nothing is lost."""
    if public_pages.is_public(request):
        return public_pages.refuse_public(status)
    return render(request, f"{status}.html", {**context, "typed": typed_texts(request)}, status=status)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, 403, reason=str(exception) or "您的角色没有这项权限。")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page of a missing URL. A visitor may be a customer with a broken link, and learns nothing else."""
    if not public_pages.is_public(request) and not request.user.is_authenticated:
        return public_pages.refuse_public(404, "没有这个页面", "请检查地址是否完整。", staff=True)
    return refusal(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without touching database or session: they may be what failed, and are said to be where they are."""
    trouble = outage_behind(sys.exc_info()[1])
    if public_pages.is_public(request):
        return public_pages.refuse_public(trouble.value if trouble else 500, typed=comment(request))
    if trouble is None:
        return render(None, "500.html", status=500)  # type: ignore[arg-type]
    return in_trouble(request, trouble)


def in_trouble(request: HttpRequest | None, trouble: Outage) -> HttpResponse:
    """Return the page of a database or disk that fails, with what was typed, to be sent again by one click."""
    heading, reason = TROUBLES[trouble]
    context: dict[str, Any] = {"code": trouble.value, "heading": heading, "title": heading, "reason": reason}
    if request is not None:
        context |= {"path": request.path} | typed_form(request)
    page = render(None, "trouble.html", context, status=trouble.value)  # type: ignore[arg-type]
    page["Retry-After"], page["Cache-Control"] = RETRY_SECONDS[trouble], "no-store"
    return page


def typed_form(request: HttpRequest) -> dict[str, Any]:
    """Return pairs, shown and files of the posted form for its sender, without passwords."""
    pairs = typed_pairs(request) if request.method == "POST" else []
    if not pairs or is_too_long(pairs):
        return {}
    tokens = [(name, request.POST[name]) for name in MACHINE_FIELDS if name in request.POST]
    return {"pairs": tokens + pairs, "shown": visible_texts(pairs), "files": chosen_file_names(request)}


def comment(request: HttpRequest) -> str:
    """Return what a customer wrote into a form that failed; reading it may be what failed."""
    try:
        return typed_comment(request)
    except Exception:
        return ""


class RefusalMiddleware:
    """Answer Refused by a page with the reason: 403 for missing permissions, 409 for the record's state."""

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
    """Return the URL of the record behind the URL of one of its actions, else empty."""
    match = re.match(r"(/[a-z]+/[a-z]*/?)(\d+)/.+", path)
    if match is None:
        return ""
    folder, key = match[1], int(match[2])
    pages = {page_url(above): page for module in modules() for above, page in module.record_pages.items()}
    return record_url(pages[folder], key) if folder in pages else f"{folder}{key}/"


class MethodMiddleware:
    """Answer 405 by a page: somebody typed the URL of a button."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        outward = public_pages.is_public(request)
        if response.status_code == 405 and (outward or request.method == "GET") and not response.content:
            page = public_pages.refuse_public(405) if outward else render(request, "405.html", status=405)
            page["Allow"] = response["Allow"]
            return page
        return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Offer a form again that was opened before signing in anew, to whoever had opened it: its token is of before.

    Without the form's own token the browser's word does that it came from our own page; no page can forge it.
    """
    if public_pages.is_public(request):
        return rate_without_cookie(request, **request.resolver_match.kwargs)  # type: ignore[union-attr]
    written = form_author(request)
    if written and written.person != request.user.pk:
        return render_sign_in(request, written)
    ours = written is not None or request.headers.get("Sec-Fetch-Site") == "same-origin"
    if ours and request.user.is_authenticated and (page := offer_refused_form(request)):
        return page
    text = "页面停留太久或浏览器没有保存登录信息，这次提交没有生效。请返回、刷新页面后再试一次。"
    return render(request, "403.html", {"reason": text}, status=403)
