"""What answers tell browsers to allow: nothing from elsewhere, nothing inline."""

from __future__ import annotations

import pytest

from tests.hazards.forms import (
    LISTS,
)
from tests.html import find_all, parse

pytestmark = pytest.mark.django_db


POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
    "font-src": "'self'", "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'",
    "frame-ancestors": "'none'",
}  # fmt: skip


def check_headers(response, *, kept=False):
    found = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert found == POLICY
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(response["Permissions-Policy"].split(", "))
    if not kept:
        assert "no-store" in response["Cache-Control"]
        assert response["X-Frame-Options"] == "DENY"


def test_every_signed_in_page_carries_the_security_headers(clients, ids, company, sign_in):
    client = clients["manager"]
    for address in (
        "/",
        *LISTS,
        "/marketing/opportunities/?export=csv",
        "/customers/?export=xlsx",
        f"/marketing/opportunities/{ids['assigned']}/",
        f"/marketing/opportunities/{ids['assigned']}/edit/",  # 409
        f"/marketing/opportunities/{ids['new']}/assign/",  # 403
        "/marketing/opportunities/999999/",  # 404
        "/nowhere",
        "/search/?q=x",
        "/accounts/password/",
        "/login/",  # forwards
    ):
        check_headers(client.get(address))
    check_headers(sign_in(company.administrator).get("/admin/accounts/user/"))


def test_pages_without_sign_in_carry_the_security_headers(client):
    for address in ("/login/", "/customers/"):
        response = client.get(address)
        check_headers(response, kept=response.status_code == 302)
    for address in ("/healthz", "/readyz", "/nowhere", "/customers/?q=%00"):
        check_headers(client.get(address), kept=True)


def test_no_page_carries_inline_script_or_style(clients, ids):
    for address in ("/", *LISTS, f"/marketing/opportunities/{ids['assigned']}/", f"/customers/{ids['customer']}/edit/"):
        page = clients["manager"].get(address)
        assert len(find_all(page, "script[src]")) >= 2
        assert find_all(page, "script:not([src]), style, [style]") == []
        assert [name for element in parse(page).iter() for name in element.attrib if name.startswith("on")] == []
