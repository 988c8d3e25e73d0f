"""An administrator and their browser, and entries of the dictionary in each state."""

from __future__ import annotations

import pytest

from tests import factories


@pytest.fixture
def administrator(company):
    return company.administrator


@pytest.fixture
def admin(administrator, sign_in):
    return sign_in(administrator)


@pytest.fixture
def spare(company):
    """An editable entry that nothing uses."""
    return factories.entry("行业", "食品饮料")


@pytest.fixture
def fixed(company):
    return factories.entry("客户等级", "大客户")


@pytest.fixture
def used(company):
    """An editable entry that two customers, an opportunity and a person use."""
    entry = factories.entry("地区", "中南")
    for _ in range(2):
        factories.CustomerFactory(region=entry, manager=company.manager)
    factories.opportunity(company.manager, region=entry)
    company.manager.regions.add(entry)
    return entry
