"""Company names in one form, their pinyin, and the check character of the credit code."""

from __future__ import annotations

import string
import unicodedata
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from customers import validators
from customers.merging.pages import find_suspected_duplicates
from customers.models import Customer
from customers.names import COMPANY_ENDINGS, normalize, other_readings, pinyin
from customers.querysets import sounds_like
from customers.records.duplicates import SearchTerms, similar_customers
from customers.records.forms import CustomerForm
from tests import factories

STEADY = settings(deadline=None, derandomize=True, database=None)
CHINESE = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
PLAIN = st.sampled_from(string.ascii_letters + string.digits)
COMPANY = st.text(CHINESE | PLAIN, min_size=1, max_size=40)
ANYTHING = st.text(max_size=100)
SEPARATORS = " 　\t()（）[]【】《》·-—、，.．\u200b\ufeff"
UNPAIRED = st.text(st.characters(categories=["Cs", "Cc", "Lo", "Zs"]), max_size=20)


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@STEADY
@given(st.text(CHINESE | PLAIN | st.sampled_from(SEPARATORS + "①㈱㍿ｱßİ"), max_size=60))
def test_a_normalised_name_is_its_own_normal_form(name):
    bare = normalize(name)
    if not bare.endswith(COMPANY_ENDINGS):
        assert normalize(bare) == bare


def test_accents_typed_apart_are_one_normal_form():
    assert normalize(normalize("U¨")) == normalize("U¨")


@pytest.mark.parametrize("name", ["甲有限责任公司有限公司", "甲有限公司有限公司", "甲有限公司（有限责任公司）"])
def test_a_doubled_ending_is_taken_off_entirely(name):
    assert normalize(normalize(name)) == normalize(name)


@STEADY
@given(COMPANY)
def test_width_and_case_make_no_difference(name):
    assert normalize(full_width(name)) == normalize(name)
    assert normalize(name.upper()) == normalize(name.lower()) == normalize(name)


@STEADY
@given(COMPANY, st.lists(st.tuples(st.integers(0, 40), st.sampled_from(SEPARATORS))))
def test_spaces_brackets_and_punctuation_make_no_difference(name, inserts):
    decorated = name
    for place, char in inserts:
        decorated = decorated[:place] + char + decorated[place:]
    assert normalize(decorated) == normalize(name)


@STEADY
@given(COMPANY, st.sampled_from(COMPANY_ENDINGS), st.sampled_from(["", " ", "　", "（", "("]))
def test_the_ending_makes_no_difference(name, ending, between):
    if not name.endswith(("公司", "有限", "有", "有限责任")):
        assert normalize(f"{name}{between}{ending}") == normalize(name)


@STEADY
@given(COMPANY, COMPANY)
def test_another_name_stays_another_name(one, other):
    if one.casefold() != other.casefold() and not one.endswith(COMPANY_ENDINGS) and not other.endswith(COMPANY_ENDINGS):
        assert normalize(one) != normalize(other)


def visible(text: str) -> bool:
    return any(unicodedata.category(char)[0] not in "CZ" for char in text)


@STEADY
@given(ANYTHING)
@example("——")
@example("（）")
@example("有限公司")
@example("€")
def test_a_visible_name_never_becomes_empty(name):
    assert bool(normalize(name)) or not visible(name)


@STEADY
@given(ANYTHING | UNPAIRED)
@example("\x00")
@example("\ud800")
@example("单")
def test_no_text_breaks_names_or_pinyin(text):
    assert isinstance(normalize(text), str)
    full, initials = pinyin(text)
    assert len(full) <= 200
    assert len(initials) <= 100
    assert pinyin(text) == (full, initials)


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("（北京）华腾仪表有限公司", "(北京)华腾仪表有限公司"),
        ("北京华腾仪表有限责任公司", "北京华腾仪表 有限公司"),
        ("ＡＢＢ（中国）有限公司", "abb(中国)有限公司"),
        ("北京华腾仪表（有限公司）", "北京华腾仪表"),
        ("三①科技", "三1科技"),
    ],
)
def test_these_are_the_same_company(typed, same):
    assert normalize(typed) == normalize(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("华腾股份有限公司", "华腾有限公司"),
        ("北京华腾", "华腾"),
        ("华腾一厂", "华腾二厂"),
        ("有限公司", "有限责任公司"),
    ],
)
def test_these_are_two_companies(one, other):
    assert normalize(one) != normalize(other)


