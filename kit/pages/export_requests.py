"""Requests that export a file or write the audit log: a page of ours asks first, a POST from it does it.

Opening a URL alone has no effect: another site can link to it, a browser can prefetch it (decision 48).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from kit.domain.text import refuse_control_characters

from .text_gate import clean_query

PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Moz")
CROSS_SITES = ("cross-site", "same-site")  # another host of the same domain is foreign too
CROSS_SITE_REFUSED = "这一步是从别的网站打开的，没有执行。请在系统里打开页面，再从页面上操作。"
CONDITIONS = "conditions"  # name of the hidden input with the list's query string, kept when a form is sent again


def is_prefetch(request: HttpRequest) -> bool:
    """Return whether the request is a HEAD or a browser's prefetch, which the user did not ask for."""
    return request.method == "HEAD" or any(
        "prefetch" in request.headers.get(name, "").lower() for name in PREFETCH_HEADERS
    )


def is_cross_site(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Site", "") in CROSS_SITES


def effect_refusal(request: HttpRequest) -> HttpResponse | None:
    """Return an empty answer to a prefetch, None for what the user asked for; raise PermissionDenied for other sites.

    Call it before a request is answered that exports a file or writes the audit log.
    """
    if is_cross_site(request):
        raise PermissionDenied(CROSS_SITE_REFUSED)
    return HttpResponse(status=204) if is_prefetch(request) else None


def requested_format(request: HttpRequest) -> str | None:
    """Return the requested export format as it was sent, None where no export is requested."""
    parameters = request.POST if request.method == "POST" else request.GET
    return parameters.get("export")


class DeliberateRequest:
    """Mix in before a View whose requests have an effect: prefetches get an empty 204, other sites 403.

    A subclass overrides has_effect() where only some requests have one.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.has_effect(request):
            if is_cross_site(request):
                raise PermissionDenied(CROSS_SITE_REFUSED)
            if is_prefetch(request):
                return HttpResponse(status=204)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    def has_effect(self, request: HttpRequest) -> bool:
        """Return whether answering the request exports a file or writes the audit log."""
        return True


class ExportsByPost(DeliberateRequest):
    """Mix in before a View that exports: GET ?export=<format> asks, POST sends the file.

    The View's get() starts with requested_format().
    """

    request: Any
    http_method_not_allowed: Any
    get: Any

    def has_effect(self, request: HttpRequest) -> bool:
        return "export" in (request.POST if request.method == "POST" else request.GET)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Answer as GET does with the form's conditions as its query string."""
        if "export" not in request.POST:
            return self.http_method_not_allowed(request)
        apply_posted_conditions(request)
        return self.get(request, **kwargs)

    def requested_format(self) -> str | None:
        """Return the requested export format as it was sent, None where no export is requested."""
        parameters = self.request.POST if self.request.method == "POST" else self.request.GET
        return parameters.get("export")


def apply_posted_conditions(request: HttpRequest) -> None:
    """Replace request.GET by the posted conditions, cleaned; raise BadRequest for control characters."""
    if CONDITIONS not in request.POST:
        return
    query = request.POST[CONDITIONS]
    try:
        refuse_control_characters(unquote_plus(query, errors="surrogateescape"))
    except ValidationError as error:
        raise BadRequest from error
    request.GET = QueryDict(query)  # type: ignore[misc]
    clean_query(request)
