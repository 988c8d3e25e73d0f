"""Looking for a customer beyond one's view: by number, phone or full name, each answer counted with the others."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.records.lookup_limits import ANSWER_VERB, MAX_ANSWERS_PER_MINUTE
from kit.audit.models import AuditEntry
from services.models import ServiceRequest
from tests import factories
from tests.html import find_all, links, markup, text
from tests.services.pages import request_values

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def strange(company):
    return [
        factories.CustomerFactory(manager=company.stranger, name=f"海外第{n}公司", phone=f"0532-8800 {n:04}")
        for n in range(3)
    ]


def answer_count():
    return AuditEntry.objects.filter(verb=ANSWER_VERB).count()


def use_up(by, left=0):
    AuditEntry.objects.bulk_create(
        AuditEntry(at=timezone.now(), actor=by, actor_name=str(by), verb=ANSWER_VERB)
        for _ in range(MAX_ANSWERS_PER_MINUTE - left)
    )


def ways(customer):
    """Each way to ask for a customer, as (url, query)."""
    picker = reverse("services:find_customer")
    return [
        (picker, {"customer": customer.number}),
        (picker, {"customer": customer.name}),
        (picker, {"customer": customer.phone}),
        (reverse("search"), {"phone": customer.phone}),
    ]


def test_each_customer_beyond_ones_view_is_counted_once_a_minute_in_the_trail(strange, company, sign_in):
    client = sign_in(company.manager)
    for number, customer in enumerate(strange, 1):
        for url, query in ways(customer):
            assert customer.name in text(client.get(url, query))
        assert answer_count() == number
    entry = AuditEntry.objects.about(strange[0]).get(verb=ANSWER_VERB)
    assert (entry.actor, entry.changes) == (company.manager, {"相同之处": ["", "查找"]})
    client.post(reverse("services:request_create"), request_values(customer=strange[0].number))
    assert ServiceRequest.objects.get().customer == strange[0]
    assert answer_count() == 3


def test_after_thirty_answers_nobody_is_told_of_more_not_even_that_there_is_one(strange, company, sign_in):
    mine = factories.CustomerFactory(manager=company.manager, name="自己的单位", phone="0532-1111 2222")
    use_up(company.manager, left=1)
    client = sign_in(company.manager)
    assert strange[0].name in text(client.get(*ways(strange[0])[0]))
    for url, query in [*ways(strange[1]), (reverse("services:find_customer"), {"customer": "没有这家公司"})]:
        for headers in ({}, HTMX):
            page = markup(client.get(url, query, headers=headers))
            assert "暂停查找范围外的客户" in page
            assert "外人甲" not in page
    for field in ({"customer": strange[1].number}, {"customer": "", "organisation": strange[1].name}):
        page = markup(client.post(reverse("services:request_create"), request_values(**field)))
        assert "暂停查找范围外的客户" in page
        assert "外人甲" not in page
    assert not ServiceRequest.objects.exists()
    assert mine.number in text(client.get(reverse("services:find_customer"), {"customer": "自己"}))
    assert client.get(reverse("search"), {"phone": mine.phone})["Location"] == mine.get_absolute_url()
    assert strange[2].name in text(sign_in(company.eastern).get(*ways(strange[2])[0]))


def test_checks_for_the_like_and_look_ups_share_one_allowance(strange, company, sign_in):
    use_up(company.manager, left=1)
    client = sign_in(company.manager)
    client.get(*ways(strange[0])[0])
    page = text(client.post("/marketing/opportunities/new/", {**factories.OPPORTUNITY, "customer_name": "另一家"}))
    assert "查重暂停" in page


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Purpose": "prefetch"}],
)
def test_another_site_or_a_guess_looks_at_nothing_beyond_the_view(strange, company, sign_in, headers):
    client = sign_in(company.manager)
    for url, query in ways(strange[0]):
        page, name = client.get(url, query, headers=headers), strange[0].name
        assert find_all(page, "main ul.rows li") == []
        repetitions = 3 if name in query.values() else 0  # in both boxes, and in what was not found
        assert markup(page).count(name) == repetitions
    assert answer_count() == 0
    led = client.get(reverse("search"), {"phone": strange[0].phone}, headers=headers)
    assert dict(links(led))["在全部客户里找"].startswith(f"{reverse('search')}?phone=")
