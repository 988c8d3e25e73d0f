"""No page shows a character that changes the direction of text."""

from __future__ import annotations

import pytest
from django.urls import reverse

from customers.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sign", ["\u202e", "\u202d", "\u2066", "\u2069", "\u200f", "\u061c"])
def test_a_bidirectional_character_is_shown_on_no_page(sign, company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    Customer.objects.filter(pk=customer.pk).update(name=f"海河{sign}水务", address=f"天津{sign}路")
    client = sign_in(company.manager)
    for url in (customer.get_absolute_url(), reverse("customers:customer_list")):
        page = client.get(url)
        assert sign not in page.content.decode()
        assert "海河水务" in page.content.decode()
        assert int(page["Content-Length"]) == len(page.content)


def test_a_page_without_such_characters_is_sent_unchanged(company, sign_in):
    page = sign_in(company.manager).get("/")
    assert page.status_code == 200
    assert "工作台" in page.content.decode()
