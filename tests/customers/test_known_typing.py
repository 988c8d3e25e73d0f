"""Already known? While a customer or an opportunity is typed, and who learns what of it."""

from __future__ import annotations

import pytest

from customers.records.lookup_limits import ANSWER_VERB, MAX_ANSWERS_PER_MINUTE
from kit.audit.models import AuditEntry
from tests import factories
from tests.html import find_all, links, text

pytestmark = pytest.mark.django_db

CUSTOMERS, OPPORTUNITIES = "/customers/known/", "/marketing/opportunities/known/"


def told():
    return AuditEntry.objects.filter(verb=ANSWER_VERB).count()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"name": "唐山暄和玻璃"}, "名称相近"),
        ({"name": "暄和玻璃"}, "名称相近"),
        ({"name": "唐山轩和玻璃制品有限公司"}, "读音相同"),
        ({"name": "唐山轩和玻璃"}, "读音相近"),
        ({"phone": "+86 315 5555 0001"}, "电话相同"),
    ],
)
def test_in_view_it_is_found_by_part_sound_and_number_with_a_link_and_advice(typed, why, company, sign_in):
    known = factories.CustomerFactory(name="唐山暄和玻璃制品有限公司", manager=company.manager, phone="0315-5555 0001")
    answer = sign_in(company.manager).post(CUSTOMERS, typed)
    assert links(answer) == [(f"唐山暄和玻璃制品有限公司（{known.number}）", known.get_absolute_url())]
    assert f"{why}。请打开核对；是同一家就不用再建" in text(answer)
    assert told() == 0


@pytest.mark.parametrize(
    ("typed", "is_told"),
    [
        ({"name": "唐山暄和玻璃制品（有限公司）"}, True),
        ({"phone": "0315 55550001"}, True),
        ({"name": "唐山暄和玻璃"}, False),
        ({"name": "唐山轩和玻璃制品有限公司"}, False),
        ({"phone": "55550001"}, False),
    ],
)
def test_outside_the_view_only_the_exact_name_or_full_number_and_no_link(typed, is_told, company, sign_in):
    factories.CustomerFactory(name="唐山暄和玻璃制品有限公司", manager=company.stranger, phone="0315-5555 0001")
    answer = sign_in(company.manager).post(CUSTOMERS, typed)
    assert find_all(answer, "a") == []
    assert ("客户经理 外人甲" in text(answer), told()) == (is_told, int(is_told))
    if is_told:
        assert "请与外人甲联系" in text(answer)


def test_an_open_opportunity_is_known_to_whoever_types_the_next(company, sign_in):
    mine = factories.opportunity(company.manager, customer_name="唐山暄和玻璃制品有限公司")
    factories.opportunity(company.stranger, customer_name="海外暄和玻璃")
    client = sign_in(company.manager)
    answer = client.post(OPPORTUNITIES, {"customer_name": "唐山暄和玻璃"})
    assert [url for _, url in links(answer)] == [mine.get_absolute_url()]
    assert "请在这个机会里继续，不用再建。" in text(answer)
    assert "创建人 外人甲" in text(client.post(OPPORTUNITIES, {"customer_name": "海外暄和玻璃"}))
    assert text(client.post(f"{OPPORTUNITIES}?but={mine.pk}", {"customer_name": "唐山暄和玻璃"})) == ""


def test_whoever_enters_a_customer_is_told_of_its_open_opportunity_too(company, sign_in):
    mine = factories.opportunity(company.manager, customer_name="唐山暄和玻璃制品有限公司")
    client = sign_in(company.manager)
    answer = client.post(CUSTOMERS, {"name": "唐山暄和玻璃"})
    assert [url for _, url in links(answer)] == [mine.get_absolute_url()]
    assert "写明理由再保存" in text(client.post("/customers/new/", {"name": "唐山暄和玻璃"}))


def test_the_same_record_is_counted_once_a_minute_and_thirty_are_the_most(company, sign_in):
    factories.CustomerFactory(name="别人的单位", manager=company.stranger)
    factories.CustomerFactory(name="自己的单位", manager=company.manager)
    client = sign_in(company.manager)
    for _ in range(3):
        assert "外人甲" in text(client.post(CUSTOMERS, {"name": "别人的单位"}))
    assert told() == 1
    for number in range(MAX_ANSWERS_PER_MINUTE - 1):
        factories.CustomerFactory(name=f"第{number}家海外单位", manager=company.stranger)
        assert "外人甲" in text(client.post(CUSTOMERS, {"name": f"第{number}家海外单位"}))
    factories.CustomerFactory(name="最后一家海外单位", manager=company.stranger)
    last = text(client.post(CUSTOMERS, {"name": "最后一家海外单位"}))
    assert ("外人甲" in last, "暂停提示范围外的" in last, told()) == (False, True, MAX_ANSWERS_PER_MINUTE)
    assert "自己的单位" in text(client.post(CUSTOMERS, {"name": "自己的单位"}))
    assert "暂停" in text(client.post(CUSTOMERS, {"name": "没有这家单位"}))  # silence would be an answer too


