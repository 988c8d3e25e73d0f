"""Pages for people outside the company: their URLs, error pages, and keys kept out of the log."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

LOGO_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml"}
MAX_LOGO_BYTES = 200_000  # bytes; it is part of every page

REFUSALS = {  # HTTP status: (heading, text)
    400: ("这个请求无法处理", "请返回上一页再试一次；仍然不行时，请与您的客户经理联系。"),
    403: ("这次没有提交成功", "请返回上一页、刷新后再试一次；仍然不行时，请与您的客户经理联系。"),
    404: ("链接无效", "请核对链接是否完整，或向您的客户经理要一个新的链接。"),
    405: ("这个地址不能这样打开", "请重新打开您收到的链接。"),
    409: ("现在不能提交", "请稍后再试；仍然不行时，请与您的客户经理联系。"),
    410: ("这个链接已失效", "需要时，请向您的客户经理要一个新的链接。"),
    413: ("提交的内容太长", "请删短一些再提交。"),
    429: ("访问太频繁", "请过一分钟再试。"),
    500: ("暂时打不开", "这一次没有成功，请过几分钟再试；仍然不行时，请与您的客户经理联系。"),
    503: ("系统正忙", "这一次没有成功，请过几分钟再试。"),
    507: ("暂时不能提交", "这一次没有成功，请过一小时再试；仍然不行时，请与您的客户经理联系。"),
}


def public_url(path: str, request: HttpRequest | None = None) -> str:
    """Return the absolute URL of a page, by CRM_BASE_URL: the host of the current request may be an internal one."""
    if settings.CRM_BASE_URL or request is None:
        return f"{settings.CRM_BASE_URL}{path}"
    return request.build_absolute_uri(path)


def is_public(request: HttpRequest) -> bool:
    return request.path_info.startswith(settings.PUBLIC_PATHS)


def render_public(template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a page for outsiders without database and session: the same for every visitor.

    Its URL may hold a key, so it is neither cached nor indexed.
    """
    company = {"company": settings.CRM_COMPANY_NAME, "logo": logo_data_url(settings.CRM_COMPANY_LOGO)}
    response = HttpResponse(render_to_string(template, {**company, **context}), status=status)
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex"
    return response


def refuse_public(status: int, heading: str = "", words: str = "", **context: Any) -> HttpResponse:
    """Return the error page of a status. context: typed, input to copy; staff, whether to link the sign-in."""
    page_text = REFUSALS[status]
    page_context = {"title": heading or page_text[0], "words": words or page_text[1], **context}
    return render_public("outside/refused.html", page_context, status=status)


@cache
def logo_data_url(path: str) -> str:
    """Return the logo file as a data URL, so that no further URL is open to visitors; empty without a logo."""
    if not path:
        return ""
    return f"data:{LOGO_TYPES[Path(path).suffix.lower()]};base64,{b64encode(Path(path).read_bytes()).decode()}"


def logo_problem(path: str) -> str:
    """Return why the file cannot be the logo, empty if it can."""
    file = Path(path)
    if file.suffix.lower() not in LOGO_TYPES:
        return "CRM_COMPANY_LOGO 应为 PNG、JPEG 或 SVG 图片。"
    if not file.is_file():
        return f"CRM_COMPANY_LOGO 指的文件不存在：{path}"
    return (
        f"CRM_COMPANY_LOGO 的图片超过 {MAX_LOGO_BYTES // 1000} kB，请缩小。"
        if file.stat().st_size > MAX_LOGO_BYTES
        else ""
    )


class HideKeys(logging.Filter):
    """Remove the keys in URLs below these paths from messages and tracebacks of the log."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__()
        self.pattern = re.compile(rf"/({'|'.join(paths)})/[^\s\"'<>]+")

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (redacted := self.hide(message)) != message:
            record.msg, record.args = redacted, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = self.hide(logging.Formatter().formatException(record.exc_info))
        return True

    def hide(self, text: str) -> str:
        return self.pattern.sub(r"/\1/…", text)
