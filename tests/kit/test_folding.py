"""One form for names and one for numbers, alike in Python and in the database; and signs nobody sees."""

from __future__ import annotations

import unicodedata

import pytest
from django import forms
from django.db import connection
from django.urls import reverse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.models import Department, User
from customers.models import Contact, Customer
from customers.records.lookup_limits import LookupResult
from customers.sync.rows import normalize_cells, parse_order
from kit.domain.folding import (
    clean_text,
    fold_code,
    fold_name,
    fold_number,
    folding_table,
    has_invisible,
    is_folded_code,
    looks_like_number,
)
from kit.pages.forms import CrmForm
from services.requests.customer_search import find_customers
from tests import factories
from tests.html import rows, texts

STEADY = settings(deadline=None, derandomize=True, database=None)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
TYPED = st.text(st.sampled_from("0123456789８６+＋-() （）—.086转"), max_size=30)
EVERY_SIGN = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
BASIC = EVERY_SIGN[: 0xFFFF - 0x800]


@STEADY
@given(TEXT)
@example("İ")
@example("ͅ")
@example("㈱ｶﾞ①")
def test_folding_again_changes_nothing(text):
    assert fold_name(fold_name(text)) == fold_name(text)
    assert clean_text(clean_text(text)) == clean_text(text)
    assert fold_code(fold_code(text)) == fold_code(text)
    assert is_folded_code(fold_code(text))
    assert not has_invisible(clean_text(text))


@STEADY
@given(TYPED)
@example("+86+8600861")
@example("008695588")
@example("86 0 86 13800001111")
def test_folding_a_number_again_changes_nothing(number):
    assert fold_number(fold_number(number)) == fold_number(number)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("括号(集团)", "括号（集团）"),
        ("ABC", "ＡＢＣ"),
        ("ABC", "abc"),
        ("华腾·仪表 一厂", "华腾仪表一厂"),
        ("华\u200b腾\u202d仪表\ufeff", "华腾仪表"),
        ("⼭东", "山东"),
        ("ﾃﾞﾝｿｰ", "デンソー"),
        ("Söhne", "So\u0308hne"),
        ("㎡①", "m21"),
    ],
)
def test_these_are_the_same_name(one, other):
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize("text", ["——", "（）", "%", "·"])
def test_punctuation_alone_is_not_folded_away(text):
    assert fold_name(text) == text


@pytest.mark.parametrize(
    "number",
    [
        "053288881234",
        "0532-8888 1234",
        "（0532）8888-1234",
        "+86 532 8888 1234",
        "+86 0532 88881234",
        "0086-532-88881234",
        "8653288881234",
        "０５３２－８８８８１２３４",
        "\u202d0532\u00a08888 1234\u202c",
    ],
)
def test_these_are_the_same_number(number):
    assert fold_number(number) == "53288881234"
    assert looks_like_number(number)


@pytest.mark.parametrize("text", ["3M", "X-77", "一厂", "", "(", "2号机"])
def test_these_are_no_numbers(text):
    assert not looks_like_number(text)


# The database