@pytest.mark.parametrize(
    ("name", "full", "initials"),
    [
        ("北京华腾", "beijinghuateng", "bjht"),
        ("重庆钢铁", "chongqinggangtie", "cqgt"),
        ("ABB中国", "abbzhongguo", "azg"),
        ("单县化工", "shanxianhuagong", "sxhg"),
        ("曾记", "zengji", "zj"),
        ("", "", ""),
    ],
)
def test_pinyin_reads_as_people_do(name, full, initials):
    assert pinyin(name) == (full, initials)


@pytest.mark.parametrize("name", ["华腾ABC", "HUATENG"])
def test_pinyin_is_lower_case(name):
    assert pinyin(name)[0] == pinyin(name)[0].lower()


@pytest.mark.parametrize(("name", "full"), [("解放汽车", "jiefangqiche"), ("区域能源", "quyunengyuan")])
def test_a_company_is_not_read_as_a_surname(name, full):
    assert pinyin(name)[0] == full


@pytest.mark.parametrize(
    ("name", "full", "initials"),
    [
        ("曾庆林食品", "zengqinglinshipin", "zqlsp"),
        ("青岛翟记", "qingdaozhaiji", "qdzj"),
        ("山东解氏", "shandongxieshi", "sdxs"),
        ("（北京）ＡＢＢ中国", "beijingabbzhongguo", "bjazg"),
        ("开发区家具", "kaifaqujiaju", "kfqjj"),
        ("尉迟", "yuchi", "yc"),
    ],
)
def test_names_are_sorted_by_the_reading_people_use(name, full, initials):
    assert pinyin(name) == (full, initials)


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("曾记", ["zengji", "zj", "cengji", "cj"]),
        ("翟庄机械", ["zhaizhuangjixie", "zzjx", "dizhuangjixie", "dzjx"]),
        ("山东单县", ["shandongdanxian", "sddx", "shandongshanxian", "sdsx"]),
        ("仇氏", ["qiushi", "qs", "choushi", "cs"]),
        ("乐陵曾氏", ["lelingzengshi", "llzs", "yuelingcengshi", "ylcs", "lelingcengshi", "llcs"]),
    ],
)
def test_every_reading_of_a_surname_is_kept(name, readings):
    kept = {*pinyin(name), *other_readings(name).split("|")}
    assert set(readings) - kept == set()


@pytest.mark.parametrize("name", ["北京华腾", "ABB", "", "重庆钢铁"])
def test_most_names_have_one_reading(name):
    assert other_readings(name) == ""


def test_a_name_of_nothing_but_surnames_has_a_bounded_number_of_readings():
    assert len(other_readings("单乐曾" * 33).split("|")) <= 26


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["zeng", "ceng", "zengqing", "ＣＥＮＧ", "zql", "cql"])
def test_a_customer_is_found_by_both_readings(typed):
    customer = factories.CustomerFactory(name="曾庆林食品")
    factories.CustomerFactory(name="庆林食品")
    assert list(Customer.objects.filter(sounds_like(typed))) == [customer]


@pytest.mark.django_db
def test_a_changed_name_is_found_by_its_new_readings():
    customer = factories.CustomerFactory(name="庆林食品")
    customer.name = "曾庆林食品"
    customer.save()
    assert Customer.objects.filter(sounds_like("cengqing")).exists()


@pytest.mark.django_db
def test_rows_from_before_get_their_readings_by_the_migration():
    customer = factories.CustomerFactory(name="曾庆林\u200b食品")
    stale = {"name_normalized": "x", "name_pinyin": "cengqinglin", "name_initials": "cqlsp", "name_readings": None}
    Customer.objects.filter(pk=customer.pk).update(**stale)
    import_module("customers.migrations.0011_folded_names_and_numbers").derive_again(apps, None)
    again = Customer.objects.get()
    assert (again.name_normalized, again.name_pinyin) == ("曾庆林食品", "zengqinglinshipin")
    assert "|cengqinglinshipin|" in again.name_readings


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["甲" * 100, "Ａ１" * 50, "——", "曾" * 100])
def test_a_stored_customer_is_found_by_its_own_name(name):
    customer = factories.CustomerFactory(name=name)
    stored = Customer.objects.get()
    assert stored.name == name
    assert list(Customer.objects.named_like(name)) == [customer]


