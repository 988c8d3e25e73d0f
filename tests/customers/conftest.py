"""What the tests of customers share; a module that needs another customer makes its own."""

from __future__ import annotations

import pytest
from django.db import transaction

from basedata.models import SpecialDay, WorkCalendar
from tests import factories
from tests.customers.feeds import FEED, put


@pytest.fixture
def manager(company, sign_in):
    """A browser of the manager."""
    return sign_in(company.manager)


@pytest.fixture
def customer(company):
    """A customer of the manager, known to the sales system as C1."""
    return factories.CustomerFactory(manager=company.manager, by=company.manager, external_number="C1")


@pytest.fixture
def pair(company):
    """Two records of one company, of two managers under one supervisor."""
    kept = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, by=company.manager)
    gone = factories.CustomerFactory(
        name="海河水务(有限公司)", manager=company.eastern, by=company.eastern, fax="022-2", external_number="X-9",
        license_number="91110000600037341L",
    )  # fmt: skip
    return kept, gone


@pytest.fixture
def feed(tmp_path):
    """The folder of a feed with every table."""
    return put(tmp_path / "feed", **FEED)


@pytest.fixture
def owner(company):
    """The manager, under the name that the import command is given."""
    company.manager.username = "owner"
    company.manager.save()
    return company.manager


@pytest.fixture
def no_holidays(company):
    """A calendar of weekdays alone: what is counted from today on is the same every day of the year."""
    with transaction.atomic():
        SpecialDay.objects.all().delete()
        WorkCalendar.renew()
