"""An upgrade ends with the yearly figures made."""

from __future__ import annotations

import pytest

from customers.apps import fill_new_tables
from customers.models import RevenueYear
from tests import factories

pytestmark = pytest.mark.django_db
UPGRADE = [("customers.0015", False)]


def test_nothing_is_made_on_the_way_back_or_where_nothing_ran(company):
    factories.order(factories.CustomerFactory(manager=company.manager), number="S1")
    RevenueYear.objects.all().delete()
    for plan in ([], [("customers.0015", True)]):
        fill_new_tables("default", plan=plan)
    assert not RevenueYear.objects.exists()


def test_an_upgrade_that_brought_the_table_leaves_it_filled(company):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.order(customer, number="S1")
    RevenueYear.objects.all().delete()
    fill_new_tables("default", plan=UPGRADE)
    assert RevenueYear.objects.filter(customer=customer).exists()


def test_an_upgrade_that_finds_figures_leaves_them_alone(company):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.order(customer, number="S1")
    kept = RevenueYear.objects.get(customer=customer).pk
    fill_new_tables("default", plan=UPGRADE)
    assert RevenueYear.objects.get(customer=customer).pk == kept
