"""manage.py check_data: what was stored wrongly before the gates stood is listed, and mended only when asked for."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from crm.data_check.findings import VERB, mend
from crm.data_check.kinds import KINDS
from customers.models import ChurnCase, Contact, Customer, Interaction, Order, OrderLine, RevenueYear
from customers.records.models import CustomerGrant, Ownership
from kit.audit.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db


def check(*words: str) -> str:
    out = StringIO()
    call_command("check_data", *words, stdout=out)
    return out.getvalue()


def wrong(record, **values):
    """Past the gates, as earlier releases stored it."""
    type(record)._base_manager.filter(pk=record.pk).update(**values)
    return record


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(manager=company.manager, name="海河水务")


def test_an_orderly_database_has_nothing_to_tell(customer):
    factories.order(customer)
    assert check().endswith("没有发现存错的数据。\n")


def test_what_is_wrong_is_listed_with_its_link_and_left_alone(customer, settings):
    settings.CRM_BASE_URL = "https://crm.example.com"
    wrong(customer, phone="1.38E+10", name="海\u200b河水务", registered_capital=Decimal(5_000_000))
    wrong(customer, cooperation_since=date(2454, 2, 26))
    before = list(Customer.objects.filter(pk=customer.pk).values())
    said = check()
    assert "电话：1.38E+10 → 表格软件把号码缩写了" in said
    assert "改为「海河水务」" in said
    assert "当时的 202403 是年月，改为 2024-03-01" in said
    assert "应为 500.00 万元" in said
    assert f"https://crm.example.com/customers/{customer.pk}/" in said
    assert "共 4 处，其中 3 处有改正后的值，可用 --fix 改正；其余请打开核对。什么都没有改动。" in said
    assert list(Customer.objects.filter(pk=customer.pk).values()) == before
    assert not AuditEntry.objects.filter(verb=VERB).exists()


def test_what_has_one_right_value_is_mended_with_an_audit_row_each(customer):
    contact = Contact.objects.create(
        customer=customer, name="李\u202e工", position="科长", office_phone="010-5555 6666"
    )
    wrong(customer, name="海\u200b河水务", cooperation_since=date(2454, 2, 26))
    said = check("--fix")
    customer.refresh_from_db()
    contact.refresh_from_db()
    assert (customer.name, customer.cooperation_since, contact.name) == ("海河水务", date(2024, 3, 1), "李工")
    assert customer.name_normalized == "海河水务"
    entries = AuditEntry.objects.filter(verb=VERB).order_by("pk")
    assert [entry.actor_name for entry in entries] == ["系统"] * 3
    assert {label for entry in entries for label in entry.changes} == {"名称", "建立合作日期", "姓名"}
    assert "改正了 3 处" in said
    assert check().endswith("没有发现存错的数据。\n")


def test_a_guess_is_mended_only_when_it_is_named(customer):
    wrong(customer, registered_capital=Decimal(5_000_000))
    check("--fix")
    customer.refresh_from_db()
    assert customer.registered_capital == 5_000_000
    check("--only", "sums", "--fix")
    customer.refresh_from_db()
    assert customer.registered_capital == 500


@pytest.mark.parametrize(
    ("stored", "normal"),
    [("91110000600037341l", "91110000600037341L"), ("9111 0000 6000 3734 1L", "91110000600037341L")],
)
def test_codes_are_brought_into_one_spelling(stored, normal, customer):
    with connection.cursor() as cursor:  # the field itself would store it normalised
        cursor.execute("UPDATE customers_customer SET license_number = %s WHERE id = %s", [stored, customer.pk])
    check("--fix")
    customer.refresh_from_db()
    assert customer.license_number == normal


def test_a_number_that_another_has_already_stays_and_is_said(customer, company):
    factories.CustomerFactory(manager=company.manager, external_number="C7")
    wrong(customer, external_number="Ｃ7")
    assert "没有改：另一条记录已经使用改正后的值" in check("--fix")
    customer.refresh_from_db()
    assert customer.external_number == "Ｃ7"


def test_days_of_the_past_that_lie_ahead_are_listed_for_a_person(customer, company):
    talk = factories.interaction(customer, company.manager)
    wrong(talk, on=timezone.localdate() + timedelta(days=200))
    said = check("--fix")
    assert "已经发生的事，日期不能晚于今天" in said
    assert Interaction.objects.get(pk=talk.pk).on > timezone.localdate()


def test_a_positive_return_takes_from_the_revenue_again(customer):
    order = wrong(factories.order(customer), status="returned")
    year = timezone.localtime(order.ordered_at).year
    check("--fix")
    order.refresh_from_db()
    assert order.total == Decimal("-12800.5")
    assert OrderLine.objects.get(order=order).amount == Decimal("-12800.5")
    assert RevenueYear.objects.get(customer=customer, year=year).amount == Decimal("-12800.5")
    assert AuditEntry.objects.get(verb=VERB).changes["总金额"] == ["12800.5000000", "-12800.5000000"]


def test_a_case_that_a_merge_ended_is_recognised_when_it_is_named(company):
    case = factories.churn_case(company.manager)
    gone = factories.CustomerFactory(manager=company.manager)
    wrong(gone, merged_into=case.customer, deleted_at=timezone.now())
    wrong(case, status="won_back", confirmed_at=timezone.now(), closed_at=timezone.now(), lost_reason="x")
    assert "可能因合并而结束" in check()
    check("--fix")
    assert ChurnCase.objects.get(pk=case.pk).status == "won_back"
    check("--only", "merged", "--fix")
    assert ChurnCase.objects.get(pk=case.pk).status == "merged"


def test_a_share_older_than_the_persons_own_time_is_withdrawn(customer, company):
    customer.share(company.colleague, by=company.manager, kind="change")
    later = timezone.now() + timedelta(minutes=1)
    Ownership.objects.create(
        customer=customer, manager=company.colleague, since=later, until=later + timedelta(minutes=1)
    )
    assert "从前的共享还在" in check()
    check("--fix")
    assert not CustomerGrant.objects.exists()
    assert AuditEntry.objects.filter(verb=VERB).exists()


def test_customers_their_creator_no_longer_sees_are_named(company):
    made = factories.CustomerFactory(manager=company.manager)
    wrong(made, created_by=company.stranger)
    assert f"{company.stranger} 不再因为创建而看到它" in check()
    assert Customer.objects.get(pk=made.pk).created_by == company.stranger


def test_one_kind_alone_is_checked_when_it_is_named(customer):
    wrong(customer, phone="1.38E+10", cooperation_since=date(2454, 2, 26))
    said = check("--only", "days")
    assert "2454-02-26" in said
    assert "1.38E+10" not in said


def test_a_value_changed_meanwhile_is_not_written_over(customer, monkeypatch):
    wrong(customer, cooperation_since=date(2454, 2, 26))
    days = next(kind for kind in KINDS if kind.code == "days")
    (finding,) = list(days.find())
    wrong(customer, cooperation_since=date(2020, 1, 1))
    assert mend(finding) == "刚刚有人改过，请再检查一次"
    customer.refresh_from_db()
    assert customer.cooperation_since == date(2020, 1, 1)


def test_orders_of_the_future_are_put_right_where_they_come_from(customer):
    order = factories.order(customer)
    wrong(order, ordered_at=timezone.now() + timedelta(days=40))
    said = check("--fix")
    assert "请在销售系统改正后重新同步" in said
    assert Order.objects.get(pk=order.pk).ordered_at > timezone.now()
