"""Which records are the same: pure rules, what a page says of them, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from customers.imports.importing import with_derived_names
from customers.models import Contact, Customer
from customers.records.duplicates import (
    SearchTerms,
    _search_conditions,
    full_numbers,
    mobile_numbers,
    name_parts,
    similar_customers,
)
from customers.records.lookup_limits import ANSWER_VERB, MAX_ANSWERS_PER_MINUTE
from customers.sync.known_customers import Keys, _keys_condition, is_same_customer
from kit.audit.models import AuditEntry
from kit.domain.folding import fold_code
from kit.sql.text_index import Fold
from tests import factories
from tests.html import links, urls, value

NEW = "/customers/new/"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Keys(name="甲方"), Keys(name="甲方"), True),
        (Keys(external_number="C1", name="甲方"), Keys(name="甲方"), True),
        (Keys(external_number="C1", name="甲方"), Keys(external_number="C2", name="甲方"), False),
        (Keys(license_number="L1", name="甲方"), Keys(external_number="C2", name="甲方"), True),
        (Keys(license_number="L1", name="甲方"), Keys(license_number="L2", name="甲方"), False),
        (Keys(license_number="L1", name="甲方"), Keys(license_number="L1", name="乙方"), True),
        (Keys(external_number="C1", name="甲方"), Keys(external_number="C1", name="乙方"), True),
        (Keys(number="KH1", name="甲方"), Keys(number="KH1", name="乙方"), True),
        (Keys(name="甲方"), Keys(name="乙方"), False),
        (Keys(), Keys(), False),
    ],
)
def test_a_missing_number_is_not_one_that_differs(one, other, same):
    assert is_same_customer(one, other) is same
    assert is_same_customer(other, one) is same


def test_a_license_number_is_compared_without_width_case_spaces_and_dashes():
    assert fold_code(" ９111 0000-6000 3734 1l") == "91110000600037341L"


@pytest.mark.parametrize("text", ["+86 138-0013-8000", "008613800138000", "86 13800138000", "１３８００１３８０００"])
def test_a_mobile_number_is_one_however_it_is_written(text):
    assert mobile_numbers([text]) == {"13800138000"}
    assert full_numbers([text]) == {"13800138000"}


def test_a_fixed_line_is_found_with_and_without_the_area_codes_zero():
    assert full_numbers(["010-5555 0000", "+86 10 5555 0000", "(010) 55550000"]) == {"1055550000"}
    assert full_numbers(["12345"]) == set()


def test_parts_of_a_name_are_long_enough_to_be_a_name():
    assert name_parts("暄和玻璃") == {"暄和玻璃"}
    assert name_parts("唐山暄和玻璃") >= {"唐山暄和", "暄和玻璃", "唐山暄和玻璃"}
    assert name_parts("玻璃厂") == set()


# A new customer


@pytest.fixture
def values(db):
    fields = {"region": factories.entry("地区", "华北").pk, "level": factories.entry("客户等级", "普通客户").pk}
    return {
        "name": "全新单位",
        "satisfaction": "4",
        "credit": "3",
        "address": "某路",
        "phone": "0532-7777 1234",
        **fields,
    }


@pytest.mark.parametrize(
    "typed",
    [
        {"name": "唐山暄和玻璃"},
        {"name": "唐山暄和玻璃有限公司"},
        {"name": "河北唐山暄和玻璃制品集团"},
        {"name": "唐山轩和玻璃制品有限公司"},
        {"phone": "+86 (315) 5555-0001"},
        {"phone": "13800138000"},
    ],
    ids=["part", "part with an ending", "whole", "pinyin", "phone", "a contact's number"],
)
def test_in_view_a_customer_like_it_is_shown_with_a_link_and_taken_with_a_reason(typed, values, company, sign_in):
    known = factories.CustomerFactory(name="唐山暄和玻璃制品有限公司", manager=company.manager, phone="0315-5555 0001")
    factories.ContactFactory(customer=known, mobile="+86 138 0013 8000")
    client = sign_in(company.manager)
    page = client.post(NEW, {**values, **typed})
    assert (f"唐山暄和玻璃制品有限公司（{known.number}）", known.get_absolute_url()) in links(page, ".msg.amber a")
    assert "写明理由再保存" in page.content.decode()
    assert client.post(NEW, {**values, **typed, "duplicate_reason": "另一家"}).status_code == 302


@pytest.mark.parametrize(
    ("typed", "is_reported"),
    [
        ({"name": "唐山暄和玻璃"}, False),
        ({"name": "唐山轩和玻璃制品有限公司"}, False),
        ({"phone": "13800138000"}, False),
        ({"name": "唐山暄和玻璃制品 有限责任公司"}, True),
        ({"phone": "031555550001"}, True),
        ({"license_number": "91110000 60003734 1l"}, True),
        ({"external_number": "C1"}, True),
    ],
)
def test_outside_the_view_only_an_equal_name_or_a_full_number_is_reported(typed, is_reported, values, company, sign_in):
    known = factories.CustomerFactory(
        name="唐山暄和玻璃制品有限公司", manager=company.stranger, phone="0315-5555 0001",
        license_number="91110000600037341L", external_number="C1",
    )  # fmt: skip
    factories.ContactFactory(customer=known, mobile="+86 138 0013 8000")
    html = sign_in(company.manager).post(NEW, {**values, **typed}).content.decode()
    assert ("唐山暄和玻璃制品有限公司，客户经理 外人甲" in html) is is_reported
    assert known.number not in html
    assert AuditEntry.objects.about(known).filter(verb=ANSWER_VERB, actor=company.manager).exists() is is_reported


def test_a_match_that_appears_after_the_reason_was_given_needs_another_reason(values, company, sign_in):
    client = sign_in(company.manager)
    first = factories.CustomerFactory(name="全新单位", manager=company.manager)
    assert value(client.post(NEW, values), "confirm_existing") == f"customer:{first.pk}"
    answer = {**values, "duplicate_reason": "另一家", "confirm_existing": f"customer:{first.pk}"}
    factories.CustomerFactory(name="全新单位", manager=company.stranger)
    assert client.post(NEW, answer).status_code == 200
    assert Customer.objects.count() == 2


def test_only_a_renamed_customer_is_compared(values, company, sign_in):
    one = factories.CustomerFactory(name="甲方机械", manager=company.manager)
    factories.CustomerFactory(name="乙方机械", manager=company.manager)
    client = sign_in(company.manager)
    address = f"{one.get_absolute_url()}edit/"
    opened = client.get(address).context["form"].initial["opened"]
    sent = {**values, "phone": one.phone, "opened": opened}
    assert "写明理由再保存" in client.post(address, {**sent, "name": "乙方机械"}).content.decode()
    assert client.post(address, {**sent, "name": one.name, "address": "新地址"}).status_code == 302


# Thirty answers a minute


def count_often(by, count=MAX_ANSWERS_PER_MINUTE):
    AuditEntry.objects.bulk_create(
        AuditEntry(at=timezone.now(), actor=by, actor_name=str(by), verb=ANSWER_VERB) for _ in range(count)
    )


@pytest.mark.django_db
def test_after_thirty_answers_within_a_minute_the_check_is_paused_and_nothing_is_saved(values, company, sign_in):
    client = sign_in(company.manager)
    count_often(company.manager)
    html = client.post(NEW, values).content.decode()
    assert "查重暂停，没有保存。请过一分钟再保存" in html
    assert not Customer.objects.exists()
    opportunity = client.post("/marketing/opportunities/new/", factories.OPPORTUNITY)
    assert "查重暂停" in opportunity.content.decode()


def test_a_minute_later_and_for_others_the_check_goes_on(values, company, sign_in, monkeypatch):
    count_often(company.manager)
    assert sign_in(company.eastern).post(NEW, values).status_code == 302
    later = timezone.now() + timedelta(seconds=61)
    monkeypatch.setattr("customers.records.lookup_limits.timezone.now", lambda: later)
    assert sign_in(company.manager).post(NEW, {**values, "name": "另外一家", "phone": "0532-7"}).status_code == 302


def test_the_thirtieth_is_answered_and_the_next_is_not(values, company, sign_in):
    factories.CustomerFactory(name="别人的单位", manager=company.stranger)
    count_often(company.manager, MAX_ANSWERS_PER_MINUTE - 1)
    client = sign_in(company.manager)
    form = {**values, "name": "别人的单位"}
    assert "客户经理 外人甲" in client.post(NEW, form).content.decode()
    html = client.post(NEW, form).content.decode()
    assert "查重暂停" in html
    assert "外人甲" not in html


def test_a_customer_in_view_is_no_answer_from_beyond(values, company, sign_in):
    factories.CustomerFactory(name="自己的单位", manager=company.manager)
    sign_in(company.manager).post(NEW, {**values, "name": "自己的单位"})
    assert not AuditEntry.objects.filter(verb=ANSWER_VERB).exists()


def test_statements_of_a_check_do_not_grow_with_customers(company, django_assert_max_num_queries):
    for number in range(8):
        factories.CustomerFactory(name=f"海河水务{number}", manager=company.manager)
    with django_assert_max_num_queries(9):
        assert len(similar_customers(SearchTerms("海河水务", ("13800138000",)), company.manager)) == 5


# Contacts


@pytest.mark.parametrize(
    ("typed", "asks"),
    [
        ({"name": "高 峰"}, True),
        ({"mobile": "+86 138 0013 8000"}, True),
        ({"office_phone": "13800138000"}, True),
        ({"office_phone": "024-5555 6610"}, False),
        ({"wechat": "138 0013 8000"}, True),
        ({"wechat": "ＧaoFeng_hh"}, True),
        ({"wechat": "gaofenghh"}, False),
    ],
)
def test_a_contact_of_the_same_name_or_number_is_named_once(typed, asks, company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    other = factories.ContactFactory(customer=customer, mobile="13800138000", wechat="gaofeng_hh")
    factories.ContactFactory(customer=factories.CustomerFactory(manager=company.manager), name="王强")
    client, address = sign_in(company.manager), f"/customers/{customer.pk}/contacts/new/"
    sent = {"name": "王强", "position": "科长", "office_phone": "024-1111 2222", **typed}
    response = client.post(address, sent)
    assert (response.status_code == 200) is asks
    if asks:
        assert "这个客户已有联系人：高峰" in response.content.decode()
        assert f"/customers/{customer.pk}/contacts/{other.pk}/edit/" in urls(response)
        assert client.post(address, {**sent, "confirm_existing": f"contact:{other.pk}"}).status_code == 302
    assert Contact.objects.filter(customer=customer).count() == 2


# Read from indexes


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="plans are PostgreSQL's")
def test_no_look_up_reads_every_customer(company):
    Customer.objects.bulk_create(
        with_derived_names(
            Customer(number=f"X{n}", name=f"某某{n}机械有限公司", manager=company.manager, phone=f"010-{n}")
        )
        for n in range(4000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    sought = SearchTerms("某某机械制造", ("010-5555 0000",), "91110000600037341L", "C1")
    rows = Customer.objects.current().alias(license_folded=Fold("license_number"))
    for condition, _ in _search_conditions(sought, Q()):
        assert "Seq Scan on customers_customer" not in rows.filter(condition).explain()
    table = _keys_condition([Keys("KH1", "C1", "91110000600037341L", "某某机械制造")])
    assert "Seq Scan on customers_customer" not in rows.filter(table).explain()
