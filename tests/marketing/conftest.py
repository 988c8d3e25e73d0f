"""An opportunity somebody else created, in the hands of the 客户经理 whose browser it is."""

from __future__ import annotations

import pytest

from tests import factories


@pytest.fixture
def manager(company, sign_in):
    return sign_in(company.manager)


@pytest.fixture
def supervisor(company, sign_in):
    return sign_in(company.supervisor)


@pytest.fixture
def assigned(company):
    return factories.assigned(company.colleague, company.supervisor, company.manager)
