"""An upgrade ends with the yearly figures made."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from customers.models import RevenueYear
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_upgrade_that_brought_the_table_leaves_it_filled(company):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.order(customer, number="S1")
    RevenueYear.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert RevenueYear.objects.filter(customer=customer).exists()


def test_an_upgrade_that_finds_figures_leaves_them_alone(company):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.order(customer, number="S1")
    kept = RevenueYear.objects.get(customer=customer).pk
    call_command("migrate", verbosity=0)
    assert RevenueYear.objects.get(customer=customer).pk == kept