def test_a_look_up_that_finds_more_than_is_left_uses_it_up(company, sign_in):
    for number in range(MAX_ANSWERS_PER_MINUTE + 1):
        factories.CustomerFactory(name=f"第{number}家", phone=f"0315-5555{number:04}", manager=company.stranger)
    client = sign_in(company.manager)
    for number in range(MAX_ANSWERS_PER_MINUTE - 1):
        client.post(CUSTOMERS, {"name": f"第{number}家"})
    both = {"name": f"第{MAX_ANSWERS_PER_MINUTE - 1}家", "phone": f"03155555{MAX_ANSWERS_PER_MINUTE:04}"}
    assert "外人甲" not in text(client.post(CUSTOMERS, both))
    assert told() == MAX_ANSWERS_PER_MINUTE
    assert "暂停" in text(client.post(CUSTOMERS, {**both, "phone": "0315-99990000"}))  # whether it exists or not


@pytest.mark.parametrize(
    "typed", [{}, {"name": "x"}, {"name": "a\x00b"}, {"name": "长" * 500}, {"phone": "9" * 90}, {"o": "1"}]
)
def test_odd_input_finds_nothing_and_breaks_nothing(typed, company, sign_in):
    client = sign_in(company.manager)
    for url in (CUSTOMERS, f"{CUSTOMERS}?but=99999999999999999999", OPPORTUNITIES):
        answer = client.post(url, typed)
        assert (answer.status_code in (200, 400), text(answer) if answer.status_code == 200 else "") == (True, "")


def test_the_fields_of_both_forms_ask_while_typing(company, sign_in):
    client = sign_in(company.manager)
    for page, names in (("/customers/new/", 4), ("/marketing/opportunities/new/", 2)):
        places = find_all(client.get(page), "[data-known]")
        assert len(places) == names
        assert {place.get("hx-post") for place in places} <= {CUSTOMERS, OPPORTUNITIES}


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"name": "钱国栋"}, "同名"),
        ({"mobile": "+86 138 0013 8000"}, "电话相同"),
        ({"office_phone": "13800138000"}, "电话相同"),
        ({"wechat": "QIAN_gd"}, "微信号相同"),
        ({"wechat": "13800138000"}, "电话相同"),
    ],
)
def test_a_contact_is_known_within_its_customer_while_it_is_typed(typed, why, company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    values = {"name": "钱国栋", "position": "采购主管", "mobile": "13800138000", "wechat": "qian_gd"}
    contact = factories.ContactFactory(customer=customer, **values)
    client, url = sign_in(company.manager), f"{customer.get_absolute_url()}contacts/known/"
    answer = client.post(url, typed)
    assert links(answer) == [("钱国栋", f"{customer.get_absolute_url()}contacts/{contact.pk}/edit/")]
    assert f"职位 采购主管，{why}" in text(answer)
    assert text(client.post(f"{url}?but={contact.pk}", typed)) == ""  # the one that is edited
    other = factories.CustomerFactory(manager=company.manager)
    assert text(client.post(f"{other.get_absolute_url()}contacts/known/", typed)) == ""
    assert told() == 0


def test_contacts_of_a_hidden_customer_are_not_told(company, sign_in):
    customer = factories.CustomerFactory(manager=company.stranger)
    factories.ContactFactory(customer=customer, name="钱国栋")
    url = f"{customer.get_absolute_url()}contacts/known/"
    assert sign_in(company.manager).post(url, {"name": "钱国栋"}).status_code == 404
    assert sign_in(company.executive).post(url, {"name": "钱国栋"}).status_code == 403


def test_the_contact_form_asks_from_page_and_dialog(company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    contact = factories.ContactFactory(customer=customer)
    client, base = sign_in(company.manager), f"{customer.get_absolute_url()}contacts/"
    for headers in ({}, {"HX-Request": "true"}):
        places = find_all(client.get(f"{base}new/", headers=headers), ".known")
        assert [place.get("id") for place in places] == [
            "known-name",
            "known-mobile",
            "known-office_phone",
            "known-wechat",
        ]
        assert {place.get("hx-post") for place in places} == {f"{base}known/"}
        assert {place.get("hx-target") for place in places} == {"this"}  # not the dialog around it
    place = find_all(client.get(f"{base}{contact.pk}/edit/"), ".known")[0]
    assert place.get("hx-post") == f"{base}known/?but={contact.pk}"
