"""Two changes of one customer's orders at once, on PostgreSQL with real threads; the control run has no lock."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from customers.models import Order, Ownership, RevenueChange, RevenueYear, refresh_revenue
from customers.orders import rollups
from customers.orders.rollups import describe_differences
from tests import factories
from tests.races import ON_POSTGRESQL, before

pytestmark = ON_POSTGRESQL


@pytest.fixture
def customer(company):
    made = factories.CustomerFactory(manager=company.manager)
    Ownership.objects.filter(customer=made).update(since=timezone.now() - timedelta(days=900))
    return made


@pytest.fixture
def two_orders(customer, monkeypatch):
    """The second order arrives while the first is counted and not committed."""
    moment = before(monkeypatch, RevenueChange.objects, "create")

    def arrive(number):
        with transaction.atomic():
            Order.objects.create(
                number=number, customer=customer, ordered_at=timezone.now(), status="paid", total=Decimal(100)
            )
            refresh_revenue([customer.pk])

    return lambda: moment.overtake(lambda: arrive("S1"), lambda: arrive("S2"))


def test_of_two_orders_at_once_both_are_counted(two_orders):
    assert two_orders() == (None, None)
    assert RevenueYear.objects.get().amount == 200
    assert describe_differences() == []


def test_control_without_the_lock_one_is_lost_and_the_check_sees_it(two_orders, monkeypatch):
    monkeypatch.setattr(rollups, "lock_customers", lambda keys: None)
    two_orders()
    assert RevenueYear.objects.get().amount == 100
    assert len(describe_differences()) == 2  # of the year and of the month


def test_an_order_and_a_transfer_at_once(customer, company, monkeypatch):
    """An order of a later date is counted under the former 客户经理 while the customer goes to another."""
    moment = before(monkeypatch, RevenueChange.objects, "create")

    def arrive():
        with transaction.atomic():
            later = timezone.now() + timedelta(hours=20)
            Order.objects.create(number="S1", customer=customer, ordered_at=later, status="paid", total=Decimal(100))
            refresh_revenue([customer.pk])

    moment.overtake(arrive, lambda: customer.transfer(company.colleague, by=company.supervisor, reason="调整"))
    assert RevenueYear.objects.get().manager == company.colleague
    assert describe_differences() == []
