"""协办人员: the shipped role of people who help with requests, and have nothing else of a customer."""

from __future__ import annotations

import pytest
from django.urls import reverse

from customers.models import Contact, Customer
from services.models import ServiceRequest
from tests import factories
from tests.factories import fresh
from tests.permissions.asking import ask
from tests.permissions.tables import ROWS

pytestmark = pytest.mark.django_db

# What the role opens of the table of URLs, beside what is everybody's own; "asked" is the request they help with.
OPENED = {
    ("services:archive", "-", "GET"): "200",
    ("services:request_detail", "asked", "GET"): "200",
    ("services:request_history", "asked", "GET"): "200",
    ("services:request_note", "asked", "POST"): "302",
    ("services:request_note", "asked", "GET"): "200",
}


@pytest.fixture
def technician(company):
    return factories.person("service_helper", name="韩技术", department=factories.DepartmentFactory(name="技术部"))


@pytest.fixture
def helped(world, technician):
    """The world of the table, in whose request "asked" the technician helps."""
    ServiceRequest.objects.get(pk=world.addresses["asked"][0]).involve(technician, by=world.people["manager"])
    world.people = {"technician": fresh(technician)}
    return world


def test_who_only_helps_opens_the_requests_they_help_with_and_no_other_url(helped, sign_in):
    cookies = sign_in(helped.people["technician"]).cookies
    closed, wrong = ("403", "404", "405"), []
    for name, record, verb, answers in ROWS:
        nobody = answers["nobody"]
        status, _, wrote = ask(cookies, helped, name, record, verb)
        wanted = OPENED.get((name, record, verb))
        same = status == nobody or (status in closed and nobody in closed)
        if status != wanted if wanted else not same:
            wrong.append((name, record, verb, status, wanted or nobody))
        if wrote:
            wrong.append((name, record, verb, "wrote"))
    assert wrong == []


def test_who_only_helps_sees_the_request_and_nothing_of_its_customer(helped, sign_in):
    client, record = sign_in(helped.people["technician"]), ServiceRequest.objects.get(pk=helped.addresses["asked"][0])
    for page in (record.get_absolute_url(), reverse("home"), f"{reverse('services:archive')}?status=all"):
        html = client.get(page).content.decode()
        assert record.get_absolute_url() in html or page == record.get_absolute_url()
        for word in (helped.customer.get_absolute_url(), "高峰", "022-6666", helped.customer.number, "您还没有角色"):
            assert word not in html, (page, word)
    for model in (Customer, Contact):
        assert not model.objects.visible_to(helped.people["technician"]).exists()
    assert list(ServiceRequest.objects.visible_to(helped.people["technician"])) == [record]
    assert "export" not in client.get(reverse("services:archive")).content.decode()


def test_who_only_helps_notes_and_reads_it_again_until_they_are_released(helped, sign_in):
    client, record = sign_in(helped.people["technician"]), ServiceRequest.objects.get(pk=helped.addresses["asked"][0])
    url = reverse("services:request_note", args=[record.pk])
    assert client.post(url, {"text": "量程应改为 0–1.6 MPa"}).status_code == 302
    assert "量程应改为" in client.get(record.get_absolute_url()).content.decode()
    record.release(helped.people["technician"], by=record.assignee)
    assert client.get(record.get_absolute_url()).status_code == 404
    assert client.post(url, {"text": "还有"}).status_code == 404


def test_the_picker_of_helpers_offers_nobody_who_could_not_note(helped, company, technician, sign_in):
    record = factories.dispatched(company.manager, company.supervisor, company.manager)
    client, url = sign_in(company.manager), reverse("services:request_involve", args=[record.pk])
    offered = set(client.get(url).context["form"].fields["person"].queryset)
    assert technician in offered
    assert not {company.executive, company.administrator, company.nobody} & offered
    assert client.post(url, {"person": company.executive.pk}).status_code == 200
    assert not record.helpers.exists()
    assert client.post(url, {"person": technician.pk}).status_code == 302
    assert record.helpers.get().user == technician
