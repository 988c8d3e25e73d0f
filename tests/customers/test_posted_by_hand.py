"""Requests that no page offers: other parents, hidden customers, other fields, deleted customers."""

from __future__ import annotations

import pytest
from django.urls import reverse

from customers.models import Contact, Customer
from tests import factories, html
from tests.permissions.asking import url_of
from tests.permissions.tables import TABLES
from tests.permissions.world import memory_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["contact_update", "contact_delete"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_a_contact_is_not_found_under_another_customer(name, verb, world, company, sign_in):
    other = factories.CustomerFactory(manager=company.manager)
    before = Contact.objects.filter(pk=world.contact.pk).values().get()
    response = getattr(sign_in(company.manager), verb)(
        reverse(f"customers:{name}", args=[other.pk, world.contact.pk]), world.values
    )
    assert response.status_code == 404
    assert "高峰" not in response.content.decode()
    assert Contact.objects.filter(pk=world.contact.pk).values().get() == before


@pytest.mark.parametrize(
    ("address", "field", "values"),
    [
        ("marketing:opportunity_create", "introduced_by", factories.OPPORTUNITY),
        ("customers:customer_update", "parent", {}),
    ],
)
def test_a_customer_outside_the_view_cannot_be_chosen(address, field, values, world, company, sign_in):
    hidden = factories.CustomerFactory(name="看不见的客户", manager=company.stranger)
    values = {**world.values, **values, field: hidden.number, "opened": world.opened(address)}
    arguments = [world.customer.pk] if address == "customers:customer_update" else []
    response = sign_in(company.manager).post(reverse(address, args=arguments), values)
    assert response.status_code == 200
    assert any("没有找到这个客户" in said for said in html.errors(response))
    assert "看不见的客户" not in response.content.decode()


def test_an_edited_customer_takes_nothing_but_the_fields_of_its_form(company, sign_in, forged, world):
    before = Customer.objects.filter(pk=world.customer.pk).values().get()
    name = "customers:customer_update"
    stored = {field: "" if before[field] is None else before[field] for field in ("name", "address", "phone")}
    values = {
        **forged,
        **stored,
        "region": before["region_id"],
        "level": before["level_id"],
        "satisfaction": before["satisfaction"],
        "credit": before["credit"],
        "fax": "010-9",
        "opened": memory_of(world.customer),
    }
    sign_in(company.manager).post(reverse(name, args=[world.customer.pk]), values)
    after = Customer.objects.filter(pk=world.customer.pk).values().get()
    assert {field for field in after if after[field] != before[field]} == {"fax", "version"}


def test_a_contact_stays_with_its_customer_whatever_is_posted(company, sign_in, forged, world):
    other = factories.CustomerFactory(manager=company.manager)
    address = reverse("customers:contact_create", args=[world.customer.pk])
    values = {**forged, "customer": other.pk, "name": "李工", "position": "工程师", "office_phone": "010-3"}
    sign_in(company.manager).post(address, values)
    assert Contact.objects.get(name="李工").customer == world.customer


def test_a_soft_deleted_customer_is_gone_from_every_url(world, company, sign_in):
    Customer.objects.update(deleted_at="2026-01-01T00:00Z")  # the churn cases belong to others
    client = sign_in(company.supervisor)
    for name, record, verb, answers in TABLES["customers"]:
        if record not in ("-", "run", "upload") and verb == "GET" and set(answers.values()) != {"in", "405"}:
            assert (name, client.get(url_of(name, record, world)).status_code) == (name, 404)
