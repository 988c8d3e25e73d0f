"""No page shows a sign that turns the direction of text."""

from __future__ import annotations

import pytest
from django.urls import reverse

from customers.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sign", ["\u202e", "\u202d", "\u2066", "\u2069", "\u200f", "\u061c"])
def test_a_sign_that_turns_text_round_is_not_shown_wherever_it_came_from(sign, company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    Customer.objects.filter(pk=customer.pk).update(name=f"海河{sign}水务", address=f"天津{sign}路")
    client = sign_in(company.manager)
    for address in (customer.get_absolute_url(), reverse("customers:customer_list")):
        page = client.get(address)
        assert sign not in page.content.decode()
        assert "海河水务" in page.content.decode()
        assert int(page["Content-Length"]) == len(page.content)


def test_a_page_without_such_signs_is_sent_as_it_is(company, sign_in):
    page = sign_in(company.manager).get("/")
    assert page.status_code == 200
    assert "工作台" in page.content.decode()