@pytest.mark.django_db
def test_a_name_that_grows_when_normalised_is_found_by_itself():
    customer = factories.CustomerFactory(name="㍿" * 50)
    assert list(Customer.objects.named_like(customer.name)) == [customer]


# 统一社会信用代码

CODE = st.text(st.sampled_from(validators.CODE_CHARACTERS), min_size=17, max_size=17)


def passes(check, value: str) -> bool:
    """Does the validator let the value through?"""
    try:
        check(value)
    except ValidationError:
        return False
    return True


@STEADY
@given(CODE)
def test_a_code_with_its_check_character_passes(code):
    assert passes(validators.license_number, code + validators.code_check_character(code))


@STEADY
@given(CODE, st.integers(0, 17), st.sampled_from(validators.CODE_CHARACTERS))
def test_one_changed_character_is_noticed(code, place, other):
    full = code + validators.code_check_character(code)
    changed = full[:place] + other + full[place + 1 :]
    if changed != full:
        with pytest.raises(ValidationError, match="校验位不对"):
            validators.license_number(changed)


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91350100m000100y43", "9135 0100 M000 100Y43"])
def test_the_codes_of_the_standard_pass(code):
    assert passes(validators.license_number, code)


@pytest.mark.parametrize("number", ["", "110000450012345", "京工商 12345", "12345678901234567", "1234567890123456789"])
def test_older_registration_numbers_pass_as_they_are(number):
    assert passes(validators.license_number, number)


@pytest.mark.parametrize("letter", "IOSVZ*中９")
def test_a_code_of_eighteen_has_no_other_characters(letter):
    with pytest.raises(ValidationError, match="只含数字和大写字母"):
        validators.license_number("9135010" + letter + "M000100Y43"[:10])


@pytest.mark.parametrize("postcode", ["100000", "266000"])
def test_a_postcode_has_six_digits(postcode):
    assert passes(validators.postcode, postcode)


@pytest.mark.parametrize("postcode", ["10000", "1000000", "10000a", "100000\n", " 100000", "１０００００"])
def test_anything_else_is_no_postcode(postcode):
    with pytest.raises(ValidationError, match="6 位数字"):
        validators.postcode(postcode)


@pytest.mark.parametrize("address", ["http://example.com", "https://www.example.com/a?b=1", "https://例子.中国"])
def test_web_addresses_are_http_or_https(address):
    assert passes(validators.web_address, address)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://example.com", "www.example.com", "data:text/html,x"])
def test_other_addresses_are_refused(address):
    with pytest.raises(ValidationError, match="http:// 或 https://"):
        validators.web_address(address)


STORED = "91350100M000100Y43"
AS_TYPED = [STORED.lower(), "9135 0100 M000 100Y43", full_width(STORED), "91350100-m000100y43", f"\u200b{STORED}\xa0"]


@pytest.mark.django_db
@pytest.mark.parametrize("typed", AS_TYPED)
def test_a_code_is_stored_in_one_form_whichever_way_it_comes(typed):
    customer = factories.CustomerFactory(license_number=typed, local_tax_number=typed)
    assert (customer.license_number, Customer.objects.get().local_tax_number) == (STORED, STORED)
    Customer.objects.update(license_number=typed)
    assert Customer.objects.values_list("license_number", flat=True).get() == STORED
    customer.license_number = typed
    Customer.objects.bulk_update([customer], ["license_number"])
    assert Customer.objects.values_list("license_number", flat=True).get() == STORED
    Customer.objects.bulk_create([Customer(name="乙", number="K2", manager=customer.manager, license_number=typed)])
    assert Customer.objects.filter(license_number=typed).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("typed", AS_TYPED)
def test_the_form_stores_a_code_in_one_form(typed):
    field = CustomerForm(user=None).fields["license_number"]
    assert field.clean(typed) == STORED


@pytest.mark.django_db
@pytest.mark.parametrize("old", AS_TYPED[:4])
def test_a_code_stored_before_as_typed_is_still_the_same(old, company):
    customer = factories.CustomerFactory(manager=company.manager)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_customer SET license_number = %s", [old])
    for typed in (STORED, *AS_TYPED):
        assert similar_customers(SearchTerms("别的名称", license_number=typed), company.stranger) == [customer]
    assert similar_customers(SearchTerms("别的名称"), company.stranger) == []
    twin = factories.CustomerFactory(license_number=STORED)
    groups, _ = find_suspected_duplicates(Customer.objects.all())
    assert [group["customers"] for group in groups] == [[customer, twin]]
