"""The main job, at the model: created, assigned, planned, executed, won."""

import pytest

from customers.models import Customer
from tests import factories


@pytest.mark.django_db
def test_an_opportunity_becomes_a_customer(company):
    record = factories.opportunity(company.manager)
    record.assign(company.manager, by=company.supervisor)
    factories.plan_item(record, company.manager, result="客户同意试装")
    customer = record.win(by=company.manager)
    assert customer == Customer.objects.get(name="沈阳北辰重型机械有限公司")
    assert customer.manager == company.manager
    assert customer.number.startswith("KH")
    assert [contact.name for contact in customer.contacts.all()] == ["高峰"]
    assert record.status == record.Status.WON
    assert record.customer == customer
