"""Bad input in addresses: query strings, paths and numbers that are nobody's."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver

from tests.addresses import filled
from tests.hazards.forms import (
    ATTRIBUTE,
    FILTERS,
    HUGE,
    LISTS,
)

pytestmark = pytest.mark.django_db


SENSELESS = ("", "abc", "-1", HUGE, "1.5", "１", "' OR 1=1 --", "-pk;drop", "__proto__", "%s", "🚀", ATTRIBUTE)
TEXTS = {"customer_name", "summary", "contact_name", "number", "name", "sort", "page", "page_size", "status"}


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("value", SENSELESS)
def test_senseless_parameters_of_a_list_are_no_crash(address, value, clients, ids):
    """Those that any text may fill together, the others one by one: a refused filter would hide what follows."""
    together = [name for name in FILTERS[address] if name in TEXTS]
    for query in (
        dict.fromkeys(["unknown", *together], value),
        *({name: value} for name in FILTERS[address] if name not in TEXTS),
    ):
        status = clients["manager"].get(address, query).status_code
        assert (query, status in (200, 302)) == (query, True)


@pytest.mark.parametrize("address", [*LISTS, "/search/", "/", "/notifications/", "/jobs/", "/help/"])
@pytest.mark.parametrize("bad", ["%00", "%07", "%1b", "%7f", "%ED%A0%80", "%FF", "%C0%80"])
def test_control_characters_and_broken_encoding_in_a_query_get_a_page_that_says_so(address, bad, clients):
    for name in (*FILTERS.get(address, ())[:1], "q", "unknown", f"a{bad}"):
        response = clients["manager"].get(f"{address}?{name}=a{bad}b")
        assert (name, response.status_code) == (name, 400)
        assert "控制字符" in response.content.decode()


@pytest.mark.parametrize("bad", ["%00", "%07", "%ED%A0%80", "%FF"])
@pytest.mark.parametrize(
    "address", ["/setup/{}/", "/customers/{}/", "/{}", "/admin/accounts/user/{}/change/", "/login/{}"]
)
def test_control_characters_in_a_path_get_a_page(address, bad, clients):
    for client in (clients["manager"], Client()):
        assert client.get(address.format(f"a{bad}b")).status_code in (302, 400, 404)


@pytest.mark.parametrize("address", LISTS)
def test_filters_of_100_kilobytes_are_no_crash(address, clients, ids):
    for name in FILTERS[address]:
        for text in ("x" * 100_000, "%" * 100_000, "长" * 34_000):
            response = clients["manager"].get(address, {name: text})
            assert (name, text[0], response.status_code in (200, 302, 400)) == (name, text[0], True)


@pytest.mark.parametrize("text", ["x" * 100_000, "%" * 100_000, "_" * 60_000, "9" * 100_000, "长" * 34_000])
def test_a_search_for_100_kilobytes_is_no_crash(text, clients, ids):
    assert clients["manager"].get("/search/", {"q": text}).status_code == 200


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 4301, "9" * 100_000, "٣" * 30])
def test_numbers_of_many_digits_in_a_query_are_no_crash(digits, clients, ids):
    pages = {
        f"/marketing/development/{ids['assigned']}/execute/": "item",
        f"/marketing/opportunities/{ids['assigned']}/history/": "before",
        f"/customers/{ids['customer']}/history/": "before",
        "/marketing/opportunities/": "page",
        "/customers/": "page_size",
        "/search/": "q",
    }
    for address, name in pages.items():
        assert (address, clients["manager"].get(address, {name: digits}).status_code) == (address, 200)


def numbered(resolver=None, prefix=""):
    """Routes outside the admin that carry a number."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            if route != "admin/":
                yield from numbered(pattern, route)
        elif "<id:" in route:
            yield route


@pytest.mark.parametrize("number", ["0", "9223372036854775807", "9223372036854775808", HUGE])
def test_numbers_that_are_nobodys_are_not_found_on_any_address(number, company, sign_in):
    """Also larger than any integer a database keeps. The runs of the sync are an administrator's."""
    supervisor, administrator = sign_in(company.supervisor), sign_in(company.administrator)
    routes = list(numbered())
    assert len(routes) > 20
    for route in routes:
        address = "/" + filled(route, number)
        client = administrator if route.startswith("customers/sync/") else supervisor
        answers = {client.get(address).status_code, client.post(address).status_code}
        assert (address, answers - {404, 405}) == (address, set())


def test_a_huge_item_under_ones_own_record_is_not_found(clients, ids):
    for address in (
        f"/marketing/development/{ids['assigned']}/items/{HUGE}/edit/",
        f"/marketing/development/{HUGE}/items/{ids['item']}/edit/",
        f"/customers/{ids['customer']}/contacts/{HUGE}/edit/",
        f"/customers/{HUGE}/contacts/{ids['contact']}/edit/",
    ):
        assert clients["manager"].get(address).status_code == 404


@pytest.mark.parametrize("number", ["0", HUGE, "abc", "1_1", "' OR 1=1"])
def test_senseless_ids_in_the_admin_are_no_crash(number, company, sign_in):
    client = sign_in(company.administrator)
    for model in ("accounts/user", "accounts/role", "accounts/department", "audit/auditentry"):
        for step in ("change", "history", "delete"):
            assert client.get(f"/admin/{model}/{quote(number)}/{step}/").status_code in (302, 403, 404)
    for query in (
        f"department__id__exact={number}",
        f"groups__id__exact={number}",
        f"o={number}",
        f"p={number}",
        f"q={number}",
    ):
        assert client.get(f"/admin/accounts/user/?{query}").status_code in (200, 302, 400)
