"""提前预警: who has an alert, what its owner may do about it, and the money at risk."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from customers.churn.scan import scan_churn
from customers.insight.alerts import AlertLevel, customers_alerted
from customers.insight.models import alert_of
from customers.insight.risk import Risk, money_at_risk, risk_by_manager, store_month_end
from customers.models import Alert, AlertPause, ChurnCase, Customer, CustomerMetrics, RiskMonth, merge_customers
from customers.sync.orders import write_orders
from kit.audit.models import AuditEntry
from kit.domain.days import add_months
from kit.domain.verdict import Refused
from tests import factories
from tests.customers.feeds import ORDER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_holidays")]
TODAY = timezone.localdate()
REASON = "工厂搬迁，九月前不采购"


@pytest.fixture
def red(company):
    return factories.late_customer(company.manager, silent=90)


def pause(customer, by, days=30, reason=REASON):
    return alert_of(customer).pause(by=by, until=TODAY + timedelta(days=days), reason=reason)


@pytest.mark.parametrize(("silent", "level"), [(61, None), (62, "amber"), (79, "amber"), (80, "red")])
def test_the_level_follows_the_customers_own_rhythm(company, silent, level):
    customer = factories.late_customer(company.manager, silent=silent)
    alert = alert_of(customer)
    assert (alert and alert.level) == level
    for one in AlertLevel:
        assert Customer.objects.filter(customers_alerted(TODAY, one)).exists() == (level == one)
    if alert:
        assert alert.alert_level == level
        assert alert.sentence.startswith(f"该客户通常约 34 天下单一次（多在 23–49 天内），已 {silent} 天未下单")


def test_lost_and_deleted_customers_and_those_with_an_open_case_have_none(company, red):
    assert alert_of(red) is not None
    for values in ({"status": "lost"}, {"deleted_at": timezone.now()}):
        with transaction.atomic():
            Customer.objects.filter(pk=red.pk).update(**values)
            assert alert_of(red) is None
            transaction.set_rollback(True)
    case = alert_of(red).list_as_warning(by=company.manager)
    assert alert_of(red) is None
    ChurnCase.objects.filter(pk=case.pk).update(status="resolved", closed_at=timezone.now())
    assert alert_of(red) is not None


def test_only_its_owner_pauses_an_alert_and_supervisors_still_see_it(company, red):
    for person in (company.supervisor, company.colleague, company.executive, company.eastern):
        with pytest.raises(Refused):
            pause(red, person)
    pause(red, company.manager)
    assert alert_of(red).paused_until == TODAY + timedelta(days=30)
    alerts = Alert.objects.alerted(TODAY)
    assert alerts.visible_to(company.supervisor).get().pause_reason == REASON
    assert not alerts.without_paused().exists()
    assert not alerts.visible_to(company.eastern).exists()
    entry = AuditEntry.objects.get(verb="暂不提醒")
    assert (entry.actor, entry.object_id, entry.changes["原因"][1]) == (company.manager, red.pk, REASON)


@pytest.mark.parametrize(("days", "reason"), [(181, REASON), (-1, REASON), (10, "  ")])
def test_a_pause_has_a_reason_and_ends_within_half_a_year(company, red, days, reason):
    with pytest.raises(Refused):
        pause(red, company.manager, days, reason)
    assert not AlertPause.objects.exists()


def test_a_pause_is_replaced_by_another_and_over_after_its_day(company, red):
    pause(red, company.manager, 180)
    pause(red, company.manager, 5, "已约好下周拜访")
    assert AlertPause.objects.open().get().reason == "已约好下周拜访"
    AlertPause.objects.update(until=TODAY - timedelta(days=1))
    assert Alert.objects.alerted(TODAY).without_paused().get().paused_until is None


def test_a_case_opened_by_hand_takes_the_place_of_a_pause(company, red):
    pause(red, company.manager, 180)
    case = alert_of(red).list_as_warning(by=company.manager)
    assert AlertPause.objects.get().closed_at is not None
    ChurnCase.objects.filter(pk=case.pk).update(status="resolved", closed_at=timezone.now())
    assert Alert.objects.alerted(TODAY).without_paused().get().paused_until is None
    assert AuditEntry.objects.filter(verb="结束暂不提醒").get().object_text == str(red)


def test_a_handed_over_customer_does_not_keep_the_former_owners_pause(company, red):
    pause(red, company.manager, 180)
    other = factories.late_customer(company.manager, silent=90)
    pause(other, company.manager, 180)
    red.transfer(company.colleague, by=company.supervisor, reason="调整分工")
    assert not AlertPause.objects.open().filter(customer=red).exists()
    assert AlertPause.objects.open().get().customer == other
    assert alert_of(red).paused_until is None


@pytest.mark.parametrize("act", ["pause", "list_as_warning"])
def test_an_alert_is_acted_on_as_it_is_now_not_as_the_list_read_it(act, company, red):
    """The list was read before somebody opened a case, so its row still says red."""
    row = alert_of(red)
    assert (row.as_of, row.level) == (TODAY, AlertLevel.RED)
    alert_of(red).list_as_warning(by=company.manager)
    values = {"until": TODAY, "reason": REASON} if act == "pause" else {}
    with pytest.raises(Refused, match="未结束的流失预警"):
        getattr(row, act)(by=company.manager, **values)
    assert not AlertPause.objects.exists()
    assert ChurnCase.objects.count() == 1


def test_a_purchase_takes_alert_and_pause_away_in_the_syncs_transaction(company, red):
    pause(red, company.manager)
    with transaction.atomic():
        write_orders(
            [{**ORDER, "number": "S-NEW", "customer_number": "X", "ordered_at": timezone.now()}], {"X": red.pk}
        )
        assert alert_of(red) is None
        assert not AlertPause.objects.open().exists()
        assert AuditEntry.objects.filter(verb="结束暂不提醒", object_id=red.pk).exists()


def test_listed_by_hand_a_case_says_by_whom_and_is_opened_once(company, red):
    alert, again = alert_of(red), alert_of(red)
    case = alert.list_as_warning(by=company.manager)
    assert (case.status, case.get_origin_display(), case.opened_by) == ("warning", "人工", company.manager)
    assert case.last_purchase_on == TODAY - timedelta(days=90)
    with pytest.raises(Refused, match="未结束的流失预警"):
        again.list_as_warning(by=company.manager)
    assert scan_churn().opened == 0
    with pytest.raises(Refused):
        alert_of(factories.late_customer(company.manager)).list_as_warning(by=company.supervisor)


def test_the_scans_cases_are_its_own(company, red):
    alert_of(red).list_as_warning(by=company.manager)
    case = factories.churn_case(company.manager)
    assert (case.origin, case.opened_by) == ("scan", None)


def test_without_an_alert_nothing_is_paused(company):
    customer = factories.late_customer(company.manager, silent=10)
    row = Alert.objects.get(customer=customer)
    assert not row.can_pause(company.manager)
    with pytest.raises(Refused, match="没有提前预警"):
        row.pause(by=company.manager, until=TODAY, reason=REASON)


@pytest.mark.parametrize(("until", "left"), [(5, 5), (0, 0), (-1, 9)])
def test_a_merge_leaves_one_open_pause_the_survivors_unless_it_is_over(company, until, left):
    one, other = (factories.late_customer(company.manager) for _ in range(2))
    row = pause(one, company.manager, 5)
    AlertPause.objects.filter(pk=row.pk).update(until=TODAY + timedelta(days=until))
    pause(other, company.manager, 9)
    merge_customers(one, [other], by=company.supervisor, reason="同一家公司")
    assert AlertPause.objects.filter(customer=one).count() == 2
    assert AlertPause.objects.open().get().until == TODAY + timedelta(days=left)


@pytest.mark.parametrize(("paused_days_ago", "is_open"), [(0, True), (65, True), (75, False)])
def test_only_a_purchase_after_a_pause_ends_it_in_a_merge(company, paused_days_ago, is_open):
    survivor, other = (factories.late_customer(company.manager, silent=silent) for silent in (90, 70))
    row = pause(survivor, company.manager)
    AlertPause.objects.filter(pk=row.pk).update(at=row.at - timedelta(days=paused_days_ago))
    merge_customers(survivor, [other], by=company.supervisor, reason="同一家公司")
    assert AlertPause.objects.open().exists() is is_open
    assert AuditEntry.objects.filter(verb="结束暂不提醒").exists() is not is_open


@pytest.fixture
def at_risk(company):
    """One customer of each kind for the manager, worth 1, 20, 300 and 4000; a red one of a colleague worth 50000."""
    made = [factories.late_customer(company.manager, silent=silent) for silent in (90, 70, 90, 90)]
    pause(made[0], company.manager)
    alert_of(made[2]).list_as_warning(by=company.manager)
    deferred = alert_of(made[3]).list_as_warning(by=company.manager)
    deferred.defer(by=company.manager, kind=factories.entry("暂缓措施", "拜访"), text="拜访")
    made.append(factories.late_customer(company.eastern, silent=90))
    for customer, amount in zip(made, (1, 20, 300, 4000, 50000), strict=True):
        CustomerMetrics.objects.filter(customer=customer).update(net_12m=amount)
    worthless = factories.late_customer(company.manager, silent=90)
    CustomerMetrics.objects.filter(customer=worthless).update(net_12m=-9)
    factories.late_customer(company.manager, silent=10)


def test_money_at_risk_counts_each_customer_once(company, at_risk):
    everybody = money_at_risk(Customer.objects.current(), TODAY)
    assert everybody == Risk(Decimal(50001), Decimal(20), Decimal(300), Decimal(4000))
    assert everybody.total == 54321
    mine = money_at_risk(Customer.objects.visible_to(company.manager), TODAY)
    assert mine.red == 1
    assert money_at_risk(Customer.objects.none(), TODAY).total == 0
    assert risk_by_manager(Customer.objects.current(), TODAY).keys() == {company.manager.pk, company.eastern.pk}


def test_a_month_end_is_stored_once_in_the_first_days_of_the_next(company, at_risk, monkeypatch):
    first = add_months(TODAY.replace(day=1), 1)
    factories.CustomerFactory(manager=company.colleague)
    monkeypatch.setattr("customers.insight.risk.timezone.localdate", lambda: first.replace(day=6))
    assert store_month_end(TODAY) == 0
    monkeypatch.setattr("customers.insight.risk.timezone.localdate", lambda: first.replace(day=2))
    assert store_month_end(TODAY) == 3
    assert store_month_end(TODAY) == 0
    row = RiskMonth.objects.get(manager=company.manager)
    assert (row.month_end, row.red, row.amber, row.warning, row.deferred) == (
        first - timedelta(days=1), 1, 20, 300, 4000,
    )  # fmt: skip
    assert RiskMonth.objects.get(manager=company.colleague).red == 0
