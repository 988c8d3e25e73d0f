"""Requests that export a file or write the audit log: a page of ours asks first, a POST from it does it.

Opening a URL alone has no effect: another site can link to it, a browser can prefetch it (decision 48).
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict

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
