"""An erased person does not live on in what was exported: the conditions in the trail, the jobs and their files."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.urls import reverse

from crm.audit import seals
from crm.audit.models import AuditEntry
from crm.audit.trail import record
from crm.audit.verification import verify
from crm.privacy import erase_contact
from customers.personal import GONE
from tests import factories

pytestmark = pytest.mark.django_db
NAME, MOBILE = "欧阳独特甲", "13877776666"


@pytest.fixture
def person(company):
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    contact = factories.ContactFactory(customer=customer, name=NAME, mobile=MOBILE)
    return SimpleNamespace(customer=customer, contact=contact)


def erase(person, company):
    return erase_contact(person.contact, by=company.supervisor, reason="本人来电要求")


def exports():
    return [entry.changes["条件"][1] for entry in AuditEntry.objects.filter(verb="导出").order_by("pk")]


def test_conditions_of_exports_are_kept_in_words_and_lose_the_erased_person(person, company, sign_in):
    client = sign_in(company.supervisor)
    client.get(reverse("customers:contact_list", args=[person.customer.pk]), {"name": NAME, "export": "csv"})
    client.get(
        reverse("marketing:opportunity_list"), {"contact_name": NAME, "status": "all", "export": "csv", "summary": ""}
    )
    assert exports() == [f"name = {NAME}", f"contact_name = {NAME}；status = all"]
    seals.seal_pending()
    erase(person, company)
    assert exports() == [f"name = {GONE}", f"contact_name = {GONE}；status = all"]
    seals.seal_pending()
    assert verify() == []


def test_conditions_from_before_stand_encoded_and_are_found_too(person, company, sign_in):
    old = "name=%E6%AC%A7%E9%98%B3%E7%8B%AC%E7%89%B9%E7%94%B2&mobile=138+7777+6666"
    entry = record(company.supervisor, "导出", text="联系人", changes={"行数": 1, "条件": old})
    other = record(company.supervisor, "导出", text="联系人", changes={"行数": 1, "条件": "name=%E7%8E%8B"})
    page = sign_in(company.administrator).get(reverse("accounts:audit_detail", args=[entry.pk])).content.decode()
    assert f"name = {NAME}；mobile = 138" in page
    erase(person, company)
    assert exports() == [f"name = {GONE}；mobile = {GONE}", "name=%E7%8E%8B"]
    assert not AuditEntry.objects.get(pk=other.pk).is_redacted


def test_the_reason_of_an_export_loses_the_person_too(person, company):
    record(company.supervisor, "导出", text="联系人", changes={"行数": 1, "条件": "", "原因": f"{NAME}要名单"})
    erase(person, company)
    assert NAME not in json.dumps(list(AuditEntry.objects.values_list("changes", flat=True)), ensure_ascii=False)
