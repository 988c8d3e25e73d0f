"""A customer and the people of a request; a request that was handled, with the link its customer gets."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from services.ratings.links import rating_url
from tests import factories


@pytest.fixture
def people(company):
    """Who creates, assigns and handles a request."""
    return (company.manager, company.supervisor, company.manager)


@pytest.fixture
def customer(company):
    made = factories.CustomerFactory(manager=company.manager, name="天津滨城热电有限公司", phone="022-2570 8834")
    factories.ContactFactory(customer=made, name="郝斌", mobile="138 0000 1234")
    return made


@pytest.fixture
def fresh_counter():
    """No visit from any address has been counted yet."""
    cache.clear()


@pytest.fixture
def record(company):
    """A request that was handled and waits for feedback."""
    return factories.handled(company.manager, company.supervisor, company.manager, summary="零点漂移")


@pytest.fixture
def invite(record, company, rf):
    """invite() makes a new link for the customer, as the assignee does."""
    return lambda: rating_url(record.invite(by=company.manager, result="已归零"), rf.get("/"))


@pytest.fixture
def link(invite):
    return invite()
