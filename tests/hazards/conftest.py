"""Records and people that bad input is tried on."""

from __future__ import annotations

import pytest

from tests import factories


@pytest.fixture
def ids(company):
    """Ids for the addresses above; every record is the manager's."""
    manager, supervisor = company.manager, company.supervisor
    assigned = factories.assigned(manager, supervisor, manager, customer_name="已有同名客户")
    customer = factories.CustomerFactory(name=assigned.customer_name, manager=manager, by=manager)
    return {
        "new": factories.opportunity(manager).pk,
        "assigned": assigned.pk,
        "bare": factories.assigned(manager, supervisor, manager, customer_name="没有同名客户").pk,
        "item": factories.plan_item(assigned, manager).pk,
        "customer": customer.pk,
        "contact": factories.ContactFactory(customer=customer).pk,
        "colleague": company.colleague.pk,
        "region": customer.region_id,
        "level": customer.level_id,
    }


@pytest.fixture
def clients(company, sign_in):
    return {"manager": sign_in(company.manager), "supervisor": sign_in(company.supervisor)}


@pytest.fixture
def person(company):
    return company.manager
