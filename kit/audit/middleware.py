"""The client's IP address, for log_event() and for everything that counts requests by address."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from python_ipware import IpWare

from .log import current_ip_address

IP_PARSER = IpWare(precedence=("REMOTE_ADDR",))


class AuditMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = current_ip_address.set(client_ip_address(request))
        try:
            return self.get_response(request)
        finally:
            current_ip_address.reset(token)


def client_ip_address(request: HttpRequest, *args: Any) -> str | None:
    """Return the client's IP address, for the audit log, the lock-out of sign-ins and the count of visits alike.

    Each proxy appends the address of its own client, so behind n known proxies the n-th entry from the right of
    X-Forwarded-For is the client; entries further left may be forged. If that entry is no address, return REMOTE_ADDR:
    the entry is picked here because ipware skips unreadable entries and would then take a forged one.
    """
    proxies = settings.CRM_PROXY_COUNT
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    client = forwarded[-proxies] if 0 < proxies <= len(forwarded) else ""
    return parse_ip_address(client) or parse_ip_address(request.META.get("REMOTE_ADDR", ""))


def parse_ip_address(text: str) -> str | None:
    """Return an IP address without port, brackets and zone, IPv4 inside IPv6 as IPv4; None if it is none."""
    address, _ = IP_PARSER.get_client_ip({"REMOTE_ADDR": text})
    return str(address).partition("%")[0] if address else None
