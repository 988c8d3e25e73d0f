"""Lets record() know where a request came from."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from python_ipware import IpWare

from .log import current_address

IP_PARSER = IpWare(precedence=("REMOTE_ADDR",))


class AuditMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = current_address.set(client_address(request))
        try:
            return self.get_response(request)
        finally:
            current_address.reset(token)


def client_address(request: HttpRequest, *args: Any) -> str | None:
    """The visitor's address, for the trail, for locking sign-ins and for counting visits alike.

    Each proxy appends whom it heard from, so behind n known proxies the n-th entry from the right is the visitor;
    what stands further left anybody may have written. Where that entry says nothing, the nearest machine is kept:
    the place is picked here, for ipware leaves unreadable entries out and would then take a forged one.
    """
    proxies = settings.CRM_PROXY_COUNT
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    visitor = forwarded[-proxies] if 0 < proxies <= len(forwarded) else ""
    return parse_ip_address(visitor) or parse_ip_address(request.META.get("REMOTE_ADDR", ""))


def parse_ip_address(text: str) -> str | None:
    """An address as a database keeps it, without port, brackets and zone; IPv4 inside IPv6 as IPv4."""
    found, _ = IP_PARSER.get_client_ip({"REMOTE_ADDR": text})
    return str(found).partition("%")[0] if found else None
