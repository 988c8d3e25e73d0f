"""Two writers of one customer's figures at once, on PostgreSQL with real threads; the control run has no lock."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers.insight import metrics
from customers.insight import models as insight
from customers.insight.metrics import refresh_metrics
from customers.insight.models import alert_of
from customers.insight.nightly import describe_metric_differences
from customers.models import AlertPause, CustomerMetrics, Order
from tests import factories
from tests.races import ON_POSTGRESQL, before

pytestmark = ON_POSTGRESQL


@pytest.fixture
def two_orders(company, monkeypatch):
    """The second order arrives while the first is counted and not committed."""
    customer = factories.CustomerFactory(manager=company.manager)
    moment = before(monkeypatch, metrics, "close_answered_pauses")

    def arrive(number):
        with transaction.atomic():
            Order.objects.create(
                number=number, customer=customer, ordered_at=timezone.now(), status="paid", total=Decimal(100)
            )
            refresh_metrics([customer.pk])

    return lambda: moment.overtake(lambda: arrive("S1"), lambda: arrive("S2"))


def test_of_two_orders_at_once_both_are_in_the_figures(two_orders):
    assert two_orders() == (None, None)
    assert CustomerMetrics.objects.get().net_12m == 200
    assert describe_metric_differences() == []


def test_control_without_the_lock_one_is_missing_and_the_check_sees_it(two_orders, monkeypatch):
    monkeypatch.setattr(metrics, "lock_customers", lambda keys: None)
    two_orders()
    assert CustomerMetrics.objects.get().net_12m == 100
    assert len(describe_metric_differences()) == 1


@pytest.fixture
def two_pauses(company, no_holidays, monkeypatch):
    customer = factories.late_customer(company.manager)
    moment = before(monkeypatch, insight, "log_event")

    def pause(days):
        until = timezone.localdate() + timedelta(days=days)
        alert_of(customer).pause(by=company.manager, until=until, reason="年度大修")

    return lambda: moment.overtake(lambda: pause(5), lambda: pause(9))


def test_of_two_pauses_at_once_the_second_replaces_the_first(two_pauses):
    assert two_pauses() == (None, None)
    assert AlertPause.objects.count() == 2
    assert AlertPause.objects.open().get().until == timezone.localdate() + timedelta(days=9)


def test_control_without_locks_the_database_refuses_the_second(two_pauses, monkeypatch):
    monkeypatch.setattr("kit.transitions.lock_row", lambda row: row.refresh_from_db())
    assert any(isinstance(result, IntegrityError) for result in two_pauses())