def in_database(function, texts):
    """What the database's own function makes of each text."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"SELECT {function}(text) FROM unnest(%s::text[]) WITH ORDINALITY AS t(text, place) ORDER BY place",
                [texts],
            )
            return [row[0] for row in cursor.fetchall()]
        return [cursor.execute(f"SELECT {function}(%s)", [text]).fetchone()[0] for text in texts]


@pytest.mark.django_db
def test_the_database_folds_every_character_as_python_does():
    signs = EVERY_SIGN if connection.vendor == "postgresql" else BASIC[:3000]
    asked = [*signs, *(f"甲{sign}Z" for sign in BASIC[::3])]
    answered = in_database("crm_fold", asked)
    assert [text for text, found in zip(asked, answered, strict=True) if found != fold_name(text)] == []


@pytest.mark.django_db
@STEADY
@given(st.lists(TEXT, min_size=20, max_size=60), st.lists(TYPED, min_size=20, max_size=60))
def test_the_database_folds_texts_and_numbers_as_python_does(texts, numbers):
    assert in_database("crm_fold", texts) == [fold_name(text) for text in texts]
    assert in_database("crm_fold_number", numbers) == [fold_number(number) for number in numbers]


def test_only_characters_that_every_version_of_unicode_knows_are_folded_to_others():
    """What was assigned after Unicode 3.2 keeps its form or goes; so no two versions of Python disagree."""
    old = unicodedata.ucd_3_2_0
    assert {text for code, text in folding_table().items() if text and old.category(chr(code)) == "Cn"} == set()


VARIANTS = [str, str.upper, lambda text: f" {text}（", "·".join, lambda text: f"{text}\u200b"]
VARIANTS.append(lambda text: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text))


@pytest.mark.django_db
@pytest.mark.parametrize("stored", ["括号（集团）", "ＡＢＣ仪表", "Söhne & Co.", "a%b_c", "3M 中国", "——"])
def test_a_stored_name_is_found_by_every_text_that_folds_alike(stored):
    customer = factories.CustomerFactory(name=stored)
    contact = factories.ContactFactory(customer=customer, name=stored)
    for vary in VARIANTS if stored != "——" else [str]:
        typed = vary(stored)
        assert fold_name(typed) == fold_name(stored)
        assert list(Customer.objects.filter(name__contains_text=typed)) == [customer]
        assert list(Customer.objects.named_like(typed)) == [customer]
        assert list(Contact.objects.filter(name__same_text=typed)) == [contact]


WRITTEN = ["0532-8888 1234", "+86 532 88881234", "053288881234", "（0532）8888·1234", "０５３２８８８８１２３４"]


@pytest.mark.django_db
@pytest.mark.parametrize("stored", WRITTEN)
def test_a_stored_number_is_found_however_it_is_typed(stored):
    customer = factories.CustomerFactory(phone=stored)
    for typed in (*WRITTEN, "\u202d0532 88881234"):
        assert list(Customer.objects.filter(phone__contains_number=typed)) == [customer]
        assert list(Customer.objects.filter(phone__same_number=typed)) == [customer]
    for part in ("8888", "0532", "1234", "881234", "88 8812"):
        assert list(Customer.objects.filter(phone__contains_number=part)) == [customer]
    for other in ("0888", "0533", "号码", "", "0"):
        assert not Customer.objects.filter(phone__contains_number=other).exists()


@pytest.mark.django_db
def test_of_several_numbers_in_one_field_each_is_found():
    customer = factories.CustomerFactory(phone="13800001111 / 0532-88881234 转 801")
    for typed in ("0532 8888 1234", "+8653288881234", "138-0000-1111", "801"):
        assert list(Customer.objects.filter(phone__contains_number=typed)) == [customer]


# Where people type


@pytest.fixture
def sought(company):
    customer = factories.CustomerFactory(
        name="曾氏括号（集团）ＡＢＣ", phone="0532-8888 1234", manager=company.manager, by=company.manager
    )
    factories.ContactFactory(customer=customer, name="翟（小）平", office_phone="+86 532 7777 1234")
    return customer


NAMED = ["括号(集团)", "abc", "集团 ABC", "曾氏括号", "zengshi", "cengshi", "ＺＳＫＨ", "cskh", "曾\u200b氏"]
PHONES = ["053288881234", "+8653288881234", "8888-1234", "(0532) 8888", "\u202d053288881234", "0532 7777 1234"]


@pytest.mark.django_db
@pytest.mark.parametrize("typed", [*NAMED, *PHONES, "翟小平", "翟(小)平"])
def test_search_finds_it_however_it_is_typed(typed, sought, company, sign_in):
    html = sign_in(company.manager).get("/search/", {"q": typed}).content.decode()
    assert sought.get_absolute_url() in html


@pytest.mark.django_db
@pytest.mark.parametrize("typed", NAMED)
def test_the_filters_of_lists_find_it_however_it_is_typed(typed, sought, company, sign_in):
    client = sign_in(company.manager)
    factories.CustomerFactory(name="别的", manager=company.manager)
    html = client.get("/customers/", {"name": typed}).content.decode()
    assert sought.get_absolute_url() in html
    assert "别的" not in html


@pytest.mark.django_db
@pytest.mark.parametrize("typed", [*NAMED, *PHONES[:5]])
def test_the_picker_of_service_requests_finds_it_however_it_is_typed(typed, sought, company):
    assert sought in find_customers(company.manager, clean_text(typed)).seen


@pytest.mark.django_db
def test_a_masked_number_is_found_by_no_way_of_writing_it(sought, company, sign_in):
    """The executive sees every customer and no number in full."""
    client = sign_in(company.executive)
    assert sought.get_absolute_url() in client.get("/search/", {"q": "曾氏"}).content.decode()
    for typed in PHONES:
        assert sought.get_absolute_url() not in client.get("/search/", {"q": typed}).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["—", "(", "\u3000"])
def test_punctuation_alone_does_not_offer_everybody(typed, company):
    factories.CustomerFactory(name="渤海泵业", manager=company.manager)
    assert find_customers(company.manager, typed) == LookupResult([], [])


@pytest.mark.django_db
def test_colleagues_are_found_by_their_number_however_it_is_typed(company, sign_in):
    User.objects.filter(pk=company.manager.pk).update(mobile="+86 138-0000 1111")
    client = sign_in(company.administrator)
    found = client.get(reverse("accounts:user_list"), {"mobile": "13800001111"})
    assert texts(found, "table.tbl tbody td.m-t small") == [company.manager.username]
    assert rows(client.get(reverse("accounts:user_list"), {"mobile": "13800001112"})) == []


# Signs nobody sees


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["\u200b\u200b", "\u3164", "\xa0\u2060", "\ufeff\xad", "\u2800"])
def test_a_name_of_signs_nobody_sees_is_no_name(name, sought, company, sign_in):
    client = sign_in(company.manager)
    address = f"/customers/{sought.pk}/contacts/new/"
    answer = client.post(address, {"name": name, "position": "经理", "office_phone": "0532-1"})
    assert "请填写。" in answer.content.decode()
    assert sought.contacts.count() == 1


@pytest.mark.django_db
def test_signs_nobody_sees_are_not_stored(sought, company, sign_in):
    client = sign_in(company.manager)
    values = {"name": "王\u200b五\u202e", "position": "经\xa0理", "office_phone": "\u202d0532-8888 5678\u202c"}
    answer = client.post(f"/customers/{sought.pk}/contacts/new/", {**values, "note": "一\r\n二\u200d\t三"})
    assert answer.status_code == 302
    contact = sought.contacts.get(office_phone="0532-8888 5678")
    assert (contact.name, contact.position) == ("王五", "经 理")
    assert contact.note.replace("\r\n", "\n") == "一\n二\t三"


@pytest.mark.django_db
def test_the_admin_goes_through_the_same_gate(company, sign_in):
    client = sign_in(company.administrator)
    client.post(reverse("admin:accounts_department_add"), {"name": "华\u200b北二部"})
    assert Department.objects.filter(name="华北二部").exists()
    answer = client.post(reverse("admin:accounts_department_add"), {"name": "\u200b\u200b"})
    assert "name" in answer.context["adminform"].form.errors


def test_a_password_is_taken_sign_by_sign():
    form = type("Form", (CrmForm, forms.Form), {"code": forms.CharField(widget=forms.PasswordInput, strip=False)})
    sent = form({"code": "a\u200bb\xa0"})
    assert sent.is_valid()
    assert sent.cleaned_data["code"] == "a\u200bb\xa0"


def test_the_feed_goes_through_the_same_gate():
    cells = normalize_cells(
        "orders", {"订单编号": "\ufeffD1\u200b", "客户编号": "Ｃ\xa01", "日期": "\u202d2026-01-02", "状态": "已回款"}
    )
    values = parse_order({**cells, "changed_at": None})
    assert (values["number"], values["customer_number"]) == ("D1", "C 1")
    assert values["ordered_at"].date().isoformat() in ("2026-01-01", "2026-01-02")
