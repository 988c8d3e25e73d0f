"""Two at once around churn cases, on PostgreSQL with real threads; each race has a control run without its guard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.models import Notification
from customers.churn import scan as churn_scan
from customers.churn.scan import resolve_by_purchases, scan_churn
from customers.models import ChurnCase, Customer, TimelineEntry
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from tests import factories
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL
TODAY = timezone.localdate()


# Two scans


@pytest.fixture
def two_scans(company, monkeypatch):
    """The second scan runs while the first has inserted its cases and not committed."""
    for _ in range(5):
        factories.silent_customer(company.manager)
    moment = before(monkeypatch, churn_scan, "_notify_managers")
    return lambda: moment.overtake(scan_churn, scan_churn)


def test_of_two_scans_at_once_one_works(two_scans, company):
    first, second = two_scans()
    assert (first.opened, second.opened) == (5, 0)
    assert ChurnCase.objects.count() == TimelineEntry.objects.filter(kind="churn").count() == 5
    assert AuditEntry.objects.filter(verb="流失预警").count() == 5
    assert Notification.objects.filter(recipient=company.manager).count() == 1


def test_without_taking_turns_the_constraint_still_keeps_one_case_per_customer(two_scans, monkeypatch):
    monkeypatch.setattr(churn_scan, "take_scan_lock", lambda: None)
    first, second = two_scans()
    assert (first.opened, second.opened) == (5, 0)
    assert ChurnCase.objects.count() == TimelineEntry.objects.filter(kind="churn").count() == 5


def test_control_without_turn_and_constraint_customers_get_two_open_cases(two_scans, monkeypatch):
    monkeypatch.setattr(churn_scan, "take_scan_lock", lambda: None)
    (once,) = (c for c in ChurnCase._meta.constraints if c.name == "customers_one_open_case")
    with connection.schema_editor() as editor:
        editor.remove_constraint(ChurnCase, once)
    try:
        first, second = two_scans()
        assert (first.opened, second.opened) == (5, 5)
        assert ChurnCase.objects.count() == 10
    finally:
        ChurnCase.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(ChurnCase, once)


# A loss is confirmed while a purchase resolves the case


@pytest.fixture
def confirm_against_purchase(company, monkeypatch):
    case = factories.churn_case(company.manager)
    kind = factories.entry("流失原因", "价格")
    Customer.objects.filter(pk=case.customer_id).update(last_purchase_on=TODAY - timedelta(days=1))
    moment = before(monkeypatch, ChurnCase, "_save")
    mine = again(case)
    return lambda: (
        case,
        *moment.overtake(
            lambda: mine.confirm(by=company.manager, reason="价格", kind=kind),
            resolve_by_purchases,
        ),
    )


def test_a_purchase_waits_for_the_confirmation_and_then_leaves_the_loss_alone(confirm_against_purchase):
    case, first, second = confirm_against_purchase()
    assert first is None
    assert (second.resolved, second.won_back) == (0, 0)
    assert (again(case).status, again(case.customer).status) == ("confirmed", "lost")


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_the_confirmation_runs_into_the_resolution(confirm_against_purchase):
    case, first, second = confirm_against_purchase()
    assert second.resolved == 1
    assert isinstance(first, IntegrityError)  # the shape of a case at rest is the last guard
    assert again(case).status == "resolved"


# A purchase resolves the case while a loss is confirmed


@pytest.fixture
def purchase_against_confirm(company, monkeypatch):
    case = factories.churn_case(company.manager)
    kind = factories.entry("流失原因", "价格")
    Customer.objects.filter(pk=case.customer_id).update(last_purchase_on=TODAY - timedelta(days=1))
    moment = before(monkeypatch, churn_scan, "_purchase_text")  # after the update, before the end
    mine = again(case)
    return lambda: (
        case,
        *moment.overtake(
            resolve_by_purchases,
            lambda: mine.confirm(by=company.manager, reason="价格", kind=kind),
        ),
    )


def test_a_confirmation_that_comes_while_a_purchase_resolves_is_refused(purchase_against_confirm):
    case, first, second = purchase_against_confirm()
    assert first.resolved == 1
    assert isinstance(second, Refused)
    assert (again(case).status, again(case.customer).status) == ("resolved", "normal")


# Two managers' windows: one confirms twice


@pytest.fixture
def confirm_twice(company, monkeypatch):
    case = factories.churn_case(company.manager)
    kind = factories.entry("流失原因", "价格")
    moment = before(monkeypatch, ChurnCase, "_save")
    one, two = again(case), again(case)
    return lambda: (
        case,
        *moment.overtake(
            lambda: one.confirm(by=company.manager, reason="一", kind=kind),
            lambda: two.confirm(by=company.manager, reason="二", kind=kind),
        ),
    )


def test_a_loss_is_confirmed_once(confirm_twice, company):
    case, first, second = confirm_twice()
    assert first is None
    assert isinstance(second, Refused)
    assert again(case).lost_reason == "一"
    assert Notification.objects.filter(recipient=company.supervisor).count() == 1


@pytest.mark.usefixtures("without_lock")
def test_control_without_the_lock_it_is_confirmed_twice(confirm_twice, company):
    _, first, second = confirm_twice()
    assert (first, second) == (None, None)
    assert Notification.objects.filter(recipient=company.supervisor).count() == 2
