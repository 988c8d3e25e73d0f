"""Where a request came from: one reading for the trail, for locked sign-ins and for counted visits."""

from __future__ import annotations

from pathlib import Path

import pytest
from axes.helpers import get_client_ip_address
from django.test import RequestFactory

from accounts.models import UserSession
from kit.audit.middleware import client_ip_address
from kit.audit.models import AuditEntry

NEAREST = "10.0.0.1"
ROOT = Path(__file__).parents[2]
APPS = ("crm", "reports", "marketing", "services", "customers", "accounts", "basedata", "kit")


def asked(forwarded, nearest=NEAREST):
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=nearest, **headers)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.2.3.4:5678", "1.2.3.4"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[::1]:443", "::1"),
        ("198.51.100.9, 203.0.113.7", "203.0.113.7"),
        ("198.51.100.9,203.0.113.7:99", "203.0.113.7"),
        ("unknown", NEAREST),
        ("198.51.100.9, unknown", NEAREST),
        ("198.51.100.9, ", NEAREST),
        ('"198.51.100.9, 203.0.113.7', "203.0.113.7"),
        ("", NEAREST),
        (None, NEAREST),
        ("1.2.3.4:99999", NEAREST),
        ("9" * 5000, NEAREST),
    ],
)
def test_behind_a_proxy_its_own_entry_is_read_and_never_one_further_left(forwarded, address, settings):
    settings.CRM_PROXY_COUNT = 1
    assert client_ip_address(asked(forwarded)) == address
    assert get_client_ip_address(asked(forwarded)) == address


def test_behind_two_proxies_the_second_entry_from_the_right_is_the_visitor(settings):
    settings.CRM_PROXY_COUNT = 2
    assert client_ip_address(asked("198.51.100.9, 203.0.113.7:80, 10.0.0.2")) == "203.0.113.7"
    assert client_ip_address(asked("203.0.113.7")) == NEAREST


def test_without_a_proxy_nothing_forwarded_is_believed(settings):
    settings.CRM_PROXY_COUNT = 0
    assert client_ip_address(asked("198.51.100.9")) == NEAREST
    assert client_ip_address(asked(None, "::ffff:10.0.0.1")) == NEAREST
    assert client_ip_address(asked(None, "")) is None


@pytest.mark.django_db
@pytest.mark.parametrize("forwarded", ["203.0.113.7:5678", "unknown"])
def test_the_trail_and_the_list_of_places_hold_the_address(forwarded, company, client, settings):
    settings.CRM_PROXY_COUNT = 1
    headers = {"REMOTE_ADDR": NEAREST, "HTTP_X_FORWARDED_FOR": forwarded, "HTTP_X_FORWARDED_PROTO": "https"}
    told = {"username": company.manager.username, "password": "a-long-passphrase"}
    assert client.post("/login/", told, **headers).status_code == 302
    expected = {NEAREST if forwarded == "unknown" else "203.0.113.7"}
    assert {entry.address for entry in AuditEntry.objects.filter(actor_id=company.manager.pk)} == expected
    assert {place.address for place in UserSession.objects.filter(user=company.manager)} == expected


def test_client_address_alone_reads_where_a_request_came_from():
    signs = ("REMOTE_ADDR", "FORWARDED_FOR", "ipware")
    modules = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    readers = {path.relative_to(ROOT).as_posix() for path in modules if any(sign in path.read_text() for sign in signs)}
    assert readers == {"kit/audit/middleware.py"}
