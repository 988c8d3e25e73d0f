"""What leaves in a file or a trace in the trail is meant by somebody: a page of ours asks, and a POST does it.

An address alone does nothing: another site can lead to it, a browser can fetch it before anybody asked (decision 48).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from kit.domain.text import refuse_control_characters

from .text_gate import clean_query

PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Moz")
CROSS_SITES = ("cross-site", "same-site")  # another host of the same domain is not ours either
CROSS_SITE_REFUSED = "这一步是从别的网站打开的，没有执行。请在系统里打开页面，再从页面上操作。"
CONDITIONS = "conditions"  # of the hidden input: the list's own query, which a form sent again still carries


def is_prefetch(request: HttpRequest) -> bool:
    """Does a program look whether there is something, or a browser fetch what nobody asked for yet?"""
    return request.method == "HEAD" or any(
        "prefetch" in request.headers.get(name, "").lower() for name in PREFETCH_HEADERS
    )


def is_cross_site(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Site", "") in CROSS_SITES


class DeliberateRequest:
    """Mix in before a page whose every opening leaves something: a guess gets nothing, another site is refused."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.has_effect(request):
            if is_cross_site(request):
                raise PermissionDenied(CROSS_SITE_REFUSED)
            if is_prefetch(request):
                return HttpResponse(status=204)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    def has_effect(self, request: HttpRequest) -> bool:
        return True


class ExportsByPost(DeliberateRequest):
    """A page with the way out ?export=: GET asks, POST hands out. get() begins with requested_format()."""

    request: Any
    http_method_not_allowed: Any
    get: Any

    def has_effect(self, request: HttpRequest) -> bool:
        return "export" in (request.POST if request.method == "POST" else request.GET)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The file, of the rows that the conditions of the form leave."""
        if "export" not in request.POST:
            return self.http_method_not_allowed(request)
        apply_posted_conditions(request)
        return self.get(request, **kwargs)

    def requested_format(self) -> str | None:
        """What the address or the form wants to take away; None: nothing."""
        parameters = self.request.POST if self.request.method == "POST" else self.request.GET
        return parameters.get("export")


def apply_posted_conditions(request: HttpRequest) -> None:
    """Puts the conditions that a form brought in the place of the address's, through the same gate."""
    if CONDITIONS not in request.POST:
        return
    query = request.POST[CONDITIONS]
    try:
        refuse_control_characters(unquote_plus(query, errors="surrogateescape"))
    except ValidationError as error:
        raise BadRequest from error
    request.GET = QueryDict(query)  # type: ignore[misc]
    clean_query(request)
